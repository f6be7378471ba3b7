"""A cap under load: a hundred rows, many in flight, a vendor of random latencies and moods."""

from __future__ import annotations

import asyncio
import os
import random
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from flows import frozen, prepare
from flows.frozen import start_run
from flows.options import RunOptions
from flows.prepare import Request
from flows.results import finish_run
from flows.shard import Shard
from providers import registry
from providers.catalog import Model, load_model
from tasks import invoke
from tasks.home import find_home
from tasks.ledger import budget, lookup, runs
from tasks.services import open_services
from tests.chaos.child import prepare_child
from tests.scripted import PRICE, Script, scripted_providers

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
MOODS = {  # the vendor's turns and how often they come; a failure is not billed
    "calm": (("ok", 1.0),),
    "failing": (("ok", 0.8), ("fail", 0.1), ("busy", 0.1)),
    "awful": (("ok", 0.7), ("fail", 0.08), ("busy", 0.08), ("lost", 0.06), ("stuck", 0.08)),
}
ROWS, JOBS = 100, 64


@dataclass
class Moody(Script):
    """A vendor whose moods and latencies a seed decides."""

    chance: random.Random = field(default_factory=random.Random)
    mood: str = "calm"

    def delay(self) -> float:
        return self.chance.expovariate(1 / 0.01)

    def turn(self, endpoint: str) -> str:
        words, weights = zip(*MOODS[self.mood], strict=True)
        return str(self.chance.choices(words, weights)[0])

    @property
    def billed(self) -> Decimal:
        """What the invoice says: all that was accepted and has not failed."""
        return PRICE * sum(job["turn"] != "fail" for job in self.jobs.values())


@dataclass
class BudgetDay:
    """How a day under a cap has ended."""

    faults: list[str]
    states: Counter[str]
    billed: Decimal


def budget_day(folder: Path, seed: int) -> BudgetDay:
    """Return how a day ended: the mood and the number of submits follow from the seed."""
    folder.mkdir(parents=True, exist_ok=True)
    os.environ["MEDIAFLOWS_HOME"] = str(folder / "home")
    os.environ["MEDIAFLOWS_RUNS_URL"] = str(folder / "runs")
    prepare_child()
    mood = tuple(MOODS)[seed % 3]
    invoke.SUBMITS = 1 if seed % 2 and mood == "calm" else 3
    script = Moody(chance=random.Random(seed), mood=mood)
    registry.PROVIDERS.update(scripted_providers(script))
    prepare.load_model = _impatient  # type: ignore[attr-defined]
    return asyncio.run(_day(folder, script, cap=PRICE * 2 * Decimal("37.5")))


def _impatient(name: str) -> Model:
    model = load_model(name)
    latency = model.bindings[0].latency.model_copy(update={"longest_seconds": 1.0})
    bindings = [binding.model_copy(update={"latency": latency}) for binding in model.bindings]
    return model.model_copy(update={"bindings": tuple(bindings)})


async def _day(folder: Path, script: Moody, cap: Decimal) -> BudgetDay:
    template, table = folder / "two-steps.yaml", folder / "rows.csv"
    template.write_text(TEMPLATE, encoding="utf-8")
    lines = ["id,prompt", *(f"r{number:03},thing {number}" for number in range(ROWS))]
    table.write_text("\n".join(lines) + "\n", encoding="utf-8")
    options = RunOptions(max_cost=cap, jobs=JOBS, breaker=False)
    async with open_services(find_home(), registry.PROVIDERS) as services:
        work = await start_run(
            Request(str(template), table, options), services.ledger, services.store
        )
        await Shard(services, work).run(work.rows)
        finish_run(work, services.ledger, services.store)
        ends = [end for end in await services.ledger.do(runs.ends_of, work.run) if end]
        made = await services.ledger.do(lookup.made_by, work.run)
        left = await services.ledger.do(budget.reserved, work.run)
    states = Counter(end.state for end in ends)
    faults = []
    if script.billed > cap:
        faults.append(f"the invoice is ${script.billed} and the cap ${cap}")
    if left:
        faults.append(f"${left} is still reserved")
    begun = {attempt.place.row for attempt in made}
    if half := [end.row for end in ends if end.state == "not admitted" and end.row in begun]:
        faults.append(f"half made and then not admitted: {half}")
    if states.total() != ROWS:
        faults.append(f"{states.total()} rows have an end")
    price = PRICE * 2
    expected = int((cap - price * invoke.SUBMITS) / price) + 1
    if script.mood != "awful" and states["done"] != expected:
        faults.append(f"{states['done']} rows are done instead of {expected}: {dict(states)}")
    return BudgetDay(faults, states, script.billed)


__all__ = ["BudgetDay", "budget_day", "frozen"]
