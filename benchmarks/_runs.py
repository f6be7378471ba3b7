"""The three ways to run a table that the benchmarks compare; each runs in a process of its own.

- `ours`: the batch flow of mediaflows, whose shards run in this process;
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
    runner = {"ours": _ours, "prefect": _prefect, "asyncio": _plain}[way]
    run = runner(folder, jobs, calls)
    run(WARM_UP_ROWS, "warm")
    _drain(way)
    calls.reset()
    calls.seconds = seconds
    cpu, begun = time.process_time(), time.perf_counter()
    run(rows, "mug")
    _drain(way)
    if calls.count != 2 * rows:
        raise SystemExit(f"{way}: {calls.count} calls were made instead of {2 * rows}")
    return {
        "cpu_seconds": time.process_time() - cpu,
        "wall_seconds": time.perf_counter() - begun,
        "span_seconds": calls.span,
        "peak_megabytes": peak_megabytes(),
    }


Run = Callable[[int, str], None]


def _drain(way: str) -> None:
    """Wait until every event is sent to the server: sending is part of the cost."""
    if way != "asyncio":
        from prefect.events.worker import EventsWorker

        EventsWorker.drain_all()


def _ours(folder: Path, jobs: int, calls: Calls) -> Run:
    os.environ["MEDIAFLOWS_HOME"] = str(folder / "home")
    os.environ["MEDIAFLOWS_RUNS_URL"] = str(folder / "runs")
    from flows.batch_flow import batch
    from flows.options import RunOptions

    def run(rows: int, word: str) -> None:
        table = write_table(folder / f"{word}.csv", rows, word)
        options = RunOptions(jobs=jobs, provider=("fal",))
        state = batch("product-photo", str(table), options, return_state=True)
        if not state.is_completed():
            raise SystemExit(f"the batch ended as {state.name}: {state.message}")

    return run


def _prefect(folder: Path, jobs: int, calls: Calls) -> Run:
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

    return lambda rows, word: asyncio.run(table(rows, word))


def _plain(folder: Path, jobs: int, calls: Calls) -> Run:
    async def row(name: str) -> None:
        await calls.call()
        await calls.call()
        picture(name)

    def run(rows: int, word: str) -> None:
        asyncio.run(_work([f"{word}-{number:05}" for number in range(rows)], jobs, row))

    return run


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
