"""The Prefect flows that run a table: `batch` maps `run_shard` over its shards.

A shard is a flow run of its own, small enough for its graph to be drawn. Parameters are names,
paths and ranges, never rows. `retries=0`: going on is `resume`.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from prefect import flow, task, unmapped
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.exceptions import TerminationSignal
from prefect.futures import PrefectFutureList
from prefect.runtime import flow_run, task_run
from prefect.states import Completed, Failed
from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner

from flows.artifacts import publish_summary
from flows.frozen import Work, open_work, start_run
from flows.options import RunOptions
from flows.prepare import Request, prepare
from flows.progress import Progress, shown
from flows.results import Totals, finish_run
from flows.sandboxed import sandboxed
from flows.say import say
from flows.secret_keys import load_secret_keys
from flows.shard import Shard, stop_asked
from flows.task_runs import carry_in_prefect, perform_in, speak_in_prefect
from providers.errors import UserError
from tasks.home import Home, find_home
from tasks.ledger import open_ledger, owners, runs
from tasks.services import Services, open_services
from tasks.store import Store

SHARD_ROWS = 1_500
SHARD_NODES = 8_000  # rows x (steps + 1): the UI draws a graph of at most 10,000 nodes


ONE_AFTER_ANOTHER: TaskRunner[Any] = ThreadPoolTaskRunner(max_workers=1)


INCOMPLETE_STATE = "Incomplete"
"""The name of the state of a run that went as it should, but for some of its rows."""


TERMINATED_SECONDS = 20.0
"""To drain in when a worker ends a cancelled flow run: it kills 30 s after its SIGTERM."""


BAD_REQUEST_STATE = "BadRequest"


def shard_ranges(rows: int, steps: int) -> list[range]:
    """Return the positions of each shard's rows, in order, every row in exactly one."""
    most = max(1, min(SHARD_ROWS, SHARD_NODES // (steps + 1)))
    return [range(first, min(first + most, rows)) for first in range(0, rows, most)]


def _batch_name() -> str:
    return f"{flow_run.parameters['template']} · {Path(flow_run.parameters['table']).name}"


@flow(
    name="batch",
    flow_run_name=_batch_name,
    task_runner=ONE_AFTER_ANOTHER,
    retries=0,
    persist_result=False,
)
def batch(
    template: str,
    table: str,
    options: RunOptions = RunOptions(),  # noqa: B008  (frozen)
    run: str | None = None,
    pilot: int | None = None,
) -> State[Any]:
    """Run a template over every row of a table.

    Args:
        template: Name of a template, or path to a YAML file.
        table: Path to a CSV file, one row per result.
        options: How the run is done.
        run: Go on with this run, from its frozen copies, instead of starting one.
        pilot: Run only the first valid rows, this many.
    """
    try:
        return _run_batch(Request(template, Path(table), options), run, pilot)
    except UserError as error:
        return bad_request(error)


def _run_batch(request: Request, run: str | None, pilot: int | None) -> State[Any]:
    home = find_home()
    if not (request.options.local or request.options.sandbox):
        asyncio.run(load_secret_keys())
    with sandboxed(request.options, home):
        if run is None:
            prepare(request)  # a bad request ends here, before anything is written
        return _run_shards(home, request, run, pilot)


def _run_shards(home: Home, request: Request, run: str | None, pilot: int | None) -> State[Any]:
    ledger, store = open_ledger(home.ledger_url), Store(home.store)
    try:
        if run is None:
            run = asyncio.run(start_run(request, ledger, store)).run
        owner = owners.this_process()
        ledger.do_now(owners.register, owner)
        ledger.do_now(runs.begin, run, owner=owner.id, flow_run_id=flow_run.id)
        work = open_work(ledger.do_now(runs.one, run), ledger)
        shards = shard_ranges(_last_position(work, pilot), len(work.graph.steps))
        futures = run_shard.map(
            unmapped(work.graph.name),
            unmapped(run),
            [rows.start for rows in shards],
            [rows.stop for rows in shards],
        )
        terminated = _wait(futures)
        if broken := [future.state for future in futures if not future.state.is_completed()]:
            reason = f"its slice of rows broke off: {broken[0].message}"
            ledger.do_now(runs.close_open_rows, run, "failed", reason)
        totals, summary = finish_run(work, ledger, store)
        ledger.do_now(owners.forget, owner)
        if terminated:
            raise terminated
        publish_summary(run, totals, summary)
    finally:
        ledger.close()
    return end_state(totals, work.options)


def _wait(futures: PrefectFutureList[Any]) -> TerminationSignal | None:
    """Wait until every shard has ended; return the signal by which a worker ends this flow run.

    A submitted task sees nothing of that signal: the shard is asked to stop, and drains.
    """
    try:
        futures.wait()
    except TerminationSignal as signal:
        stop_asked.ask(TERMINATED_SECONDS)
        futures.wait(timeout=TERMINATED_SECONDS + 5.0)
        return signal
    return None


def _last_position(work: Work, pilot: int | None) -> int:
    """Return behind which row to stop: all, or the last of the pilot's valid rows."""
    if pilot is None:
        return len(work.rows)
    valid = [position for position, row in enumerate(work.rows) if not row.faults][:pilot]
    return valid[-1] + 1 if valid else 0


def _rows_name() -> str:
    given = task_run.parameters
    return f"rows {given['first'] + 1:,} to {given['stop']:,}"


def _shard_name() -> str:
    given = flow_run.parameters
    return f"{given['template']} · rows {given['first'] + 1:,} to {given['stop']:,}"


@task(
    name="run_shard",
    task_run_name=_rows_name,
    cache_policy=NO_CACHE,
    persist_result=False,
)
async def run_shard(template: str, run: str, first: int, stop: int) -> None:
    """Run one shard's flow in this process."""
    await shard(template=template, run=run, first=first, stop=stop)


@flow(
    name="shard",
    flow_run_name=_shard_name,
    retries=0,
    persist_result=False,
)
async def shard(template: str, run: str, first: int, stop: int) -> State[Any]:
    """Run the rows of a run from position `first` up to, not including, `stop`."""
    async with open_services(find_home()) as services:
        found = await services.ledger.do(runs.one, run)
        work = open_work(found, services.ledger, range(first, stop))
        progress = await run_rows(work, services, f"{run}-{first}")
    return Completed(message=progress.line())


async def run_rows(work: Work, services: Services, key: str) -> Progress:
    """Run the rows of `work` as task runs of the flow run that this is called in."""
    progress = Progress(len(work.rows))
    runner = Shard(
        services,
        work,
        perform=perform_in(services.home.folder / "prefect"),
        carry=carry_in_prefect,
        speak=speak_in_prefect,
        report=progress.count,
    )
    async with shown(progress, f"progress-{key}", say):
        await runner.run(work.rows)
    return progress


def bad_request(error: UserError) -> State[Any]:
    """Return the state of a flow run whose request was wrong; nothing was sent."""
    return Failed(name=BAD_REQUEST_STATE, message=str(error))


def end_state(totals: Totals, options: RunOptions) -> State[Any]:
    """Return the state a run's flow run ends in."""
    if totals.is_success(options.min_success):
        return Completed(message=totals.line())
    return Failed(name=INCOMPLETE_STATE, message=totals.line())
