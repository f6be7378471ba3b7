"""A stop in the middle: nothing more is sent, what is free is cancelled, what is paid is taken."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from flows.receipt import receipt, still_running
from flows.shard import stop_asked
from tasks.invoke import Perform, Wish, perform_plainly
from tasks.ledger import runs
from tasks.ledger.attempt import Attempt
from tasks.report import Facts, read_facts
from tasks.services import Services
from tests.core.plain import FLUX, Ran, opened, resume, start, write_table, write_template
from tests.scripted import PRICE, Script

PHOTO = (
    "name: photo-alone\nversion: 1\nabout: A photograph.\n"
    "inputs:\n  prompt: {type: text}\n"
    "steps:\n  photo: {model: flux-2-pro, with: {prompt: $prompt}}\n"
    "outputs: {photo: $photo}\n"
)


@pytest.fixture
def eight(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("flows.shard.WATCH_SECONDS", 0.02)
    return write_table(tmp_path / "eight.csv", {f"r{n}": f"product {n}" for n in range(8)})


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    return write_template(tmp_path, PHOTO)


def cancelled_after(seconds: float) -> Perform:
    """Carry wishes out, and cancel their run that long after the first of them."""
    tasks: list[asyncio.Task[None]] = []

    async def perform(services: Services, wish: Wish) -> Attempt:
        async def cancel() -> None:
            await asyncio.sleep(seconds)
            await services.ledger.do(runs.stop, wish.call.place.run, "cancelled")

        if not tasks:
            tasks.append(asyncio.create_task(cancel()))
        return await perform_plainly(services, wish)

    return perform


def facts_of(ran: Ran) -> Facts:
    ledger = opened()
    try:
        return ledger.do_now(read_facts, ran.run)
    finally:
        ledger.close()


async def test_what_is_paid_for_is_taken_in_the_time_there_is(
    script: Script, eight: Path, photo: Path
) -> None:
    script.seconds = 0.4
    ran = await start(eight, photo, cancelled_after(0.1), jobs=3, drain=5)
    assert ran.totals.states == {"done": 3, "cancelled": 5}
    assert len(script.submits) == 3
    lines = receipt(ran.run, facts_of(ran))
    assert lines[0] == "stopped: spent $0.09 · 3 results saved"
    assert lines[1] == "nothing of it runs at a vendor any more"


async def test_what_still_runs_is_on_the_receipt_and_taken_by_the_next_run_whatever_it_is(
    script: Script, eight: Path, photo: Path, tmp_path: Path
) -> None:
    script.turns = {FLUX: ["stuck"] * 3}
    ran = await start(eight, photo, cancelled_after(0.1), jobs=3, drain=0.2)
    assert ran.totals.states == {"cancelled": 5, "parked": 3}
    left = still_running(facts_of(ran))
    assert {one.job for one in left} == {submit["job"] for submit in script.submits}
    assert receipt(ran.run, facts_of(ran))[1].startswith("3 jobs still run at vendors, up to $0.09")

    for job in script.jobs.values():
        job["turn"] = "ok"
    other = await start(write_table(tmp_path / "other.csv", {"x": "something else"}), photo)
    assert other.totals.states == {"done": 1}
    assert other.totals.cost_usd == PRICE
    assert not still_running(facts_of(ran))
    again = await resume(ran.run)
    assert again.totals.states == {"done": 8}
    assert len(script.submits) == 9


async def test_queued_jobs_are_cancelled_since_that_is_free(
    script: Script, eight: Path, photo: Path
) -> None:
    script.seconds, script.queues = 30.0, True
    ran = await start(eight, photo, cancelled_after(0.1), jobs=3, drain=5)
    assert ran.totals.states == {"cancelled": 8}
    assert ran.outcomes() == {"cancelled": 3}
    assert ran.totals.cost_usd == 0
    script.seconds = 0.0
    again = await resume(ran.run)
    assert again.totals.states == {"done": 8}


async def test_a_job_that_another_process_waits_for_is_not_cancelled(
    script: Script, eight: Path, photo: Path
) -> None:
    script.seconds, script.queues = 1.0, True
    first = asyncio.create_task(start(eight, photo, cancelled_after(0.3), jobs=8, drain=5))
    await asyncio.sleep(0.15)
    second = await start(eight, photo, jobs=8)
    assert second.totals.states == {"done": 8}
    assert (await first).totals.states == {"done": 8}
    assert len(script.submits) == 8


async def test_a_process_that_is_asked_to_stop_has_no_longer_than_it_is_given(
    script: Script, eight: Path, photo: Path
) -> None:
    script.turns = {FLUX: ["stuck"] * 3}

    async def perform(services: Services, wish: Wish) -> Attempt:
        asyncio.get_running_loop().call_later(0.1, stop_asked.ask, 0.2)
        return await perform_plainly(services, wish)

    try:
        ran = await asyncio.wait_for(start(eight, photo, perform, jobs=3, drain=60), 10)
    finally:
        stop_asked.clear()
        stop_asked.most_seconds = float("inf")
    assert ran.totals.states == {"cancelled": 5, "parked": 3}
