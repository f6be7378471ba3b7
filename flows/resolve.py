"""What one step of one row needs, given what is known so far: pure, and asked everywhere.

The plan, the recall of finished work and the runner all ask this one function, so that they can
never disagree on what a step would be sent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from flows.conditions import evaluate_condition
from flows.each import items_of, require_lengths
from flows.grammar import NO_RESULT, NoResult, Ref, Resolve, evaluate
from flows.graph import Graph, GraphStep
from providers.errors import InputError
from providers.media import Media, Value

FACTS: Final = ("width", "height", "seconds")


@dataclass(frozen=True, slots=True)
class Ready:
    """A step that can be done: the value for each port, and the parameters that are given."""

    ports: Mapping[str, Value]
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Skipped:
    """A step that has no result, and why."""

    reason: str


Results = Mapping[str, "Mapping[str, Value] | NoResult"]
"""Step -> the values on its output ports, or NO_RESULT when it has ended without one."""


Items = Mapping[int, "Ready | Skipped"]
"""Number of the item -> what it needs, or that it is skipped; see `flows.each`."""


def resolve_step(
    graph: Graph, step: GraphStep, inputs: Mapping[str, Value], results: Results
) -> Items | Skipped:
    """Return what the step would be sent for each of its items, or that it is skipped.

    Every step it needs must have ended and stand in `results`.

    Raises:
        InputError: its condition cannot be worked out, or its lists do not go together.
    """
    lookup = _lookup(graph, inputs, results)
    if step.when is not None and not _holds(graph, step.when, inputs, results):
        return Skipped(f"its condition is false: {step.when}")
    lists: dict[str, tuple[Value, ...]] = {}
    for item, ref in step.each.items():
        value = lookup(ref)
        if not isinstance(value, tuple) or not value:
            return Skipped(f"${ref} has no items")
        lists[item] = value
    require_lengths(step, {item: len(values) for item, values in lists.items()})
    return {
        number: _ready(step, _with_item(lookup, values)) for number, values in items_of(step, lists)
    }


def _ready(step: GraphStep, lookup: Resolve) -> Ready | Skipped:
    ports: dict[str, Value] = {}
    for name, expression in step.ports.items():
        value = _without_gaps(evaluate(expression, lookup))
        if value is None or value is NO_RESULT:
            if step.kind.inputs[name].required:
                return Skipped(f"its {name} has no result")
            continue
        ports[name] = value
    parameters: dict[str, Any] = {}
    for name, expression in step.parameters.items():
        value = evaluate(expression, lookup)
        if value is not None and value is not NO_RESULT:
            parameters[name] = value
    return Ready(ports, parameters)


def _with_item(lookup: Resolve, values: Mapping[str, Value]) -> Resolve:
    def resolve(ref: Ref) -> Value | NoResult:
        if ref.name not in values:
            return lookup(ref)
        value = values[ref.name]
        if value is None:
            return NO_RESULT  # a gap in the list
        return _fact(value, ref.part) if ref.part else value

    return resolve


def _without_gaps(value: Value | NoResult) -> Value | NoResult:
    if not isinstance(value, tuple):
        return value
    return tuple(item for item in value if item is not None) or NO_RESULT


def port_values(
    step: GraphStep, made: Sequence[Mapping[str, Value] | None]
) -> Mapping[str, Value] | NoResult:
    """Return what later steps see on a step's output ports; None in `made` is an item's gap."""
    present = [values for values in made if values is not None]
    if not present:
        return NO_RESULT
    if not step.each:
        return present[0]
    return {
        port: tuple(None if values is None else values[port] for values in made)
        for port in present[0]
    }


def resolve_outputs(
    graph: Graph, inputs: Mapping[str, Value], results: Results
) -> dict[str, Value | NoResult]:
    """Return the value of each output of the template; NO_RESULT makes the row partial.

    So does a gap, None, in a list: what comes behind it keeps its place.
    """
    lookup = _lookup(graph, inputs, results)
    return {name: evaluate(expression, lookup) for name, expression in graph.outputs.items()}


def _lookup(graph: Graph, inputs: Mapping[str, Value], results: Results) -> Resolve:
    kinds = {step.name: step.kind for step in graph.steps}

    def resolve(ref: Ref) -> Value | NoResult:
        if ref.name in graph.inputs:
            value = inputs.get(ref.name)
            return _fact(value, ref.part) if ref.part else value
        values = results.get(ref.name, NO_RESULT)
        if isinstance(values, NoResult):
            return NO_RESULT
        kind = kinds[ref.name]
        if ref.part is None:
            return values[kind.main_output]
        if ref.part in kind.outputs:
            return values[ref.part]
        return _fact(values[kind.main_output], ref.part)

    return resolve


def _fact(value: Value, name: str) -> Value:
    return getattr(value, name) if isinstance(value, Media) and name in FACTS else None


def _holds(graph: Graph, condition: str, inputs: Mapping[str, Value], results: Results) -> bool:
    names: dict[str, Any] = dict(inputs)
    for name, values in results.items():
        if not isinstance(values, NoResult):
            main = next(step.kind.main_output for step in graph.steps if step.name == name)
            names[name] = values[main]
    try:
        return evaluate_condition(condition, names)
    except InputError:
        # A name without a value: of a step that was skipped, and then this one is, too.
        if any(isinstance(values, NoResult) for values in results.values()):
            return False
        raise
