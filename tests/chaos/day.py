"""A bad day: a table against a flaky vendor, killed again and again, gone on with until it is done."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.request import ProxyHandler, Request, build_opener

from flows.options import RunOptions
from providers.registry import SANDBOX_VARIABLE
from providers.sandbox.behaviour import FOLDER
from providers.sandbox.process import RunningSandbox, start_sandbox
from tasks.ledger import Ledger, attempts, budget, lookup, open_ledger, runs
from tasks.ledger.attempt import Attempt
from tasks.store import Store
from tests.chaos import checks
from tests.chaos.checks import Line
from tests.chaos.child import POINTS, Death, Errand, fork

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
CHILD_SECONDS = 60.0  # a child that takes longer hangs
_OPENER = build_opener(ProxyHandler({}))


@dataclass
class Day:
    """What is left of a bad day."""

    folder: Path
    rows: int
    kills: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    attempts: list[Attempt] = field(default_factory=list)
    held: int = 0


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


def crash_day(folder: Path, seed: int, rows: int, kills: int = 5) -> Day:
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
        for _ in range(kills):
            day.kills.append(_killed(sandbox, _next(folder, errand), chance))
        for _ in range(3):  # what parks because of a slow job or a bad download is taken up again
            to_the_end(_next(folder, errand), day)
        to_the_end(replace(errand, is_reconciling=True), day)
        _look(day, sandbox)
    return day


def _next(folder: Path, errand: Errand) -> Errand:
    """Return the errand as it goes on: with the run that is there, if there is one."""
    if not (folder / "home" / "ledger.db").exists():
        return errand
    with ledger_of(folder) as ledger:
        found = ledger.do_now(runs.find, "")
    if not found:
        return errand
    return replace(errand, run=found[0].id)


@contextmanager
def ledger_of(folder: Path) -> Iterator[Ledger]:
    """Have the ledger of a day open in the block."""
    ledger = open_ledger(f"sqlite:///{folder / 'home' / 'ledger.db'}")
    try:
        yield ledger
    finally:
        ledger.close()


def _killed(sandbox: RunningSandbox, errand: Errand, chance: random.Random) -> str:
    """Do an errand in a process that is killed somewhere; return where."""
    way = chance.choice(("moment", "inside", "inside", "vendor"))
    if way == "inside":
        death = Death(chance.randrange(len(POINTS)), chance.choice((1, 1, 2, 3, 5, 8)))
        pid = fork(errand, death)
        return f"{death}: {_wait(pid, CHILD_SECONDS)}"
    pid = fork(errand)
    if way == "vendor":
        point, number = chance.choice(("before_reply", "after_reply", "poll", "download")), 1
        number = chance.choice((1, 2, 4, 8))
        _watch(sandbox, {"pid": pid, "point": point, "nth": number})
        return f"vendor's {point} number {number}: {_wait(pid, CHILD_SECONDS)}"
    seconds = chance.uniform(0.1, 1.2)
    return f"after {seconds:.2f} s: {_wait(pid, seconds)}"


def _watch(sandbox: RunningSandbox, asked: dict[str, Any]) -> None:
    url = sandbox.invoice_url.replace("/invoice", "/watch")
    body = json.dumps(asked).encode()
    request = Request(url, body, {"content-type": "application/json"})
    with suppress(OSError):
        _OPENER.open(request, timeout=5).close()


def _wait(pid: int, seconds: float) -> str:
    """Wait for a child, and kill it when the time is over; return how it ended."""
    last = time.monotonic() + seconds
    while time.monotonic() < last:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            code = os.waitstatus_to_exitcode(status)
            return {0: "had ended", -signal.SIGKILL: "killed"}.get(code, f"ended with {code}")
        time.sleep(0.005)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return "killed"


def to_the_end(errand: Errand, day: Day) -> None:
    """Do an errand in a process that nobody kills."""
    how = _wait(fork(errand), CHILD_SECONDS)
    if how != "had ended":
        day.faults.append(f"a process that nobody killed: {how}")


def _look(day: Day, sandbox: RunningSandbox) -> None:
    """Check a day's end, play the person who reads the invoice, and check again."""
    with ledger_of(day.folder) as ledger:
        store = Store(day.folder / "home" / "store")
        day.lines, day.attempts = sandbox.invoice(), ledger.do_now(lookup.all_attempts)
        (run,) = ledger.do_now(runs.find, "")
        day.faults += checks.unmatched(day.lines, day.attempts)
        day.faults += checks.out_of_bounds(day.lines, day.attempts)
        day.faults += checks.sent_too_soon(day.attempts)
        day.faults += checks.not_on_disk(day.attempts, store)
        day.faults += checks.not_final(ledger.do_now(runs.ends_of, run.id), day.rows)
        day.faults += checks.still_reserved(ledger.do_now(budget.reserved, run.id))
        day.held = sum(attempt.state == "uncertain" for attempt in day.attempts)
        settle_by_invoice(ledger, day.lines, day.attempts)
        settled = ledger.do_now(lookup.all_attempts)
        running = [one.id for one in settled if one.state == "submitted"]
        if not running:
            day.faults += checks.unequal(day.lines, settled)


def settle_by_invoice(ledger: Ledger, lines: list[Line], made: list[Attempt]) -> None:
    """Settle all that is in doubt as the invoice says, like a person who reads it."""
    jobs = {(one.provider, one.job) for one in made if one.job}
    by_job = {(line["provider"], line["job"]): line for line in lines}
    loose = [line for job, line in by_job.items() if job not in jobs]
    for attempt in made:
        line = by_job.get((attempt.provider, attempt.job))
        if line is None:
            line = next((one for one in loose if one["body_sha256"] == attempt.body_digest), None)
            if line is not None and attempt.state in ("uncertain", "intent"):
                loose.remove(line)
        billed = line is not None and line["amount"] not in (None, "0")
        ledger.do_now(attempts.assume, attempt.id, billed=billed)
