"""Ask the Prefect server what it has recorded: task-run states reach it a while after the run."""

from __future__ import annotations

import asyncio
import time
from uuid import UUID

from prefect.client.orchestration import get_client
from prefect.exceptions import ObjectNotFound
from prefect.states import Crashed

from flows.task_runs import task_runs_made

WAIT_SECONDS = 10.0
FINAL = ["COMPLETED", "FAILED", "CRASHED", "CANCELLED"]


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


async def mark_crashed(flow_run: str, reason: str) -> None:
    """Set a flow run whose process died to Crashed; nobody else would."""
    async with get_client() as client:
        try:
            found = await client.read_flow_run(UUID(flow_run))
            if found.state is not None and not found.state.is_final():
                await client.set_flow_run_state(found.id, Crashed(message=reason), force=True)
        except ObjectNotFound:
            return  # the run was seen on another server
