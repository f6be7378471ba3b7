"""A bad day: a table against a flaky vendor, killed again and again, gone on with until it is done."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from flows.options import RunOptions
from providers.registry import SANDBOX_VARIABLE
from providers.sandbox.behaviour import FOLDER
from providers.sandbox.process import RunningSandbox, start_sandbox
from tasks.ledger import Ledger, attempts, budget, lookup, open_ledger, runs
from tasks.ledger.attempt import Attempt
from tasks.store import Store
from tests.chaos import checks
from tests.chaos.checks import Line
from tests.chaos.child import Errand, fork
from tests.chaos.kills import ENDED, SECONDS, WAYS, Kill, ask, kill, wait

TEMPLATE = """\
name: three-steps
version: 1
about: Two photographs of a thing, one of them cut out.
inputs:
  prompt: {type: text, about: What to photograph}
steps:
  photo: {model: flux-2-pro, with: {prompt: $prompt}, fallback: [recraft-v4]}
  other: {model: recraft-v4, with: {prompt: "${prompt} from above"}}
  cutout: {model: bria-rmbg-2, with: {image: $photo}, fallback: [birefnet]}
outputs: {photo: $photo, other: $other, cutout: $cutout}
"""
FAST = {"time_scale": 0.004, "queue_seconds": 0.02, "longest_seconds": 0.3, "pictures": "plain"}
KILLS = 6
RESUMES = 8  # that nobody kills: by then nothing is left that could still move


@dataclass
class Day:
    """What is left of a bad day."""

    folder: Path
    rows: int
    kills: list[Kill] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    attempts: list[Attempt] = field(default_factory=list)
    held: int = 0
    said: str = ""


def write_profile(folder: Path, **changes: Any) -> Path:
    """Write the profile `flaky` with every time a fraction of its own."""
    profile = json.loads((FOLDER / "flaky.json").read_text(encoding="utf-8"))
    for rule in profile["rules"]:
        if "seconds" in rule:
            rule["seconds"] *= 0.02
    path = folder / "flaky-fast.json"
    path.write_text(json.dumps(profile | FAST | changes), encoding="utf-8")
    return path


def write_inputs(folder: Path, rows: int) -> tuple[Path, Path]:
    """Write the template and a table of so many rows; return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    template, table = folder / "three-steps.yaml", folder / "rows.csv"
    template.write_text(TEMPLATE, encoding="utf-8")
    lines = ["id,prompt", *(f"r{number:02},a thing number {number}" for number in range(rows))]
    table.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return template, table


@contextmanager
def vendor(
    folder: Path, seed: int, **changes: Any
) -> Iterator[tuple[RunningSandbox, dict[str, str]]]:
    """Have a sandbox run in the block; gives it with its client's environment."""
    sandbox = start_sandbox(folder / "sandbox", str(write_profile(folder, **changes)), seed)
    environment = {
        **sandbox.environment(),
        SANDBOX_VARIABLE: sandbox.id,
        "MEDIAFLOWS_HOME": str(folder / "home"),
        "MEDIAFLOWS_RUNS_URL": str(folder / "runs"),
    }
    try:
        yield sandbox, environment
    finally:
        sandbox.stop()


def crash_day(folder: Path, seed: int, rows: int, kills: int = KILLS) -> Day:
    """Return what is left of a day with so many kills, after it has been gone on with to its end."""
    template, table = write_inputs(folder, rows)
    chance, day = random.Random(seed), Day(folder, rows)
    with vendor(folder, seed) as (sandbox, environment):
        # Every other day has a cap that is not reached: what dead processes had reserved goes back.
        cap = None if seed % 2 else Decimal(100)
        options = RunOptions(
            jobs=10, breaker=False, provider=("fal",), max_cost=cap, allow_unpriced=True
        )
        errand = Errand(environment, template, table, options)
        for number in range(kills):
            way = WAYS[(seed * (kills + 1) + number) % len(WAYS)]
            day.kills.append(kill(sandbox, gone_on_with(folder, errand), way, chance))
            if "ended with" in day.kills[-1].how:
                day.faults.append(f"a process failed before it was killed: {day.kills[-1]}")
        until_nothing_moves(day, sandbox, lambda: to_the_end(gone_on_with(folder, errand), day))
        to_the_end(replace(errand, is_reconciling=True), day)
        look(day, sandbox)
    return day


