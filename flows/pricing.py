"""Price the steps of rows, and say what no provider would do.

A table has few different sets of parameters and sizes: each is worked out once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from flows.each import items_of
from flows.foresee import Foreseen, Foresight, Seen
from flows.grammar import Constant, Expression, NoResult, evaluate, references
from flows.graph import Graph, GraphStep
from flows.routes import Refusal, Route, Routes, fit_choice, refusal
from flows.rows import ReadyRow
from flows.table import Fault
from providers.catalog import Quote, quote
from providers.catalog.price import ZERO
from providers.catalog.shape import UNKNOWN, Shapes, flat
from providers.fit import too_long
from providers.media import Value

_NOTHING = Constant("")


@dataclass(frozen=True, slots=True)
class CallPrice:
    """One call of a step: its item's number, its price, and the dearest try by provider.

    The price is the first route's; its `high` is the dearest route's.
    """

    item: int
    quote: Quote
    highs: Mapping[str, Decimal]

    @property
    def dearest(self) -> Decimal:
        """The most that one try may cost in USD."""
        return max(self.highs.values(), default=ZERO)


@dataclass(frozen=True, slots=True)
class RowPrices:
    """What is foreseen of one kind of rows: the calls of each step, and what is refused."""

    calls: Mapping[str, tuple[CallPrice, ...]]
    refusals: tuple[tuple[str, int, Refusal], ...]


@dataclass(frozen=True, slots=True)
class TextCheck:
    """A text out of inputs that flows into a port which takes only so many characters."""

    step: GraphStep
    port: str
    expression: Expression
    most: int

    def problems(self, row: ReadyRow) -> Iterator[tuple[str, str]]:
        """Yield what is wrong with each of the row's texts, and what to do."""
        for item, text in self._texts(row.inputs):
            if isinstance(text, str) and len(text) > self.most:
                error = too_long(len(text), self.most)
                yield f"{_at(item)}{self.port}: {error.problem}", error.fix

    def _texts(self, inputs: Mapping[str, Value]) -> Iterator[tuple[int, Value | NoResult]]:
        found = {item: inputs.get(ref.name) for item, ref in self.step.each.items()}
        lists = {item: value for item, value in found.items() if isinstance(value, tuple)}
        for number, values in items_of(self.step, lists):
            known: dict[str, Value] = {**inputs, **values}
            yield number, evaluate(self.expression, lambda ref: known.get(ref.name))  # noqa: B023


class Pricer:
    """The prices and refusals of one graph on its routes."""

    def __init__(self, graph: Graph, routes: Routes) -> None:
        self._graph = graph
        self._able = {
            step.name: [route for route in routes[step.name] if route.is_sendable]
            for step in graph.steps
        }
        self.foresight = Foresight(graph, self._able, set(self._caps()))
        self._found: dict[tuple[Any, ...], RowPrices] = {}
        self._texts = tuple(self._text_checks())

    def route(self, step: GraphStep) -> Route:
        """Return the route that would be sent to first."""
        return self._able[step.name][0]

    def calls(self, step: GraphStep, row: ReadyRow) -> tuple[CallPrice, ...]:
        """Return a price for each call that the step would make for this row; none: it is skipped."""
        return self._of(row).calls.get(step.name, ())

    def problems(self, row: ReadyRow) -> list[Fault]:
        """Return a fault for each step that no route would do with this row's values."""
        found = []
        if not row.faults:  # what a faulty cell would make of the chain is not known
            found = [
                Fault(
                    row.id,
                    self._column(step, refused.name),
                    step,
                    _at(item) + refused.problem,
                    refused.fix,
                )
                for step, item, refused in self._of(row).refusals
            ]
        for check in self._texts:
            for problem, fix in check.problems(row):
                if row.faults or self.calls(check.step, row):  # else it does not run for this row
                    column = self._column(check.step.name, check.port)
                    found.append(Fault(row.id, column, check.step.name, problem, fix))
        return found

    def foreseen(self, rows: Iterable[ReadyRow], most: int) -> list[Seen]:
        """Return what is foreseen of the first so many different kinds of rows."""
        found: dict[tuple[Any, ...], Seen] = {}
        for row in rows:
            key = self.foresight.signature(row)
            if key not in found:
                found[key] = self.foresight.of(row, key)
            if len(found) == most:
                break
        return list(found.values())

    def _of(self, row: ReadyRow) -> RowPrices:
        key = self.foresight.signature(row)
        if key not in self._found:
            self._found[key] = self._work_out(self.foresight.of(row, key))
        return self._found[key]

    def _work_out(self, foreseen: Seen) -> RowPrices:
        calls: dict[str, tuple[CallPrice, ...]] = {}
        refusals: list[tuple[str, int, Refusal]] = []
        for name, seen in foreseen.items():
            able, choice = self._able[name], fit_choice(self._graph.step(name))
            calls[name] = tuple(_price(able, call) for call in seen)
            for call in seen:
                shapes = _without_texts(call.given)
                found = [refusal(route, call.parameters, shapes, choice) for route in able]
                if None not in found:
                    refusals += [(name, call.item, one) for one in found[:1] if one is not None]
        return RowPrices(calls, tuple(refusals))

    def _caps(self) -> Iterator[int]:
        """Yield the most bytes that a file on a port may have, where there is such a limit."""
        for step in self._graph.steps:
            for route in self._able[step.name]:
                for port in step.ports:
                    most = route.binding.limits.of(port).max_bytes
                    if most is not None:
                        yield most

    def _text_checks(self) -> Iterator[TextCheck]:
        for step in self._graph.steps:
            if fit_choice(step).text == "cut":
                continue
            for port, expression in step.ports.items():
                refs = [step.each.get(ref.name, ref) for ref in references(expression)]
                if not all(ref.name in self._graph.inputs and not ref.part for ref in refs):
                    continue
                mosts = [
                    route.binding.limits.of(port).max_characters for route in self._able[step.name]
                ]
                if None not in mosts:
                    yield TextCheck(step, port, expression, max(most or 0 for most in mosts))

    def _column(self, step: str, name: str) -> str:
        """Return the input whose value flows there as it is, or ""."""
        found = self._graph.step(step)
        expression = found.ports.get(name) or found.parameters.get(name)
        refs = [found.each.get(ref.name, ref) for ref in references(expression or _NOTHING)]
        return refs[0].name if len(refs) == 1 and refs[0].name in self._graph.inputs else ""


def _without_texts(shapes: Shapes) -> Shapes:
    """Return the shapes without the lengths of texts: `TextCheck` holds those row by row.

    Rows whose texts differ in length alone count as one kind.
    """
    return {
        port: UNKNOWN if any(one.characters is not None for one in flat(given)) else given
        for port, given in shapes.items()
    }


def _price(able: list[Route], call: Foreseen) -> CallPrice:
    highs: dict[str, Decimal] = {}
    quotes = []
    for route in able:
        price = quote(route.model, route.binding, call.asked(route), call.given)
        quotes.append(price)
        highs[route.provider] = max(price.reserve, highs.get(route.provider, price.reserve))
    first = quotes[0]
    if first.high is not None:
        low = first.low if call.is_sure else ZERO
        first = replace(first, low=low, high=max(highs.values()))
    return CallPrice(call.item, first, highs)


def _at(item: int) -> str:
    return f"item {item}: " if item else ""
