"""Recall: what the ledger already has of these rows, found in bulk before anything runs.

First by (row, step) from the run's own references, whatever today's catalog says; then by key.
A step whose inputs are not known yet is not looked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from flows.grammar import NO_RESULT, NoResult
from flows.graph import Graph, GraphStep
from flows.options import RunOptions
from flows.resolve import Ready, resolve_step
from flows.routes import Route, Routes, candidates
from flows.runner import StepEnd
from providers.errors import InputError
from providers.media import Media, Value
from tasks.candidate import Candidate
from tasks.invoke import StepResult, result_of
from tasks.ledger import Ledger, lookup
from tasks.ledger.attempt import Attempt, Place
from tasks.store import Store


@dataclass(slots=True)
class Known:
    """Row id -> step -> how it has ended already."""

    # Left out of the repr: asyncio.run puts its task's result into words, a second for 10,000 rows.
    ends: dict[str, dict[str, StepEnd]] = field(default_factory=dict, repr=False)

    def of(self, row: str) -> dict[str, StepEnd]:
        """Return what is known of one row."""
        return self.ends.setdefault(row, {})

    def is_whole(self, graph: Graph, row: str) -> bool:
        """True when every step of the row has ended already."""
        return len(self.of(row)) == len(graph.steps)


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
    for step in graph.steps:
        likely = tuple(route for route in routes[step.name] if _source(route) in sources)
        left = {
            row: inputs
            for row, inputs in rows.items()
            if not (run and _take_own(known, store, own, run, row, step))
        }
        wanted = wishes(Asking(graph, step, likely, options.take_of(step.name)), left, known)
        accepted = await ledger.do(
            lookup.accepted_for,
            {candidate.key for found in wanted.values() for candidate in found},
        )
        for row, found in wanted.items():
            if result := _pick(store, found, accepted, run, row, step):
                known.of(row)[step.name] = StepEnd(result=result)
    return known


def _source(route: Route) -> tuple[str, str, str, str]:
    return route.model.model, route.provider, route.endpoint, route.realm


def _take_own(
    known: Known,
    store: Store,
    own: Mapping[tuple[str, str, int], Attempt],
    run: str,
    row: str,
    step: GraphStep,
) -> bool:
    attempt = own.get((row, step.name, 0))
    if attempt is None:
        return False
    result = result_of(attempt, reused=attempt.place != Place(run, row, step.name))
    if not _is_kept(store, result):
        return False
    known.of(row)[step.name] = StepEnd(result=result)
    return True


@dataclass(frozen=True, slots=True)
class Asking:
    """A step that is asked for on these routes, at this take."""

    graph: Graph
    step: GraphStep
    routes: Sequence[Route]
    take: int


def wishes(
    asking: Asking, rows: Mapping[str, Mapping[str, Value]], known: Known
) -> dict[str, tuple[Candidate, ...]]:
    """Return what each row would ask of a step, where all that it needs has ended already.

    A row whose step is skipped is told so in `known`.
    """
    found = {row: _ask(asking, inputs, known.of(row)) for row, inputs in rows.items()}
    return {row: candidates for row, candidates in found.items() if candidates}


def _ask(
    asking: Asking, inputs: Mapping[str, Value], ends: dict[str, StepEnd]
) -> tuple[Candidate, ...]:
    step = asking.step
    if any(name not in ends for name in step.needs):
        return ()
    results = {name: _values(ends[name]) for name in step.needs}
    try:
        ready = resolve_step(asking.graph, step, inputs, results)
        if not isinstance(ready, Ready):
            ends[step.name] = StepEnd(skipped=ready.reason)
            return ()
        routes = tuple(asking.routes)
        return candidates(step, routes, ready.ports, ready.parameters, asking.take)
    except InputError:
        return ()


def _pick(
    store: Store,
    found: Sequence[Candidate],
    accepted: Mapping[str, Attempt],
    run: str | None,
    row: str,
    step: GraphStep,
) -> StepResult | None:
    for candidate in found:
        if attempt := accepted.get(candidate.key):
            here = Place(run or "", row, step.name)
            result = result_of(attempt, reused=attempt.place != here)
            if _is_kept(store, result) and step.checked.would_pass(result.values):
                return replace(result, values=step.checked.passed(result.values))
    return None


def _is_kept(store: Store, result: StepResult) -> bool:
    return all(
        store.has(value.sha256) for value in result.values.values() if isinstance(value, Media)
    )


def _values(end: StepEnd) -> Mapping[str, Value] | NoResult:
    return end.result.values if end.result else NO_RESULT
