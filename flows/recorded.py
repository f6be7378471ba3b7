"""Ask the Prefect server what it has recorded: task-run states reach it a while after the run."""

from __future__ import annotations

import asyncio
import time
from uuid import UUID

from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterId,
    FlowRunFilterParentFlowRunId,
    TaskRunFilter,
    TaskRunFilterState,
    TaskRunFilterStateType,
)
from prefect.client.schemas.objects import State, StateType
from prefect.exceptions import ObjectNotFound
from prefect.states import Crashed

from flows.task_runs import task_runs_made

WAIT_SECONDS = 10.0
FINAL = ["COMPLETED", "FAILED", "CRASHED", "CANCELLED"]
UNENDED = TaskRunFilter(
    state=TaskRunFilterState(
        type=TaskRunFilterStateType(any_=[StateType.PENDING, StateType.RUNNING])
    )
)


async def wait_until_recorded() -> int:
    """Wait until the server shows this process's task runs as ended; return how many it lacks."""
    wanted = task_runs_made.total()
    deadline = time.monotonic() + WAIT_SECONDS
    async with get_client() as client:
        while True:
            answer = await client.request(
                "POST",
                "/task_runs/count",
                json={
                    "flow_runs": {"id": {"any_": list(task_runs_made)}},
                    "task_runs": {"state": {"type": {"any_": FINAL}}},
                },
            )
            missing = wanted - int(answer.json())
            if missing <= 0 or time.monotonic() > deadline:
                return max(0, missing)
            await asyncio.sleep(0.25)


def missing_words(missing: int) -> str:
    """Return what to say where the server has not recorded every task run in time."""
    return (
        f"the Prefect server has not recorded {missing:,} task runs yet; the run itself is "
        "complete, and the UI may lag behind it"
    )


async def mark_crashed(flow_run: str, reason: str) -> None:
    """Set a flow run whose process died, and all below it, to Crashed; nobody else would."""
    dead: State[None] = Crashed(message=reason)
    async with get_client() as client:
        try:
            found = await client.read_flow_run(UUID(flow_run))
        except ObjectNotFound:
            return  # the run was seen on another server
        if found.state is None or found.state.is_final():
            return
        shards = await client.read_flow_runs(
            flow_run_filter=FlowRunFilter(
                parent_flow_run_id=FlowRunFilterParentFlowRunId(any_=[found.id])
            )
        )
        flow_runs = [found, *shards]
        below = FlowRunFilter(id=FlowRunFilterId(any_=[run.id for run in flow_runs]))
        for task in await client.read_task_runs(flow_run_filter=below, task_run_filter=UNENDED):
            await client.set_task_run_state(task.id, dead, force=True)
        for run in flow_runs:
            if run.state is not None and not run.state.is_final():
                await client.set_flow_run_state(run.id, dead, force=True)
