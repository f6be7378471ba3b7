"""Everything that can go wrong, often: a run ends in bounded time, with a word for every row."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable

import pytest

from tasks.home import Home
from tests.core.plain import Ran, resume, start
from tests.rehearsal.accounts import (
    Line,
    bodies,
    require_a_line_for_each,
    require_media_on_disk,
    require_named_ends,
    require_the_budget_kept,
)
from tests.rehearsal.conftest import Launch, MakeRows

pytestmark = pytest.mark.system  # the sandbox is a server

ROWS = 10
SECONDS = 45  # no run may take longer: a job is waited for 2 s, a step has 3 submits
SEEDS = range(1, int(os.environ.get("MEDIAFLOWS_SEEDS") or 2) + 1)


@pytest.mark.parametrize("seed", SEEDS)
async def test_a_hostile_day_ends_in_bounded_time_with_a_word_for_every_row(
    home: Home,
    deadline: Callable[[float], None],
    launch: Launch,
    make_rows: MakeRows,
    seed: int,
) -> None:
    deadline(2)
    sandbox = launch("hostile", seed)
    async with asyncio.timeout(SECONDS):
        ran = await start(make_rows(ROWS), sandbox="hostile", breaker=False)
    before = sandbox.invoice()
    require_order(ran, before)
    async with asyncio.timeout(SECONDS):
        again = await resume(ran.run)
    after = sandbox.invoice()
    require_order(again, after)
    held = {attempt.body_digest for attempt in ran.attempts if attempt.is_open}
    counts = bodies(before), bodies(after)
    assert all(counts[0][body] == counts[1][body] for body in held)


def require_order(ran: Ran, lines: list[Line]) -> None:
    require_named_ends(ran, ROWS)
    require_a_line_for_each(ran.attempts, lines)
    require_the_budget_kept(ran.attempts)
    require_media_on_disk(ran)


@pytest.mark.parametrize("fault", ["private_url", "endless", "bomb", "redirect", "deep_json"])
async def test_a_malice_that_never_stops_ends_the_row_without_a_result(
    home: Home,
    write_profile: Callable[..., str],
    deadline: Callable[[float], None],
    launch: Launch,
    make_rows: MakeRows,
    fault: str,
) -> None:
    deadline(1)
    rule = {"fault": fault, "times": 0}
    profile = write_profile(fault, time_scale=0, pictures="plain", rules=[rule])
    sandbox, begun = launch(profile, 1), time.monotonic()
    ran = await start(make_rows(1), sandbox=profile, provider=("fal",))
    assert time.monotonic() - begun < 20
    require_named_ends(ran, 1)
    require_a_line_for_each(ran.attempts, sandbox.invoice())
    require_the_budget_kept(ran.attempts)
    assert set(ran.totals.states) <= {"rejected", "parked", "failed"}, ran.results
    assert not any(attempt.outcome == "accepted" for attempt in ran.attempts)
