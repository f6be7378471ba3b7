"""Shared work in one process: rows that ask for the same get the same."""

from __future__ import annotations

import asyncio

import pytest

from tasks.halt import Halt
from tasks.services import Services
from tasks.sharing import Sharing


async def test_everyone_who_asks_meanwhile_gets_the_outcome_of_one_piece_of_work() -> None:
    sharing: Sharing[str] = Sharing()
    go, starts = asyncio.Event(), 0

    async def work(halt: Halt) -> str:
        nonlocal starts
        starts += 1
        await go.wait()
        return "made"

    waiters = [asyncio.create_task(sharing.get("key", Halt(), work)) for _ in range(5)]
    await asyncio.sleep(0)
    go.set()
    assert await asyncio.gather(*waiters) == ["made"] * 5
    assert starts == 1
    assert await sharing.get("key", Halt(), work) == "made"
    assert starts == 2


async def test_one_waiter_that_leaves_does_not_end_the_work_of_the_others() -> None:
    sharing: Sharing[str] = Sharing()
    go, cancelled = asyncio.Event(), False

    async def work(halt: Halt) -> str:
        nonlocal cancelled
        try:
            await go.wait()
        except asyncio.CancelledError:
            cancelled = True
            raise
        return "made"

    leaver, stayer = [asyncio.create_task(sharing.get("key", Halt(), work)) for _ in range(2)]
    await asyncio.sleep(0)
    leaver.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaver
    assert not cancelled
    go.set()
    assert await stayer == "made"


async def test_the_last_waiter_to_leave_ends_the_work() -> None:
    sharing: Sharing[str] = Sharing()
    cancelled = asyncio.Event()

    async def work(halt: Halt) -> str:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.set()
            raise
        return "never"

    waiters = [asyncio.create_task(sharing.get("key", Halt(), work)) for _ in range(2)]
    await asyncio.sleep(0)
    for waiter in waiters:
        waiter.cancel()
    await asyncio.gather(*waiters, return_exceptions=True)
    await asyncio.wait_for(cancelled.wait(), 5)


async def test_an_error_reaches_every_waiter() -> None:
    sharing: Sharing[str] = Sharing()

    async def work(halt: Halt) -> str:
        await asyncio.sleep(0)
        raise ValueError("no")

    waiters = [asyncio.create_task(sharing.get("key", Halt(), work)) for _ in range(3)]
    outcomes = await asyncio.gather(*waiters, return_exceptions=True)
    assert [str(outcome) for outcome in outcomes] == ["no"] * 3


async def test_services_open_an_empty_ledger_and_close_it(services: Services) -> None:
    assert services.store.folder == services.home.store
    assert services.ledger.url == services.home.ledger_url
    assert services.slot("fal") is services.slot("fal")
