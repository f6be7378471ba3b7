"""Run a chain against the sandbox, and hold what came against what was asked and planned."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from flows.options import RunOptions
from flows.prepare import Request, plan_run, prepare
from flows.sandboxed import sandbox_folder, sandboxed
from providers.sandbox.process import find_sandbox
from tasks.home import Home
from tasks.services import open_services
from tests.chains.chains import Chain, off_by, shapes_of, spans, write
from tests.core.plain import Ran, start

SLACK = Decimal("0.02")  # of the expected price, where the plan knows it exactly
PIXELS = 1.0


@dataclass(frozen=True)
class ChainRan:
    """A chain that has run: what it did, what it cost beside the plan, and what is wrong.

    `reused` calls were not made, since another row had the result: none, as all rows differ.
    """

    rows: int
    done: int
    refusals: int
    reused: int
    off_by: float
    low: Decimal
    expected: Decimal
    high: Decimal
    billed: Decimal
    faults: tuple[str, ...]


async def run_chain(chain: Chain, home: Home, folder: Path, rows: int) -> ChainRan:
    """Run a chain over so many rows of its own, with the sandbox of `home` as its vendor."""
    template, table = write(chain, folder, rows)
    options = {"sandbox": "fast", "provider": ("fal",)}
    with sandboxed(RunOptions(sandbox="fast"), home):
        sandbox = find_sandbox(sandbox_folder(home, "fast"))
        assert sandbox is not None
        before = len(sandbox.invoice())
        async with open_services(home) as services:
            prepared = prepare(Request(str(template), table, RunOptions(**options)))
            plan, _ = await plan_run(prepared, services.ledger, services.store)
        ran = await start(table, template, **options)
        low, expected, high, billed = spans(plan, sandbox.invoice()[before:])
    outcomes = ran.outcomes()
    pixels, worst = _furthest(ran, table)
    faults = [f"the plan has a fault: {fault}" for fault in plan.faults]
    faults += [
        f"row {row} is {line['state']}: {line['reason']}"
        for row, line in ran.results.items()
        if line["state"] != "done"
    ]
    faults += [f"{count} attempts {how}" for how, count in outcomes.items() if how != "accepted"]
    if pixels > PIXELS:
        faults.append(f"{worst} is {pixels:.2f} pixels off")
    if not low <= billed <= high:
        faults.append(f"${billed} billed is not from ${low} to ${high}")
    elif low == high and abs(billed - expected) > expected * SLACK:
        faults.append(f"${billed} billed where ${expected} was expected")
    return ChainRan(
        rows=len(ran.results),
        done=sum(state == "done" for state in ran.states.values()),
        refusals=outcomes["refused"],
        reused=sum(int(line["reused"]) for line in ran.results.values()),
        off_by=pixels,
        low=low,
        expected=expected,
        high=high,
        billed=billed,
        faults=tuple(faults),
    )


def _furthest(ran: Ran, table: Path) -> tuple[float, str]:
    """Return how far the worst result is from the aspect that was asked for, and which it is.

    A cut-out or an upscale keeps its picture's aspect, and a sound has none.
    """
    with table.open(encoding="utf-8") as file:
        asked = {line["id"]: line["aspect"] for line in csv.DictReader(file)}
    steps = tuple(step.name for step in ran.work.graph.steps)
    found = [
        (off_by(media, asked[row]), f"{step} of row {row}, {media.width}x{media.height}")
        for row, made in shapes_of(ran, steps).items()
        for step, media in made.items()
        if (step in ("photo", "clip", "film") or step.startswith("scene")) and media.kind != "audio"
    ]
    return max(found, default=(0.0, ""))
