"""The graph runner: one row through its steps, side by side where no path joins them.

It knows neither Prefect nor providers: `do_step` gives a step's result or raises a typed error.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from flows.grammar import NO_RESULT, NoResult
from flows.graph import Graph, GraphStep
from flows.resolve import Ready, Skipped, resolve_outputs, resolve_step
from providers.errors import (
    MediaflowsError,
    ParkedError,
    StoppedError,
    UncertainError,
    UserError,
)
from providers.media import Value
from tasks.halt import Halt
from tasks.invoke import StepResult

STATES = (
    "invalid",
    "parked",
    "cancelled",
    "not admitted",
    "failed",
    "rejected",
    "refused",
    "partial",
    "done",
)
"""Every state a row can end in; where several apply, the first."""

DoStep = Callable[[GraphStep, Ready], Awaitable[StepResult]]


@dataclass(frozen=True, slots=True)
class StepEnd:
    """How one step ended: with a result, skipped, in error, or held back by one of these."""

    result: StepResult | None = None
    error: MediaflowsError | None = None
    skipped: str | None = None
    held_by: str | None = None


@dataclass(frozen=True, slots=True)
class RowOutcome:
    """How a row ended: its state, why, and what it has."""

    state: str
    reason: str
    step: str | None
    error: str | None
    ends: Mapping[str, StepEnd]
    outputs: Mapping[str, Value | NoResult]


async def run_row(
    graph: Graph, inputs: Mapping[str, Value], do_step: DoStep, halt: Halt
) -> RowOutcome:
    """Return how the row ended; never raises for an error of a step.

    `halt` is set when a step fails for good: nothing more is sent for a row that has failed.
    """
    ends: dict[str, asyncio.Task[StepEnd]] = {}
    for step in graph.steps:  # a step only needs earlier ones, whose tasks are there by now
        ends[step.name] = asyncio.create_task(_run_step(graph, step, inputs, ends, do_step, halt))
    try:
        await asyncio.gather(*ends.values())
    except BaseException:
        for task in ends.values():
            task.cancel()
        await asyncio.gather(*ends.values(), return_exceptions=True)
        raise
    return outcome_of(graph, inputs, {name: task.result() for name, task in ends.items()})


async def _run_step(
    graph: Graph,
    step: GraphStep,
    inputs: Mapping[str, Value],
    ends: Mapping[str, asyncio.Task[StepEnd]],
    do_step: DoStep,
    halt: Halt,
) -> StepEnd:
    needed = {name: await ends[name] for name in sorted(step.needs)}
    for name, end in needed.items():
        if end.error is not None or end.held_by is not None:
            return StepEnd(held_by=end.held_by or name)
    try:
        ready = resolve_step(graph, step, inputs, _results(needed))
        if isinstance(ready, Skipped):
            return StepEnd(skipped=ready.reason)
        return StepEnd(result=await do_step(step, ready))
    except StoppedError as error:
        if failed := _failed_step(ends):
            return StepEnd(held_by=failed)
        return StepEnd(error=error)
    except MediaflowsError as error:
        if isinstance(error, ParkedError | UncertainError):
            return StepEnd(error=error)
        if step.on_error == "skip":
            return StepEnd(skipped=str(error))
        halt.set(f"step {step.name!r} of this row has failed")
        return StepEnd(error=error)


def _failed_step(ends: Mapping[str, asyncio.Task[StepEnd]]) -> str | None:
    """Return a step that has failed the row, or None: the row was stopped from outside."""
    for name, task in ends.items():
        error = task.result().error if task.done() else None
        if error and not isinstance(error, StoppedError | ParkedError | UncertainError):
            return name
    return None


def outcome_of(
    graph: Graph, inputs: Mapping[str, Value], ends: Mapping[str, StepEnd]
) -> RowOutcome:
    """Return how a row ended whose steps ended like this."""
    outputs = resolve_outputs(graph, inputs, _results(ends))
    errors = [(name, end.error) for name, end in ends.items() if end.error is not None]
    if errors:
        name, error = min(errors, key=lambda pair: STATES.index(state_of(pair[1])))
        return RowOutcome(
            state_of(error), f"{name}: {error}", name, type(error).__name__, ends, outputs
        )
    missing = [name for name, value in outputs.items() if value is NO_RESULT]
    if missing:
        return RowOutcome("partial", _gaps(missing, ends), None, None, ends, outputs)
    return RowOutcome("done", "", None, None, ends, outputs)


def state_of(error: MediaflowsError) -> str:
    """Return the row state that an error of a step leads to."""
    return "failed" if isinstance(error, UserError) else error.word


def _gaps(missing: list[str], ends: Mapping[str, StepEnd]) -> str:
    reasons = [f"{name}: {end.skipped}" for name, end in ends.items() if end.skipped]
    return f"no {', '.join(missing)}" + (f" ({'; '.join(reasons)})" if reasons else "")


def _results(ends: Mapping[str, StepEnd]) -> dict[str, Mapping[str, Value] | NoResult]:
    return {name: end.result.values if end.result else NO_RESULT for name, end in ends.items()}
