"""Price the steps of rows. A table has few different sets of parameters: each is priced once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from flows.grammar import NO_RESULT, NoResult, Ref, evaluate
from flows.graph import Graph, GraphStep
from flows.routes import Route, Routes, refusal
from flows.rows import ReadyRow
from flows.table import Fault
from providers.catalog import Quote, quote
from providers.media import Media, Value


class Pricer:
    """The prices and refusals of one graph on its routes."""

    def __init__(self, graph: Graph, routes: Routes) -> None:
        self._graph = graph
        self._routes = routes
        self._quotes: dict[tuple[Any, ...], Quote] = {}
        self._highs: dict[tuple[Any, ...], Mapping[str, Decimal]] = {}
        self._problems: dict[tuple[Any, ...], str | None] = {}

    def route(self, step: GraphStep) -> Route:
        """Return the route that would be sent to first."""
        return self._able(step)[0]

    def price(self, step: GraphStep, row: ReadyRow) -> Quote:
        """Return the first route's price; its `high` is the dearest route's."""
        given = given_parameters(step, row)
        key = (step.name, *sorted(given.items()))
        if key not in self._quotes:
            quotes = [
                quote(route.binding, {**route.defaults, **given}) for route in self._able(step)
            ]
            dearest = max(item.reserve for item in quotes)
            first = quotes[0]
            self._quotes[key] = first if first.high is None else replace(first, high=dearest)
        return self._quotes[key]

    def highs(self, step: GraphStep, row: ReadyRow) -> Mapping[str, Decimal]:
        """Return the most that one call may cost in USD at each provider that can be used."""
        given = given_parameters(step, row)
        key = (step.name, *sorted(given.items()))
        if key not in self._highs:
            highs: dict[str, Decimal] = {}
            for route in self._able(step):
                price = quote(route.binding, {**route.defaults, **given}).reserve
                highs[route.provider] = max(price, highs.get(route.provider, price))
            self._highs[key] = highs
        return self._highs[key]

    def problems(self, row: ReadyRow) -> list[Fault]:
        """Return a fault for each step that no route would do with this row's values."""
        found = []
        for step in self._graph.steps:
            given = given_parameters(step, row)
            key = (step.name, *sorted(given.items()))
            if key not in self._problems:
                self._problems[key] = self._problem(step, given)
            if problem := self._problems[key]:
                found.append(Fault(row.id, "", step.name, problem, "choose an allowed value"))
        return found

    def _able(self, step: GraphStep) -> list[Route]:
        return [route for route in self._routes[step.name] if route.is_sendable]

    def _problem(self, step: GraphStep, given: Mapping[str, Any]) -> str | None:
        refusals = [refusal(route, given) for route in self._able(step)]
        return None if None in refusals else refusals[0]


def given_parameters(step: GraphStep, row: ReadyRow) -> dict[str, Any]:
    """Return the step's parameters as far as they are known before any step has run."""

    def resolve(ref: Ref) -> Value | NoResult:
        value = row.inputs.get(ref.name, NO_RESULT)
        if ref.part and isinstance(value, Media):
            return getattr(value, ref.part, None)
        return value

    given: dict[str, Any] = {}
    for name, expression in step.parameters.items():
        value = evaluate(expression, resolve)
        if value is not None and value is not NO_RESULT:
            given[name] = value
    return given
