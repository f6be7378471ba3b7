"""Price the steps of rows, and say what no provider would do.

A table has few different sets of parameters and sizes: each is worked out once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from flows.foresee import Foreseen, Foresight
from flows.grammar import Expression, evaluate, references
from flows.graph import Graph, GraphStep
from flows.offers import asked_for
from flows.routes import Refusal, Route, Routes, fit_choice, refusal
from flows.rows import ReadyRow
from flows.table import Fault
from providers.catalog import Quote, quote
from providers.catalog.shape import Shape
from providers.fit import too_long


@dataclass(frozen=True, slots=True)
class RowPrices:
    """What is foreseen of one kind of rows: price, dearest try by provider, what is refused."""

    quotes: Mapping[str, Quote]
    highs: Mapping[str, Mapping[str, Decimal]]
    refusals: tuple[tuple[str, Refusal], ...]


@dataclass(frozen=True, slots=True)
class TextCheck:
    """A text out of inputs that flows into a port which takes only so many characters."""

    step: str
    port: str
    expression: Expression
    most: int

    def problem(self, row: ReadyRow) -> tuple[str, str] | None:
        """Return what is wrong with the row's text and what to do, or None."""
        text = evaluate(self.expression, lambda ref: row.inputs.get(ref.name))
        if not isinstance(text, str) or len(text) <= self.most:
            return None
        error = too_long(len(text), self.most)
        return f"{self.port}: {error.problem}", error.fix


class Pricer:
    """The prices and refusals of one graph on its routes."""

    def __init__(self, graph: Graph, routes: Routes) -> None:
        self._graph = graph
        self._able = {
            step.name: [route for route in routes[step.name] if route.is_sendable]
            for step in graph.steps
        }
        self.foresight = Foresight(graph, self._able)
        self._found: dict[tuple[Any, ...], RowPrices] = {}
        self._texts = tuple(self._text_checks())

    def route(self, step: GraphStep) -> Route:
        """Return the route that would be sent to first."""
        return self._able[step.name][0]

    def price(self, step: GraphStep, row: ReadyRow) -> Quote | None:
        """Return the first route's price; its `high` is the dearest route's.

        None for a step that has no result for this row, whatever happens.
        """
        return self._of(row).quotes.get(step.name)

    def highs(self, step: GraphStep, row: ReadyRow) -> Mapping[str, Decimal]:
        """Return the most that one call may cost in USD at each provider that can be used."""
        return self._of(row).highs.get(step.name, {})

    def problems(self, row: ReadyRow) -> list[Fault]:
        """Return a fault for each step that no route would do with this row's values."""
        found, running = [], {step.name for step in self._graph.steps}
        if not row.faults:  # what a faulty cell would make of the chain is not known
            running = set(self._of(row).quotes)
            found = [
                Fault(row.id, self._column(step, refused.name), step, refused.problem, refused.fix)
                for step, refused in self._of(row).refusals
            ]
        for check in self._texts:
            if check.step in running and (problem := check.problem(row)):
                column = self._column(check.step, check.port)
                found.append(Fault(row.id, column, check.step, *problem))
        return found

    def foreseen(self, rows: Iterable[ReadyRow], most: int) -> list[Mapping[str, Foreseen]]:
        """Return what is foreseen of the first so many different kinds of rows."""
        found: dict[tuple[Any, ...], Mapping[str, Foreseen]] = {}
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

    def _work_out(self, foreseen: Mapping[str, Foreseen]) -> RowPrices:
        quotes: dict[str, Quote] = {}
        highs: dict[str, Mapping[str, Decimal]] = {}
        refusals: list[tuple[str, Refusal]] = []
        for step in self._graph.steps:
            if step.name not in foreseen:
                continue
            able, seen = self._able[step.name], foreseen[step.name]
            quotes[step.name], highs[step.name] = _prices(able, seen)
            shapes = {port: each for port, each in seen.given.items() if not _is_text(each)}
            found = [refusal(route, seen.parameters, shapes, fit_choice(step)) for route in able]
            if None not in found:
                refusals += [(step.name, one) for one in found[:1] if one is not None]
        return RowPrices(quotes, highs, tuple(refusals))

    def _text_checks(self) -> Iterator[TextCheck]:
        for step in self._graph.steps:
            if fit_choice(step).text == "cut":
                continue
            for port, expression in step.ports.items():
                refs = references(expression)
                if not all(ref.name in self._graph.inputs and not ref.part for ref in refs):
                    continue
                mosts = [
                    route.binding.limits.of(port).max_characters for route in self._able[step.name]
                ]
                if None not in mosts:
                    yield TextCheck(step.name, port, expression, max(most or 0 for most in mosts))

    def _column(self, step: str, name: str) -> str:
        """Return the input whose value flows there as it is, or ""."""
        found = self._graph.step(step)
        expression = found.ports.get(name) or found.parameters.get(name)
        refs = references(expression) if expression else ()
        return refs[0].name if len(refs) == 1 and refs[0].name in self._graph.inputs else ""


def _is_text(given: Shape | tuple[Shape, ...]) -> bool:
    """True for what is checked row by row, since most texts are of no kind of rows."""
    return isinstance(given, Shape) and given.characters is not None


def _prices(able: list[Route], seen: Foreseen) -> tuple[Quote, dict[str, Decimal]]:
    highs: dict[str, Decimal] = {}
    quotes = []
    for route in able:
        price = quote(route.model, route.binding, asked_for(route, seen.parameters), seen.given)
        quotes.append(price)
        highs[route.provider] = max(price.reserve, highs.get(route.provider, price.reserve))
    first = quotes[0]
    return first if first.high is None else replace(first, high=max(highs.values())), highs
