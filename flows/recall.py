"""Recall: what the ledger already has of these rows, found in bulk before anything runs.

First by (row, step, item) from the run's own references, whatever today's catalog says; then by key.
A step whose inputs are not known yet is not looked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flows.each import ONLY
from flows.graph import Graph, GraphStep
from flows.options import RunOptions
from flows.resolve import Items, Ready, Skipped, resolve_step
from flows.routes import Route, Routes, candidates
from flows.runner import StepEnd, end_of, results_of
from flows.unfetched import is_unfetched, names_read
from flows.worst_case import Done
from providers.errors import InputError
from providers.media import Media, Value
from tasks.candidate import Candidate
from tasks.invoke import StepResult, result_of
from tasks.ledger import Ledger, lookup
from tasks.ledger.attempt import Attempt, Place
from tasks.store import Store


@dataclass(slots=True)
class KnownRow:
    """What is known of one row.

    `results` are by step and item, also of steps of which some item is open yet; `held` are items
    whose submit has not ended.
    """

    ends: dict[str, StepEnd] = field(default_factory=dict)
    results: dict[tuple[str, int], StepResult] = field(default_factory=dict)
    held: set[tuple[str, int]] = field(default_factory=set)

    @property
    def done(self) -> Done:
        """What costs nothing any more."""
        return Done(frozenset(self.ends), frozenset(self.results))


@dataclass(slots=True)
class Known:
    """What is known of each row, by its id."""

    # Left out of the repr: asyncio.run puts its task's result into words, a second for 10,000 rows.
    rows: dict[str, KnownRow] = field(default_factory=dict, repr=False)

    def of(self, row: str) -> KnownRow:
        """Return what is known of one row."""
        if row not in self.rows:
            self.rows[row] = KnownRow()
        return self.rows[row]

    def is_whole(self, graph: Graph, row: str) -> bool:
        """True when every step of the row has ended already."""
        return len(self.of(row).ends) == len(graph.steps)


async def recall(
    ledger: Ledger,
    store: Store,
    graph: Graph,
    routes: Routes,
    rows: Mapping[str, Mapping[str, Value]],
    *,
    options: RunOptions,
    run: str | None = None,
) -> Known:
    """Return what is known of `rows` (row id -> inputs), step by step along the graph."""
    own = await ledger.do(lookup.uses_of, run) if run else {}
    sources = await ledger.do(lookup.sources)
    known = Known()
    if run:
        _take_own(known, store, own, run, rows)
    for step in graph.steps:
        likely = tuple(route for route in routes[step.name] if _source(route) in sources)
        _end_what_is_whole(step, rows, known)
        asking = Asking(graph, step, likely, options.take_of(step.name))
        left = {id: inputs for id, inputs in rows.items() if step.name not in known.of(id).ends}
        items = open_items(asking, left, known)
        wanted = {
            (row, number): found
            for (row, number), found in wishes(asking, items).items()
            if (step.name, number) not in known.of(row).results
        }
        accepted = await ledger.do(
            lookup.accepted_for,
            {candidate.key for found in wanted.values() for candidate in found},
        )
        for (row, number), found in wanted.items():
            here = Place(run or "", row, step.name, number)
            if result := _pick(store, found, accepted, here):
                known.of(row).results[step.name, number] = result
        for row, needed in items.items():
            _end(step, needed, known.of(row))
    return known


def _source(route: Route) -> tuple[str, str, str, str]:
    return route.model.model, route.provider, route.endpoint, route.realm


def _take_own(
    known: Known,
    store: Store,
    own: Mapping[tuple[str, str, int], Attempt],
    run: str,
    rows: Mapping[str, Any],
) -> None:
    for (row, step, item), attempt in own.items():
        if row not in rows:
            continue
        result = result_of(attempt, reused=attempt.place != Place(run, row, step, item))
        if _is_kept(store, result):
            known.of(row).results[step, item] = result


def _end_what_is_whole(step: GraphStep, rows: Iterable[str], known: Known) -> None:
    """A step that goes over nothing has ended with its one result, whatever came before it."""
    if step.each:
        return
    for row in rows:
        if result := known.of(row).results.get((step.name, ONLY)):
            known.of(row).ends[step.name] = StepEnd((result,))


def _end(step: GraphStep, items: Items, known: KnownRow) -> None:
    ended: dict[int, StepResult | Skipped] = {}
    for number, ready in items.items():
        result = known.results.get((step.name, number))
        if result is not None:
            ended[number] = result
        elif isinstance(ready, Skipped):
            ended[number] = ready
    if len(ended) == len(items):
        known.ends[step.name] = end_of(step, ended)


@dataclass(frozen=True, slots=True)
class Asking:
    """A step that is asked for on these routes, at this take."""

    graph: Graph
    step: GraphStep
    routes: Sequence[Route]
    take: int


def open_items(
    asking: Asking, rows: Mapping[str, Mapping[str, Value]], known: Known
) -> dict[str, Items]:
    """Return the items of each row whose step can be asked for: all that it needs is known.

    A row whose step is skipped is told so in `known`.
    """
    found = {}
    read = names_read(asking.step)
    for row, inputs in rows.items():
        seen = known.of(row)
        if not asking.step.needs <= seen.ends.keys():
            continue
        if any(is_unfetched(inputs.get(name)) for name in read):
            continue  # its key is of bytes that nobody has seen yet
        needed = {name: seen.ends[name] for name in asking.step.needs}
        results = results_of(asking.graph, needed)
        try:
            items = resolve_step(asking.graph, asking.step, inputs, results)
        except InputError:
            continue  # the row will say so, and cost nothing
        if isinstance(items, Skipped):
            seen.ends[asking.step.name] = StepEnd(skipped=items.reason)
        else:
            found[row] = items
    return found


def wishes(
    asking: Asking, items: Mapping[str, Items]
) -> dict[tuple[str, int], tuple[Candidate, ...]]:
    """Return what each row would ask of each item of a step."""
    found = {
        (row, number): _candidates(asking, ready)
        for row, needed in items.items()
        for number, ready in needed.items()
        if isinstance(ready, Ready)
    }
    return {place: candidates for place, candidates in found.items() if candidates}


def _candidates(asking: Asking, ready: Ready) -> tuple[Candidate, ...]:
    routes = tuple(asking.routes)
    try:
        return candidates(asking.step, routes, ready.ports, ready.parameters, asking.take)
    except InputError:
        return ()


def _pick(
    store: Store, found: Sequence[Candidate], accepted: Mapping[str, Attempt], here: Place
) -> StepResult | None:
    for candidate in found:
        if attempt := accepted.get(candidate.key):
            result = result_of(attempt, reused=attempt.place != here)
            if _is_kept(store, result):
                return result
    return None


def _is_kept(store: Store, result: StepResult) -> bool:
    return all(
        store.has(value.sha256) for value in result.values.values() if isinstance(value, Media)
    )
