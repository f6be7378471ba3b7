"""The seven chains against the sandbox, which refuses what their vendors refuse."""

from __future__ import annotations

import csv
from decimal import Decimal
from pathlib import Path

import pytest

from flows.options import RunOptions
from flows.prepare import Request, plan_run, prepare
from flows.sandboxed import sandbox_folder, sandboxed
from providers.sandbox.process import find_sandbox
from tasks.home import Home
from tasks.services import open_services
from tests.chains.chains import CHAINS, Chain, off_by, shapes_of, spans, write
from tests.core.plain import Ran, start
from tests.rehearsal.conftest import no_syncs, short_pauses

pytestmark = pytest.mark.system  # the sandbox is a server
__all__ = ["no_syncs", "short_pauses"]

ROWS = 6


async def run_chain(chain: Chain, home: Home, folder: Path, rows: int) -> None:
    """Run a chain over so many rows, and hold what came against what was asked and planned."""
    template, table = write(chain, folder, rows)
    options = {"sandbox": "fast", "provider": ("fal",)}
    with sandboxed(RunOptions(sandbox="fast"), home):
        sandbox = find_sandbox(sandbox_folder(home, "fast"))
        assert sandbox is not None
        before = len(sandbox.invoice())
        async with open_services(home) as services:
            prepared = prepare(Request(str(template), table, RunOptions(**options)))
            plan, _ = await plan_run(prepared, services.ledger, services.store)
        assert plan.faults == ()
        ran = await start(table, template, **options)
        low, expected, high, billed = spans(plan, sandbox.invoice()[before:])
    reasons = {row: line["reason"] for row, line in ran.results.items() if line["reason"]}
    assert set(ran.states.values()) == {"done"}, reasons
    assert set(ran.outcomes()) == {"accepted"}  # no vendor has refused anything
    require_aspects(chain, ran, table)
    assert low <= billed <= high
    if low == high:
        assert abs(billed - expected) <= expected * Decimal("0.02"), (expected, billed)


def require_aspects(chain: Chain, ran: Ran, table: Path) -> None:
    """What was asked for is what came, within a pixel; a cut-out or upscale keeps its picture's."""
    with table.open(encoding="utf-8") as file:
        asked = {line["id"]: line for line in csv.DictReader(file)}
    steps = tuple(step.name for step in ran.work.graph.steps)
    for row, made in shapes_of(ran, steps).items():
        for step, media in made.items():
            follows = step in ("photo", "clip", "film") or step.startswith("scene")
            if follows and media.kind != "audio":
                assert off_by(media, asked[row]["aspect"]) <= 1, (chain.name, row, step, media)


@pytest.mark.parametrize("chain", CHAINS, ids=lambda chain: chain.name)
async def test_a_chain_meets_no_refusal_and_gives_the_aspect_that_was_asked(
    chain: Chain, home: Home, tmp_path: Path
) -> None:
    await run_chain(chain, home, tmp_path, ROWS)
