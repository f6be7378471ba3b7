"""A run whose first ten rows all end alike stops before it has cost a thousand times that."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tasks.invoke import Wish, perform_plainly
from tasks.ledger import runs
from tasks.ledger.attempt import Attempt
from tasks.services import Services
from tests.core.plain import FLUX, RECRAFT, append, resume, start, write_table
from tests.scripted import Script


@pytest.fixture
def thirty(tmp_path: Path) -> Path:
    rows = {f"p{number:02}": f"product {number}" for number in range(30)}
    return write_table(tmp_path / "thirty.csv", rows)


def refuse_all(script: Script) -> None:
    script.turns = {FLUX: ["refuse"] * 99, RECRAFT: ["refuse"] * 99}


async def test_ten_refusals_stop_the_run(script: Script, thirty: Path) -> None:
    refuse_all(script)
    ran = await start(thirty, jobs=1)
    assert ran.totals.states == {"not admitted": 20, "refused": 10}
    assert [row for row, state in ran.states.items() if state == "refused"] == [
        f"p{number:02}" for number in range(10)
    ]
    assert len({attempt.place.row for attempt in ran.attempts}) == 10
    reason = ran.results["p29"]["reason"]
    assert reason == "breaker: the first 10 rows all ended with RefusedError at step 'photo'"


async def test_without_the_breaker_every_row_is_tried(script: Script, thirty: Path) -> None:
    refuse_all(script)
    ran = await start(thirty, jobs=1, breaker=False)
    assert ran.totals.states == {"refused": 30}
    assert len({attempt.place.row for attempt in ran.attempts}) == 30


async def test_one_success_among_the_first_ten_goes_on(script: Script, thirty: Path) -> None:
    refuse_all(script)
    script.turns[FLUX][4] = "ok"
    ran = await start(thirty, jobs=1)
    assert ran.totals.states == {"refused": 29, "done": 1}


async def test_rows_that_were_stopped_run_after_a_resume(script: Script, thirty: Path) -> None:
    refuse_all(script)
    first = await start(thirty, jobs=1)
    script.turns.clear()
    again = await resume(first.run)
    assert again.totals.states == {"done": 20, "refused": 10}
    assert script.endpoints()[FLUX] == 20


async def test_a_run_that_is_cancelled_elsewhere_sends_nothing_more(
    script: Script, thirty: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flows.shard.WATCH_SECONDS", 0.01)

    async def cancelling(services: Services, wish: Wish) -> Attempt:
        await services.ledger.do(runs.stop, wish.call.place.run, "cancelled")
        await asyncio.sleep(0.2)  # long enough for the watch to have looked
        return await perform_plainly(services, wish)

    ran = await start(thirty, perform=cancelling, jobs=2)
    assert ran.totals.states == {"cancelled": 30}
    assert script.submits == []
    again = await resume(ran.run)
    assert again.totals.states == {"done": 30}
    assert script.endpoints()[FLUX] == 30


async def test_rows_that_reuse_everything_are_no_evidence(script: Script, thirty: Path) -> None:
    await start(thirty)
    append(thirty, *(f"q{number},another product {number}" for number in range(9)))
    refuse_all(script)
    ran = await start(thirty, jobs=1)
    assert ran.totals.states == {"done": 30, "refused": 9}
