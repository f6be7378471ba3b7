"""A cap under load: a hundred rows, many in flight, a vendor of random latencies and moods."""

from __future__ import annotations

import asyncio
import os
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from flows import prepare
from flows.options import RunOptions
from providers import registry
from providers.catalog import Model, load_model
from tasks import invoke
from tasks.accounts import low_high
from tasks.ledger import Ledger, budget, lookup, runs
from tasks.ledger.attempt import Attempt
from tasks.ledger.runs import RowEnd
from tests.chaos.child import Errand, do_errand, fork, prepare_child
from tests.chaos.day import gone_on_with, ledger_of
from tests.chaos.kills import ENDED, SECONDS, wait
from tests.chaos.moody import Moody, moody_providers
from tests.scripted import PRICE

TEMPLATE = """\
name: two-steps
version: 1
about: A photograph, and another after it.
inputs:
  prompt: {type: text}
steps:
  one: {model: flux-2-pro, with: {prompt: $prompt}}
  two: {model: flux-2-pro, with: {prompt: "${prompt} again"}, when: one.width > 0}
outputs: {one: $one, two: $two}
"""
ROWS, JOBS = 100, 64
ROW = PRICE * 2
CAP = ROW * Decimal("37.5")
# The vendor's mood by seed, and whether the run is killed twice on its way.
DAYS = (
    ("calm", False),
    ("free", False),
    ("charging", False),
    ("awful", False),
    ("calm", True),
)


@dataclass(frozen=True)
class BudgetDay:
    """How a day under a cap has ended."""

    faults: Sequence[str]
    states: Mapping[str, int]
    billed: Decimal
    kills: int


def budget_day(folder: Path, seed: int) -> BudgetDay:
    """Return how a day ended: mood, kills and the number of submits follow from the seed."""
    folder.mkdir(parents=True, exist_ok=True)
    mood, is_killed = DAYS[seed % len(DAYS)]
    invoke.SUBMITS = 1 if seed // len(DAYS) % 2 else 3
    chance = random.Random(seed)
    script = Moody(chance=chance, mood=mood, log=folder / "invoice.jsonl")
    registry.PROVIDERS.update(moody_providers(script))
    prepare.load_model = _impatient  # type: ignore[attr-defined]
    prepare_child()
    errand = _errand(folder)
    os.environ.update(errand.environment)
    faults, kills = [], 0
    for _ in range(2 if is_killed else 0):
        kills += wait(fork(gone_on_with(folder, errand)), chance.uniform(0.1, 0.5)) != ENDED
    if is_killed:
        # In a process of its own as well: it knows no job of those before it, and asks for all.
        how = wait(fork(gone_on_with(folder, errand)), SECONDS)
        faults += [] if how == ENDED else [f"a process that nobody killed: {how}"]
    else:
        asyncio.run(do_errand(errand))
    with ledger_of(folder) as ledger:
        return _judged(ledger, script, faults, kills)


def _impatient(name: str) -> Model:
    model = load_model(name)
    latency = model.bindings[0].latency.model_copy(update={"longest_seconds": 1.0})
    bindings = [binding.model_copy(update={"latency": latency}) for binding in model.bindings]
    return model.model_copy(update={"bindings": tuple(bindings)})


def _errand(folder: Path) -> Errand:
    template, table = folder / "two-steps.yaml", folder / "rows.csv"
    template.write_text(TEMPLATE, encoding="utf-8")
    lines = ["id,prompt", *(f"r{number:03},thing {number}" for number in range(ROWS))]
    table.write_text("\n".join(lines) + "\n", encoding="utf-8")
    environment = {
        "MEDIAFLOWS_HOME": str(folder / "home"),
        "MEDIAFLOWS_RUNS_URL": str(folder / "runs"),
    }
    options = RunOptions(max_cost=CAP, jobs=JOBS, breaker=False)
    return Errand(environment, template, table, options)


def _judged(ledger: Ledger, script: Moody, faults: list[str], kills: int) -> BudgetDay:
    (run,) = ledger.do_now(runs.find, "")
    ends = ledger.do_now(runs.ends_of, run.id)
    made = ledger.do_now(lookup.made_by, run.id)
    states = Counter(end.state for end in ends if end)
    found = [*faults, *over_the_cap(script.billed, made), *half_made(ends, made)]
    if left := ledger.do_now(budget.reserved, run.id):
        found.append(f"${left} is still reserved")
    if states.total() != ROWS:
        found.append(f"{states.total()} rows have an end")
    room = CAP - ledger.do_now(budget.spent, run.id)
    found += idle(room, states)
    if script.mood in ("calm", "free") and not (kills or states["failed"]):
        expected = int((CAP - ROW * invoke.SUBMITS) / ROW) + 1
        if states["done"] != expected:
            found.append(f"{states['done']} rows are done instead of {expected}: {dict(states)}")
    return BudgetDay(found, dict(states), script.billed, kills)


def over_the_cap(billed: Decimal, made: Sequence[Attempt]) -> list[str]:
    """The invoice never passes the cap, and lies where the ledger says."""
    faults = [] if billed <= CAP else [f"the invoice is ${billed} and the cap ${CAP}"]
    spans = [low_high(attempt) or (Decimal(0), Decimal(0)) for attempt in made]
    low, high = sum(low for low, _ in spans), sum(high for _, high in spans)
    if not low <= billed <= high:
        faults.append(f"the invoice is ${billed} and the ledger ${low} to ${high}")
    return faults


def half_made(ends: Sequence[RowEnd | None], made: Sequence[Attempt]) -> list[str]:
    """No row that was begun is kept out of the rest for want of money."""
    begun = {attempt.place.row for attempt in made}
    half = [end.row for end in ends if end and end.state == "not admitted" and end.row in begun]
    return [f"half made and then not admitted: {half}"] if half else []


def idle(room: Decimal, states: Mapping[str, int]) -> list[str]:
    """A row is kept out only when its worst case does not fit; what is parked keeps none waiting."""
    worst = ROW * invoke.SUBMITS
    if states.get("not admitted") and room >= worst:
        return [f"rows were kept out and ${room} were free, ${worst} would do"]
    return []
