"""A flaky production day: nothing is paid that the ledger does not know, and nothing twice."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Callable

import httpx
import pytest

from providers.sandbox.behaviour import FOLDER
from providers.sandbox.process import RunningSandbox
from tasks.home import Home
from tests.core.plain import resume, start
from tests.rehearsal.accounts import (
    bodies,
    comparison,
    require_a_line_for_each,
    require_media_on_disk,
    require_named_ends,
    require_the_budget_kept,
)
from tests.rehearsal.conftest import Launch, MakeRows

pytestmark = pytest.mark.system  # the sandbox is a server

ROWS = 12
SEEDS = range(1, int(os.environ.get("MEDIAFLOWS_SEEDS") or 3) + 1)
FAST = {
    "time_scale": 0.002,
    "queue_seconds": 0.01,
    "longest_seconds": 0.2,
    "pictures": "plain",
}


@pytest.fixture
def fast_and_flaky(write_profile: Callable[..., str]) -> str:
    """The rules of the profile `flaky`, with every time a fraction of its own."""
    profile = json.loads((FOLDER / "flaky.json").read_text(encoding="utf-8"))
    for rule in profile["rules"]:
        if "seconds" in rule:
            rule["seconds"] *= 0.05
    return write_profile("flaky-and-fast", **profile | FAST)


def jobs_that_break_off(sandbox: RunningSandbox) -> set[str]:
    """The jobs whose download breaks off halfway, however often it is begun."""
    url = sandbox.invoice_url.replace("/invoice", "/jobs")
    found = httpx.get(url, trust_env=False).json()
    return {job["id"] for job in found if "truncated" in job["faults"]}


@pytest.mark.parametrize("seed", SEEDS)
async def test_a_flaky_day_ends_with_ledger_and_invoice_in_step(
    home: Home, fast_and_flaky: str, launch: Launch, make_rows: MakeRows, seed: int
) -> None:
    sandbox, begun_at = launch(fast_and_flaky, seed), time.time()
    ran = await start(make_rows(ROWS), sandbox=fast_and_flaky, breaker=False)
    before = sandbox.invoice()
    require_named_ends(ran, ROWS)
    require_a_line_for_each(ran.attempts, before)
    require_the_budget_kept(ran.attempts)
    require_media_on_disk(ran)
    said = comparison(home, ran, fast_and_flaky, begun_at)
    assert " = ledger " in said and "no attempt" not in said, said

    again = await resume(ran.run)
    after = sandbox.invoice()
    require_named_ends(again, ROWS)
    require_a_line_for_each(again.attempts, after)
    require_the_budget_kept(again.attempts)
    require_media_on_disk(again)
    said = comparison(home, again, fast_and_flaky, begun_at)
    assert " = ledger " in said and "no attempt" not in said, said
    held = {attempt.body_digest for attempt in ran.attempts if attempt.is_open}
    counts = bodies(before), bodies(after)
    assert all(counts[0][body] == counts[1][body] for body in held)
    broken = jobs_that_break_off(sandbox)
    now = {attempt.id: attempt for attempt in again.attempts}
    for attempt in ran.attempts:
        if attempt.state == "uncertain":
            assert now[attempt.id].state == "uncertain"
            assert again.states[attempt.place.row] == "parked"
        if attempt.state == "submitted" and attempt.job not in broken:
            assert now[attempt.id].state == "settled"  # its job has ended by now
    for row, state in ran.states.items():
        assert state != "done" or again.states[row] == "done"


async def test_jobs_that_outlast_the_deadline_are_harvested_by_later_runs(
    home: Home,
    write_profile: Callable[..., str],
    deadline: Callable[[float], None],
    launch: Launch,
    make_rows: MakeRows,
) -> None:
    # Long enough for a status, a result and a download on a machine that has other things to do.
    profile = write_profile("slow", time_scale=0, shortest_seconds=2.0, pictures="plain")
    deadline(0.5)
    sandbox, begun_at = launch(profile, 1), time.time()
    ran = await start(make_rows(3), sandbox=profile, provider=("fal",))
    for step in ("photo", "cutout"):
        assert ran.totals.states == {"parked": 3}
        assert ran.outcomes(step=step) == {"submitted": 3}
        require_a_line_for_each(ran.attempts, sandbox.invoice())
        until = time.monotonic() + 20
        while any(line["outcome"] == "running" for line in sandbox.invoice()):
            assert time.monotonic() < until
            await asyncio.sleep(0.02)
        ran = await resume(ran.run)
    assert ran.totals.states == {"done": 3}
    assert len(sandbox.invoice()) == 6 and set(bodies(sandbox.invoice()).values()) == {1}
    require_a_line_for_each(ran.attempts, sandbox.invoice())
    said = comparison(home, ran, profile, begun_at)
    assert " = ledger " in said and ";" not in said, said
