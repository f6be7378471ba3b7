"""What a row may yet cost: every submit that is left to each of its steps, at the dearest price."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field
from decimal import Decimal

from flows.foresee import may_run
from flows.graph import Graph
from flows.pricing import Pricer
from flows.rows import ReadyRow
from tasks import invoke
from tasks.candidate import RowCap
from tasks.ledger.attempt import Attempt
from tasks.ledger.schema import ALL

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Used:
    """What rows have used of their budgets already: submits taken, and the price of open ones."""

    taken: Counter[tuple[str, str]] = field(default_factory=Counter)
    running: Mapping[tuple[str, str], tuple[Attempt, ...]] = field(default_factory=dict)

    @staticmethod
    def of(made: Iterable[Attempt], rounds: Mapping[str, int]) -> Used:
        """Return what a run's attempts have used in the current round of each row."""
        taken: Counter[tuple[str, str]] = Counter()
        running: dict[tuple[str, str], tuple[Attempt, ...]] = {}
        for attempt in made:
            place = (attempt.place.row, attempt.place.step)
            if attempt.is_open:
                running[place] = (*running.get(place, ()), attempt)
            if attempt.round == rounds.get(attempt.place.row, 0) and invoke.was_taken(attempt):
                taken[place] += 1
        return Used(taken, running)


def worst_case(
    graph: Graph, pricer: Pricer, row: ReadyRow, ended: Set[str], used: Used
) -> dict[str, Decimal]:
    """Return what the row's steps that have not ended may cost in USD, by provider and in ALL.

    A step whose condition is false by the row's inputs alone costs nothing; one that depends on
    what is not known yet counts as if it held.
    """
    total = {ALL: ZERO}
    for step in graph.steps:
        if step.name in ended or not may_run(graph, step, row.inputs):
            continue
        place = (row.id, step.name)
        left = max(0, invoke.SUBMITS - used.taken[place])
        highs = {name: high * left for name, high in pricer.highs(step, row).items()}
        for attempt in used.running.get(place, ()):
            price = attempt.high or ZERO
            highs[attempt.provider] = highs.get(attempt.provider, ZERO) + price
            total[ALL] += price
        total[ALL] += max(pricer.highs(step, row).values(), default=ZERO) * left
        for name, high in highs.items():
            total[name] = total.get(name, ZERO) + high
    return total


def row_cap(graph: Graph, pricer: Pricer, row: ReadyRow, most: Decimal | None) -> RowCap | None:
    """Return what one row may cost, with the price of one try of each of its steps."""
    if most is None:
        return None
    one_try = {
        step.name: max(pricer.highs(step, row).values(), default=ZERO)
        for step in graph.steps
        if may_run(graph, step, row.inputs)
    }
    return RowCap(most, one_try)