def gone_on_with(folder: Path, errand: Errand) -> Errand:
    """Return the errand as it goes on: with the run that is there, if there is one."""
    if not (folder / "home" / "ledger.db").exists():
        return errand
    with ledger_of(folder) as ledger:
        found = ledger.do_now(runs.find, "")
    return replace(errand, run=found[0].id) if found else errand


@contextmanager
def ledger_of(folder: Path) -> Iterator[Ledger]:
    """Have the ledger of a day open in the block."""
    ledger = open_ledger(f"sqlite:///{folder / 'home' / 'ledger.db'}")
    try:
        yield ledger
    finally:
        ledger.close()


def to_the_end(errand: Errand, day: Day) -> None:
    """Do an errand in a process that nobody kills."""
    how = wait(fork(errand), SECONDS)
    if how != ENDED:
        day.faults.append(f"a process that nobody killed: {how}")


def until_nothing_moves(day: Day, sandbox: RunningSandbox, go_on: Callable[[], None]) -> None:
    """Go on with a day's run until all that is left open waits for a person, or for ever."""
    for _ in range(RESUMES):
        go_on()
        if not (moving := _moving(day.folder, broken_jobs(sandbox))):
            return
    day.faults.append(f"after {RESUMES} resumes there is still to do: {moving}")


def _moving(folder: Path, broken: set[str]) -> list[str]:
    with ledger_of(folder) as ledger:
        made = ledger.do_now(lookup.all_attempts)
        (run,) = ledger.do_now(runs.find, "")
        ends = ledger.do_now(runs.ends_of, run.id)
    moving = [
        f"{one.id} is {one.state}"
        for one in made
        if one.is_open and one.state != "uncertain" and not checks.is_out(one, broken)
    ]
    return moving + checks.parked_for_nothing(ends, made, broken)


def broken_jobs(sandbox: RunningSandbox) -> set[str]:
    """The jobs whose download breaks off halfway, however often it is begun."""
    return {job["id"] for job in ask(sandbox, "jobs") if "truncated" in job["faults"]}


def look(day: Day, sandbox: RunningSandbox) -> None:
    """Check a day's end, play the person who reads the invoice, and check again."""
    with ledger_of(day.folder) as ledger:
        broken = broken_jobs(sandbox)
        store = Store(day.folder / "home" / "store")
        day.lines, day.attempts = sandbox.invoice(), ledger.do_now(lookup.all_attempts)
        (run,) = ledger.do_now(runs.find, "")
        ends = ledger.do_now(runs.ends_of, run.id)
        day.faults += checks.unmatched(day.lines, day.attempts)
        day.faults += checks.misjudged(day.lines, day.attempts)
        day.faults += checks.out_of_bounds(day.lines, day.attempts)
        day.faults += checks.sent_too_soon(day.attempts)
        day.faults += checks.accepted_too_soon(day.lines, day.attempts)
        day.faults += checks.not_on_disk(day.attempts, store)
        day.faults += checks.not_final(ends, day.rows)
        day.faults += checks.parked_for_nothing(ends, day.attempts, broken)
        day.faults += checks.still_reserved(ledger.do_now(budget.reserved, run.id))
        day.held = sum(attempt.state == "uncertain" for attempt in day.attempts)
        settle_by_invoice(ledger, day.lines, day.attempts)
        day.faults += checks.unequal(day.lines, ledger.do_now(lookup.all_attempts), broken)


def settle_by_invoice(ledger: Ledger, lines: list[Line], made: list[Attempt]) -> None:
    """Settle all that is in doubt as the invoice says, like a person who reads it."""
    billed = {
        attempt.id
        for line, attempt in checks.paired(lines, made)[0]
        if line["amount"] not in (None, "0")
    }
    for attempt in made:
        ledger.do_now(attempts.assume, attempt.id, billed=attempt.id in billed)
