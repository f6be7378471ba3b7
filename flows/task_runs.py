"""The Prefect task runs of a shard: one per row, one per request within it.

The ledger decides; a task run makes what happens visible. A request's record in Prefect's result
storage has the request key for its name, never a digest of the arguments: Prefect's INPUTS policy
holds no task identity, and gave one model's picture to another (measured 2026-11-20).
"""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from prefect import Task
from prefect.cache_policies import NO_CACHE, CachePolicy
from prefect.client.schemas.objects import State, TaskRun
from prefect.context import FlowRunContext, TaskRunContext
from prefect.states import Completed, Failed
from prefect.transactions import CommitMode, atransaction
from prefect.utilities.annotations import opaque

from flows.rows import ReadyRow
from flows.runner import RowOutcome
from providers.errors import JobFailedError
from tasks.attempt import obtain
from tasks.invoke import Perform, Wish
from tasks.ledger.attempt import Attempt
from tasks.services import Services

PAUSES_SECONDS = [1.0, 2.0, 4.0]
SUCCEEDED = ("done", "partial")

task_runs_made: Counter[str] = Counter()
"""Flow run id -> how many task runs this process has made in it."""


def _count_task_run() -> None:
    if (context := FlowRunContext.get()) and context.flow_run:
        task_runs_made[str(context.flow_run.id)] += 1


@dataclass
class RequestKey(CachePolicy):
    """The record of a request is named by its key."""

    def compute_key(
        self,
        task_ctx: TaskRunContext,
        inputs: dict[str, Any],
        flow_parameters: dict[str, Any],
        **kwargs: Any,
    ) -> str | None:
        """Return the request key."""
        return str(inputs["key"])


@dataclass(slots=True)
class _Errand:
    """A wish on its way through Prefect, and what came of it."""

    services: Services
    wish: Wish
    attempt: Attempt | None = None


@dataclass(slots=True)
class _Carriage:
    """A row on its way through Prefect, and how it ended."""

    body: Callable[[], Awaitable[RowOutcome]]
    outcome: RowOutcome | None = field(default=None)


async def _request(name: str, key: str, errand: _Errand) -> dict[str, Any]:
    """Obtain one request; what comes back is for people, the ledger has the result."""
    wish = errand.wish
    attempt = wish.known or await obtain(
        errand.services, wish.call, wish.candidate, is_open=wish.is_open
    )
    errand.attempt = attempt
    return {
        "attempt": attempt.id,
        "model": wish.candidate.label,
        "amount_usd": None if attempt.amount is None else str(attempt.amount),
        "result": dict(attempt.result or {}),
    }


async def _failed_after_acceptance(task: Any, task_run: TaskRun, state: State[Any]) -> bool:
    """A further attempt follows only a job that was accepted and then failed.

    A plain function: 3.8.8 silently never retries with a partial or a callable object.
    """
    found = state.result(raise_on_failure=False)
    error = await found if inspect.isawaitable(found) else found
    return isinstance(error, JobFailedError)


@cache
def _request_task(storage: Path, tries: int, is_known: bool) -> Task[..., Any]:
    return Task(
        fn=_request,
        name="request",
        description=_request.__doc__,
        task_run_name="{name}",
        cache_policy=RequestKey(),
        persist_result=True,
        result_storage=storage,
        result_serializer="json",
        cache_result_in_memory=False,
        retries=tries - 1,
        retry_delay_seconds=PAUSES_SECONDS[: max(0, tries - 1)] or None,
        retry_jitter_factor=0.2,
        retry_condition_fn=_failed_after_acceptance,
        # With no accepted result in the ledger a record of Prefect's is stale: never believe it.
        refresh_cache=not is_known,
    )


def perform_in(storage: Path) -> Perform:
    """Return how wishes are carried out as task runs whose records lie in `storage`."""

    async def perform(services: Services, wish: Wish) -> Attempt:
        task = _request_task(storage, wish.tries, wish.known is not None)
        errand = _Errand(services, wish)
        _count_task_run()
        await task(wish.call.name(wish.candidate), wish.candidate.key, opaque(errand))
        attempt = wish.known or errand.attempt
        assert attempt is not None
        return attempt

    return perform


async def _row(name: str, carriage: _Carriage) -> State[Any]:
    """Run one row; its requests are its children."""
    # Without EAGER the requests' records are written only when the row commits, and a failing row
    # would throw away the records of what it has paid for.
    async with atransaction(commit_mode=CommitMode.EAGER):
        outcome = carriage.outcome = await carriage.body()
    message = outcome.state + (f": {outcome.reason}" if outcome.reason else "")
    if outcome.state in SUCCEEDED:
        return Completed(message=message)
    return Failed(name=outcome.state.capitalize(), message=message)


@cache
def _row_task() -> Task[..., Any]:
    return Task(
        fn=_row,
        name="row",
        description=_row.__doc__,
        task_run_name="{name}",
        cache_policy=NO_CACHE,
        persist_result=False,
    )


async def carry_in_prefect(row: ReadyRow, body: Callable[[], Awaitable[RowOutcome]]) -> RowOutcome:
    """Run a row as a task run named by its id and label."""
    carriage = _Carriage(body)
    _count_task_run()
    state: State[Any] = await _row_task()(row.label, opaque(carriage), return_state=True)
    if carriage.outcome is None:
        await state.result(raise_on_failure=True)
        raise RuntimeError(f"row {row.id} ended as {state.name} without an outcome")
    return carriage.outcome


async def _known(name: str) -> None:
    """Stand for the rows whose every result the ledger had already."""


async def speak_in_prefect(rows: int) -> None:
    """Make one task run that speaks for all rows that are whole already."""
    task = Task(
        fn=_known,
        name="known rows",
        description=_known.__doc__,
        task_run_name="{name}",
        cache_policy=NO_CACHE,
        persist_result=False,
    )
    _count_task_run()
    await task(f"{rows:,} rows whole in the ledger: nothing to do")
