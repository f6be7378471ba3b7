"""What a Prefect server shows of a run, as its UI would: flow runs, task runs, states, artifacts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    ArtifactFilter,
    ArtifactFilterFlowRunId,
    FlowRunFilter,
    FlowRunFilterId,
    FlowRunFilterParentFlowRunId,
)
from prefect.client.schemas.objects import Artifact, FlowRun, TaskRun


@dataclass(frozen=True)
class Seen:
    """One flow run of `batch` or of a template, with the shards below it."""

    flow: FlowRun
    shards: list[FlowRun]

    @property
    def state(self) -> tuple[str, str, str]:
        """The final state's type, name and message."""
        state = self.flow.state
        assert state is not None
        return state.type.value, state.name or "", state.message or ""

    def tasks(self, *flow_runs: FlowRun) -> Mapping[str, TaskRun]:
        """The task runs of these flow runs (its shards if none is named) by name."""
        wanted = [run.id for run in flow_runs or self.shards]
        with get_client(sync_client=True) as client:
            found = client.read_task_runs(flow_run_filter=_these(wanted))
        by_name = {task.name: task for task in found}
        assert len(by_name) == len(found), sorted(task.name for task in found)
        return by_name

    def names(self) -> dict[str, str]:
        """The shards' task runs: name -> name of the state it ended in."""
        return {name: str(task.state_name) for name, task in self.tasks().items()}

    def artifacts(self) -> dict[str, Artifact]:
        """The artifacts of the run and its shards by key."""
        wanted = [self.flow.id, *(shard.id for shard in self.shards)]
        with get_client(sync_client=True) as client:
            found = client.read_artifacts(
                artifact_filter=ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=wanted))
            )
        return {str(artifact.key): artifact for artifact in found}


def see(flow_run: UUID | str) -> Seen:
    """Return what the server in force shows of one flow run."""
    with get_client(sync_client=True) as client:
        flow = client.read_flow_run(UUID(str(flow_run)))
        shards = client.read_flow_runs(
            flow_run_filter=FlowRunFilter(
                parent_flow_run_id=FlowRunFilterParentFlowRunId(any_=[flow.id])
            )
        )
    return Seen(flow, sorted(shards, key=lambda shard: shard.parameters["first"]))


def states_of(task: TaskRun) -> list[str]:
    """Return the names of every state a task run went through, in order."""
    with get_client(sync_client=True) as client:
        states = client.read_task_run_states(task.id)
    return [str(state.name) for state in sorted(states, key=lambda state: state.timestamp)]


def _these(flow_runs: list[UUID]) -> FlowRunFilter:
    return FlowRunFilter(id=FlowRunFilterId(any_=flow_runs))


def plain(value: Any) -> Any:
    """Return an artifact's data as JSON gave it."""
    import json

    return json.loads(value) if isinstance(value, str) else value
