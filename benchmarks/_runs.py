"""The three ways to run a table that the benchmarks compare; each runs in a process of its own.

- `ours`: the shard flow of mediaflows; planning the run and writing its tables is not in it;
- `prefect`: the same nesting in plain Prefect: a row task (EAGER) that awaits two persisted JSON
  tasks, a fixed number of workers over a queue. It keeps no picture, no ledger and no price;
- `asyncio`: two calls per row, the same workers, nothing else.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from _common import Calls, install_vendor, peak_megabytes, picture, write_table

WARM_UP_ROWS = 10
WAYS = ("ours", "prefect", "asyncio")


def measure(way: str, folder: Path, rows: int, jobs: int, seconds: float) -> dict[str, Any]:
    """Run `rows` rows of two calls one way, after a few rows to warm up, and return the figures."""
    calls = install_vendor()
    prepare = {"ours": _ours, "prefect": _prefect, "asyncio": _plain}[way](folder, jobs, calls)
    prepare(WARM_UP_ROWS, "warm")()
    _drain(way)
    run = prepare(rows, "mug")
    calls.reset()
    calls.seconds = seconds
    cpu, begun = time.process_time(), time.perf_counter()
    run()
    _drain(way)
    if calls.count != 2 * rows:
        raise SystemExit(f"{way}: {calls.count} calls were made instead of {2 * rows}")
    return {
        "cpu_seconds": time.process_time() - cpu,
        "wall_seconds": time.perf_counter() - begun,
        "span_seconds": calls.span,
        "peak_megabytes": peak_megabytes(),
    }


Prepare = Callable[[int, str], Callable[[], object]]
"""Takes the rows and a word for their names; what it returns runs them."""


def _drain(way: str) -> None:
    """Wait until every event is sent to the server: sending is part of the cost."""
    if way != "asyncio":
        from prefect.events.worker import EventsWorker

        EventsWorker.drain_all()


def _ours(folder: Path, jobs: int, calls: Calls) -> Prepare:
    os.environ["MEDIAFLOWS_HOME"] = str(folder / "home")
    os.environ["MEDIAFLOWS_RUNS_URL"] = str(folder / "runs")
    from flows.batch_flow import shard
    from flows.frozen import start_run
    from flows.options import RunOptions
    from flows.prepare import Request
    from tasks.home import find_home
    from tasks.ledger import open_ledger
    from tasks.store import Store

    home = find_home()

    def prepare(rows: int, word: str) -> Callable[[], object]:
        table = write_table(folder / f"{word}.csv", rows, word)
        request = Request("product-photo", table, RunOptions(jobs=jobs, provider=("fal",)))
        ledger = open_ledger(home.ledger_url)
        run = asyncio.run(start_run(request, ledger, Store(home.store))).run
        ledger.close()
        return lambda: asyncio.run(shard("product-photo", run, 0, rows))

    return prepare


def _prefect(folder: Path, jobs: int, calls: Calls) -> Prepare:
    from flows.settings import apply_defaults

    apply_defaults()
    from prefect import flow, task
    from prefect.cache_policies import NO_CACHE
    from prefect.transactions import CommitMode, atransaction

    @task(
        task_run_name="{name}",
        cache_key_fn=lambda context, given: given["key"],
        persist_result=True,
        result_storage=folder / "records",
        result_serializer="json",
        cache_result_in_memory=False,
    )
    async def request(name: str, key: str) -> dict[str, Any]:
        await calls.call()
        return {"key": key, "result": {"image": {"sha256": key, "width": 1, "height": 1}}}

    @task(task_run_name="{name}", cache_policy=NO_CACHE, persist_result=False)
    async def row(name: str) -> None:
        async with atransaction(commit_mode=CommitMode.EAGER):
            photo = await request(f"{name} photo", f"{name}-photo")
            await request(f"{name} cutout", f"{photo['key']}-cutout")

    @flow(persist_result=False)
    async def table(rows: int, word: str) -> None:
        await _work([f"{word}-{number:05}" for number in range(rows)], jobs, row)

    return lambda rows, word: lambda: asyncio.run(table(rows, word))


def _plain(folder: Path, jobs: int, calls: Calls) -> Prepare:
    async def row(name: str) -> None:
        await calls.call()
        await calls.call()
        picture(name)

    def prepare(rows: int, word: str) -> Callable[[], object]:
        return lambda: asyncio.run(_work([f"{word}-{n:05}" for n in range(rows)], jobs, row))

    return prepare


async def _work(names: list[str], jobs: int, row: Callable[[str], Awaitable[None]]) -> None:
    waiting: asyncio.Queue[str] = asyncio.Queue()
    for name in names:
        waiting.put_nowait(name)

    async def worker() -> None:
        while not waiting.empty():
            await row(waiting.get_nowait())

    async with asyncio.TaskGroup() as group:
        for _ in range(jobs):
            group.create_task(worker())
