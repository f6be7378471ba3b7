"""The graph runner: one row through its steps, side by side where no path joins them.

It knows neither Prefect nor providers: `do_step` gives a step's result or raises a typed error.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from flows.each import first_item
from flows.grammar import NO_RESULT, NoResult
from flows.graph import Graph, GraphStep
from flows.resolve import Ready, Results, Skipped, port_values, resolve_outputs, resolve_step
from providers.errors import (
    InputError,
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

K = TypeVar("K")
T = TypeVar("T")

DoStep = Callable[[GraphStep, int, Ready], Awaitable[StepResult]]
"""Do one item of a step, of that number."""


@dataclass(frozen=True, slots=True)
class StepEnd:
    """How one step ended: with results, skipped, in error, or held back by one of these.

    `results` are one by item, None for a gap; in error they are what its other items have.
    """

    results: tuple[StepResult | None, ...] = ()
    error: MediaflowsError | None = None
    skipped: str | None = None
    held_by: str | None = None

    def numbered(self, step: GraphStep) -> Iterator[tuple[int, StepResult]]:
        """Yield the number of each item that has a result, and its result."""
        for number, result in enumerate(self.results, first_item(step)):
            if result is not None:
                yield number, result


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
    return outcome_of(graph, inputs, await _all_of(ends))


async def _all_of(tasks: Mapping[K, asyncio.Task[T]]) -> dict[K, T]:
    """Return what each task gave; when this is cancelled, so are they."""
    try:
        await asyncio.gather(*tasks.values())
    except BaseException:
        for task in tasks.values():
            task.cancel()
        await asyncio.gather(*tasks.values(), return_exceptions=True)
        raise
    return {key: task.result() for key, task in tasks.items()}


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
        items = resolve_step(graph, step, inputs, results_of(graph, needed))
    except InputError as error:
        return _without_result(step, error, halt)
    if isinstance(items, Skipped):
        return StepEnd(skipped=items.reason)
    done = {
        number: asyncio.create_task(_run_item(step, number, ready, do_step, halt))
        for number, ready in items.items()
    }
    end = end_of(step, await _all_of(done))
    if isinstance(end.error, StoppedError) and (failed := _failed_step(ends)):
        return replace(end, error=None, held_by=failed)
    return end


async def _run_item(
    step: GraphStep, number: int, ready: Ready | Skipped, do_step: DoStep, halt: Halt
) -> StepResult | Skipped | MediaflowsError:
    if isinstance(ready, Skipped):
        return ready
    try:
        return await do_step(step, number, ready)
    except MediaflowsError as error:
        if not isinstance(error, ParkedError | UncertainError | StoppedError):
            if step.on_error == "skip":
                return Skipped(str(error))
            halt.set(f"step {step.name!r} of this row has failed")
        return error


def _without_result(step: GraphStep, error: InputError, halt: Halt) -> StepEnd:
    if step.on_error == "skip":
        return StepEnd(skipped=str(error))
    halt.set(f"step {step.name!r} of this row has failed")
    return StepEnd(error=error)


def end_of(step: GraphStep, items: Mapping[int, StepResult | Skipped | MediaflowsError]) -> StepEnd:
    """Return how a step ended whose items ended like this, in the order of their numbers."""
    results = tuple(
        item if isinstance(item, StepResult) else None for _, item in sorted(items.items())
    )
    errors = [item for item in items.values() if isinstance(item, MediaflowsError)]
    if errors:
        return StepEnd(results, error=min(errors, key=_weight))
    gaps = [
        f"item {number}: {item.reason}" if step.each else item.reason
        for number, item in sorted(items.items())
        if isinstance(item, Skipped)
    ]
    return StepEnd(results, skipped="; ".join(gaps) or None)


def _weight(error: MediaflowsError) -> int:
    """What has stopped the others comes before those that were stopped by it."""
    return len(STATES) if isinstance(error, StoppedError) else STATES.index(state_of(error))


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
    outputs = resolve_outputs(graph, inputs, results_of(graph, ends))
    errors = [(name, end.error) for name, end in ends.items() if end.error is not None]
    if errors:
        name, error = min(errors, key=lambda pair: STATES.index(state_of(pair[1])))
        return RowOutcome(
            state_of(error), f"{name}: {error}", name, type(error).__name__, ends, outputs
        )
    missing = [gap for name, value in outputs.items() for gap in _missing(name, value)]
    if missing:
        return RowOutcome("partial", _gaps(missing, ends), None, None, ends, outputs)
    return RowOutcome("done", "", None, None, ends, outputs)


def state_of(error: MediaflowsError) -> str:
    """Return the row state that an error of a step leads to."""
    return "failed" if isinstance(error, UserError) else error.word


def _gaps(missing: list[str], ends: Mapping[str, StepEnd]) -> str:
    reasons = [f"{name}: {end.skipped}" for name, end in ends.items() if end.skipped]
    return f"no {', '.join(missing)}" + (f" ({'; '.join(reasons)})" if reasons else "")


def _missing(name: str, value: Value | NoResult) -> Iterator[str]:
    if value is NO_RESULT:
        yield name
    elif isinstance(value, tuple):
        for number, item in enumerate(value, 1):
            if item is None:
                yield f"{name}[{number}]"


def results_of(graph: Graph, ends: Mapping[str, StepEnd]) -> Results:
    """Return what steps that ended like this have on their output ports."""
    return {name: _values(graph.step(name), end) for name, end in ends.items()}


def _values(step: GraphStep, end: StepEnd) -> Mapping[str, Value] | NoResult:
    made = [None if result is None else result.values for result in end.results]
    return port_values(step, made)
