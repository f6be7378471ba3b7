"""Foresee what every step of a row will be given and make, before any of them has run.

Rows of a table have few different sets of sizes and parameters: each is worked out once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flows.conditions import condition_references, evaluate_condition
from flows.grammar import (
    NO_RESULT,
    Expression,
    First,
    Items,
    NoResult,
    Ref,
    Text,
    evaluate,
    references,
)
from flows.graph import Graph, GraphStep
from flows.offers import Maker, asked_for
from flows.resolve import FACTS
from providers.catalog.shape import UNKNOWN, Shape, flat, foreseen, shape_of
from providers.errors import InputError
from providers.fit import kept
from providers.media import Media, Value

if TYPE_CHECKING:  # it imports what reads media files, and whoever only looks needs none of that
    from flows.rows import ReadyRow


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What a step will be given, as far as it is known, and what flows on from its first route."""

    given: Mapping[str, Shape | tuple[Shape, ...]]
    parameters: Mapping[str, Any]
    made: Shape


class Foresight:
    """What is foreseen of the rows of one graph on the routes of its steps, the first one's first.

    It follows from a row's signature alone: of a text that nobody counts nothing is looked at.
    """

    def __init__(self, graph: Graph, able: Mapping[str, Sequence[Maker]]) -> None:
        self._graph = graph
        self._first = {step: makers[0] for step, makers in able.items()}
        self._found: dict[tuple[Any, ...], Mapping[str, Foreseen]] = {}
        self._whole = frozenset(_names_that_decide(graph))
        self._counted = frozenset(_names_that_are_counted(graph, able))

    def signature(self, row: ReadyRow) -> tuple[Any, ...]:
        """Return what decides sizes, parameters and prices of a row: equal for most rows."""
        return tuple(
            self._part(name, value) for name, value in row.inputs.items() if value is not None
        )

    def of(self, row: ReadyRow, signature: tuple[Any, ...] | None = None) -> Mapping[str, Foreseen]:
        """Return step -> what is foreseen of it."""
        key = self.signature(row) if signature is None else signature
        if key not in self._found:
            inputs = {name: self._counting(name, value) for name, value in row.inputs.items()}
            self._found[key] = foresee(self._graph, self._first, inputs)
        return self._found[key]

    def _counting(self, name: str, value: Value) -> Value:
        is_counted = name in self._whole or name in self._counted
        return "" if isinstance(value, str) and not is_counted else value

    def _part(self, name: str, value: Value) -> tuple[str, Any]:
        if name in self._whole:
            return name, value
        if isinstance(value, str):
            return name, len(value) if name in self._counted else None
        return name, shape_of(value)


def foresee(
    graph: Graph, first: Mapping[str, Maker], inputs: Mapping[str, Value]
) -> dict[str, Foreseen]:
    """Return what is foreseen of each step that may run for a row with these inputs."""
    found: dict[str, Foreseen] = {}
    for step in graph.steps:
        if not may_run(graph, step, inputs) or _lacks_input(graph, step, inputs, found):
            continue  # it has no result, and what stands behind it in `first` is taken
        given = {
            port: shape
            for port, expression in step.ports.items()
            if (shape := _shape(expression, inputs, found)) is not None
        }
        parameters = known_parameters(step, inputs, found)
        route = first[step.name]
        asked = asked_for(route, parameters)
        made = foreseen(route.model, route.binding, asked, given)
        found[step.name] = Foreseen(given, parameters, kept(made, asked))
    return found


def may_run(graph: Graph, step: GraphStep, inputs: Mapping[str, Value]) -> bool:
    """Return False for a step whose condition is false by the row's inputs alone."""
    if step.when is None:
        return True
    names = {ref.name for ref in condition_references(step.when, step.name)}
    if not names <= set(graph.inputs):
        return True
    try:
        return evaluate_condition(step.when, {name: inputs.get(name) for name in names})
    except InputError:
        return True  # the row will fail there, and cost nothing


def _lacks_input(
    graph: Graph, step: GraphStep, inputs: Mapping[str, Value], found: Mapping[str, Foreseen]
) -> bool:
    """True when a port that the step cannot do without gets nothing, as far as that is known."""
    made = {other.name for other in graph.steps}

    def is_gone(ref: Ref) -> bool:
        return ref.name not in found if ref.name in made else inputs.get(ref.name, ref) is None

    for port, expression in step.ports.items():
        if step.requires(port) and (refs := references(expression)):
            gone = [ref for ref in refs if is_gone(ref)]
            if isinstance(expression, Text):  # an input without a value is an empty text there
                gone = [ref for ref in gone if ref.name in made]
            if gone and (isinstance(expression, Text) or len(gone) == len(refs)):
                return True
    return False


def known_parameters(
    step: GraphStep, inputs: Mapping[str, Value], found: Mapping[str, Foreseen]
) -> dict[str, Any]:
    """Return the step's parameters as far as they are known before any step has run."""

    def resolve(ref: Ref) -> Value | NoResult:
        if ref.name in found:
            fact = getattr(found[ref.name].made, ref.part, None) if ref.part in FACTS else None
            return NO_RESULT if fact is None else fact
        value = inputs.get(ref.name, NO_RESULT)
        return getattr(value, ref.part, None) if ref.part and isinstance(value, Media) else value

    values = ((name, evaluate(value, resolve)) for name, value in step.parameters.items())
    return {name: value for name, value in values if value is not None and value is not NO_RESULT}


def _shape(
    expression: Expression, inputs: Mapping[str, Value], found: Mapping[str, Foreseen]
) -> Shape | tuple[Shape, ...] | None:
    """Return the shape of what flows into a port, or None: an optional input without a value."""
    if isinstance(expression, Items):
        shapes = (_shape(ref, inputs, found) for ref in expression.refs)
        return tuple(one for shape in shapes if shape is not None for one in flat(shape))
    if isinstance(expression, First):
        shapes = (_shape(ref, inputs, found) for ref in expression.refs)
        return next((shape for shape in shapes if shape is not None), None)
    if isinstance(expression, Ref):
        if expression.name in found:
            return found[expression.name].made
        value = inputs.get(expression.name)  # a step that does not run has none
        return None if value is None else shape_of(value)
    return _text_shape(expression, inputs)


def _text_shape(expression: Expression, inputs: Mapping[str, Value]) -> Shape:
    if any(ref.name not in inputs for ref in references(expression)):
        return UNKNOWN  # it takes in what a step will have made
    text = evaluate(expression, lambda ref: inputs[ref.name])
    return Shape(characters=len(text)) if isinstance(text, str) else UNKNOWN


def _names_that_decide(graph: Graph) -> Iterator[str]:
    """The inputs whose very value decides what is asked for: in parameters and conditions."""
    for step in graph.steps:
        if step.when is not None:
            yield from (ref.name for ref in condition_references(step.when, step.name))
        for expression in step.parameters.values():
            for ref in references(expression):
                yield ref.name


def _names_that_are_counted(graph: Graph, able: Mapping[str, Sequence[Maker]]) -> Iterator[str]:
    """The inputs of whose text the length is paid for, wherever it is sent."""
    for step in graph.steps:
        prices = [maker.binding.price for maker in able[step.name]]
        if any(price and price.unit == "thousand_characters" for price in prices):
            for expression in step.ports.values():
                for ref in references(expression):
                    yield ref.name
