"""Foresee what every step of a row will be given and make, before any of them has run.

Rows of a table have few different sets of sizes and parameters: each is worked out once.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from flows.conditions import FACTS, condition_references
from flows.each import ONLY, items_of
from flows.edges import MODEL
from flows.grammar import (
    NO_RESULT,
    Expression,
    First,
    Items,
    NoResult,
    Ref,
    evaluate,
    references,
)
from flows.graph import Graph, GraphStep
from flows.graph_step import LOCAL
from flows.offers import Maker, asked_for
from flows.unfetched import is_unfetched
from flows.will_run import has_all, will_run
from providers.catalog.shape import UNKNOWN, Shape, flat, foreseen, shape_of
from providers.fit import kept
from providers.media import InputUrl, Media, Value

if TYPE_CHECKING:  # it imports what reads media files, and whoever only looks needs none of that
    from flows.rows import ReadyRow


_SMALL = (*FACTS, MODEL)  # what a reference may take out of media: no media itself

Seen = Mapping[str, "tuple[Foreseen, ...]"]
Made = Mapping[str, "Shape | tuple[Shape, ...]"]


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What one call of a step will be given, as far as known, and what flows on from its first route.

    `item` is its number in what `each` goes over. `is_sure` is false where a condition that only a
    result decides may leave the step out. `open` are parameters whose value only a result,
    or a file that is yet to be fetched, will tell.
    """

    given: Mapping[str, Shape | tuple[Shape, ...]]
    parameters: Mapping[str, Any]
    made: Shape
    item: int = ONLY
    open: frozenset[str] = frozenset()
    is_sure: bool = True

    def asked(self, maker: Maker) -> dict[str, Any]:
        """Return what is asked for as far as it is known: a default is no word on what is open."""
        asked = asked_for(maker, self.parameters)
        return {name: value for name, value in asked.items() if name not in self.open}


class Foresight:
    """What is foreseen of the rows of one graph on the routes of its steps, the first one's first.

    `caps` are the numbers of bytes that a route takes at most: of a file's size nothing else
    counts than which of them it is above, and files of one camera are all of different sizes.
    """

    def __init__(
        self, graph: Graph, able: Mapping[str, Sequence[Maker]], caps: Iterable[int]
    ) -> None:
        self._graph = graph
        self._first = {step: makers[0] for step, makers in able.items()}
        self._caps = sorted(caps)
        self._found: dict[tuple[Any, ...], Seen] = {}
        self._whole = frozenset(_names_that_decide(graph))
        self._counted = frozenset(_names_that_are_counted(graph, able)) - self._whole

    def signature(self, row: ReadyRow) -> tuple[Any, ...]:
        """Return what decides sizes, parameters and prices of a row: equal for most rows."""
        return tuple(
            self._part(name, value) for name, value in row.inputs.items() if value is not None
        )

    def of(self, row: ReadyRow, signature: tuple[Any, ...] | None = None) -> Seen:
        """Return step -> what is foreseen of each of its calls."""
        key = self.signature(row) if signature is None else signature
        if key not in self._found:
            self._found[key] = foresee(self._graph, self._first, row.inputs)
        return self._found[key]

    def _part(self, name: str, value: Value) -> tuple[str, Any]:
        if name in self._whole and not is_unfetched(value):  # URLs differ, and decide nothing yet
            return name, value
        if isinstance(value, str) and name not in self._counted:
            return name, None
        shape = shape_of(value)
        is_text = any(one.characters is not None for one in flat(shape))
        if not is_text or name in self._counted:
            return name, tuple(map(self._weighed, flat(shape)))
        return name, len(value) if isinstance(value, tuple) else None

    def _weighed(self, shape: Shape) -> Shape:
        if shape.size_bytes is None:
            return shape
        return replace(shape, size_bytes=bisect_left(self._caps, shape.size_bytes))


def foresee(graph: Graph, first: Mapping[str, Maker], inputs: Mapping[str, Value]) -> Seen:
    """Return what is foreseen of each step that may run for a row with these inputs.

    A step that does not run has no result, and what stands behind it in `first` is taken.
    """
    found: dict[str, tuple[Foreseen, ...]] = {}
    made: dict[str, Shape | tuple[Shape, ...]] = {}
    sure: dict[str, bool] = {}
    exact: dict[str, Shape] = {}  # what this machine makes is of exactly the size that is foreseen
    for step in graph.steps:
        runs = will_run(step, inputs, exact)
        if runs is False:
            continue
        surely = runs is True and has_all(step, sure)
        calls = tuple(
            replace(call, is_sure=surely)
            for number, values, shapes in _items(step, inputs, made)
            if (call := _call(step, first[step.name], number, values, shapes)) is not None
        )
        if not calls:
            continue
        found[step.name], sure[step.name] = calls, surely
        made[step.name] = tuple(call.made for call in calls) if step.each else calls[0].made
        if first[step.name].binding.provider == LOCAL and not (step.each or step.fallback):
            exact[step.name] = calls[0].made
    return found


def _items(
    step: GraphStep, inputs: Mapping[str, Value], made: Made
) -> Iterator[tuple[int, Mapping[str, Value], Made]]:
    """Yield each item's number, the values that are known there, and the shapes of the others.

    Lists of unequal length are a fault of the row, which is told elsewhere.
    """
    found = {
        item: made[ref.name] if ref.name in made else inputs.get(ref.name)
        for item, ref in step.each.items()
    }
    lists = {item: value for item, value in found.items() if isinstance(value, tuple)}
    if len(lists) < len(found):
        return  # what would have made one does not run
    for number, items in items_of(step, lists):
        shapes = {item: one for item, one in items.items() if isinstance(one, Shape)}
        values = {item: one for item, one in items.items() if not isinstance(one, Shape)}
        yield number, {**inputs, **values}, {**made, **shapes}


def _call(
    step: GraphStep, route: Maker, number: int, inputs: Mapping[str, Value], made: Made
) -> Foreseen | None:
    given = {}
    for port, expression in step.ports.items():
        shape = _shape(expression, inputs, made)
        if shape is not None:
            given[port] = shape
        elif step.requires(port):
            return None  # what would have made it does not run
    parameters = known_parameters(step, inputs, made)
    call = Foreseen(
        given, parameters, UNKNOWN, number, _open_parameters(step, parameters, inputs, made)
    )
    asked = call.asked(route)
    result = foreseen(route.model, route.binding, asked, given)
    return replace(call, made=kept(result, asked))


def _open_parameters(
    step: GraphStep, known: Mapping[str, Any], inputs: Mapping[str, Value], made: Made
) -> frozenset[str]:
    return frozenset(
        name
        for name, expression in step.parameters.items()
        if name not in known
        and any(
            ref.name in made or isinstance(inputs.get(ref.name), InputUrl)
            for ref in references(expression)
        )
    )


def _known(ref: Ref, inputs: Mapping[str, Value]) -> Value | NoResult:
    """Return the value of an input or of a fact of it; NO_RESULT: no input is called so."""
    value = inputs.get(ref.name, NO_RESULT)
    if ref.part and isinstance(value, InputUrl):
        return NO_RESULT  # a fact of what has not been fetched
    return getattr(value, ref.part, None) if ref.part and isinstance(value, Media) else value


def known_parameters(step: GraphStep, inputs: Mapping[str, Value], made: Made) -> dict[str, Any]:
    """Return the step's parameters as far as they are known before any step has run."""

    def resolve(ref: Ref) -> Value | NoResult:
        if ref.name in made:
            fact = getattr(made[ref.name], ref.part, None) if ref.part in FACTS else None
            return NO_RESULT if fact is None else fact
        return _known(ref, inputs)

    values = ((name, evaluate(value, resolve)) for name, value in step.parameters.items())
    return {name: value for name, value in values if value is not None and value is not NO_RESULT}


def _shape(
    expression: Expression, inputs: Mapping[str, Value], made: Made
) -> Shape | tuple[Shape, ...] | None:
    """Return the shape of what flows into a port, or None: nothing does."""
    if isinstance(expression, Items):
        shapes = [_shape(ref, inputs, made) for ref in expression.refs]
        return tuple(one for shape in shapes if shape is not None for one in flat(shape)) or None
    if isinstance(expression, First):
        shapes = [_shape(ref, inputs, made) for ref in expression.refs]
        return next((shape for shape in shapes if shape is not None), None)
    if isinstance(expression, Ref):
        if expression.name in made:
            whole = expression.part is None or expression.part not in _SMALL
            return made[expression.name] if whole else UNKNOWN
        value = inputs.get(expression.name)
        return None if value is None else shape_of(value)
    return _text_shape(expression, inputs, made)


def _text_shape(expression: Expression, inputs: Mapping[str, Value], made: Made) -> Shape | None:
    names = {ref.name for ref in references(expression)} - set(inputs)
    if names:  # it takes in what a step will have made, or would have
        return UNKNOWN if names <= set(made) else None
    text = evaluate(expression, lambda ref: _known(ref, inputs))
    return Shape(characters=len(text)) if isinstance(text, str) else UNKNOWN


def _names_that_decide(graph: Graph) -> Iterator[str]:
    """The inputs whose very value decides what is asked for: in parameters and conditions.

    Facts of media are in their shapes.
    """
    for step in graph.steps:
        if step.when is not None:
            found = condition_references(step.when, step.name)
            yield from (ref.name for ref in found if ref.part is None)
        for expression in step.parameters.values():
            yield from _names_in(step, expression)


def _names_that_are_counted(graph: Graph, able: Mapping[str, Sequence[Maker]]) -> Iterator[str]:
    """The inputs of whose text the length is paid for, wherever it is sent."""
    for step in graph.steps:
        prices = [maker.binding.price for maker in able[step.name]]
        if any(price and price.unit == "thousand_characters" for price in prices):
            for expression in step.ports.values():
                yield from _names_in(step, expression)


def _names_in(step: GraphStep, expression: Expression) -> Iterator[str]:
    """The names that an expression refers to; for an item of `each`, that of its list."""
    for ref in references(expression):
        if ref.part is None:
            yield step.each.get(ref.name, ref).name
