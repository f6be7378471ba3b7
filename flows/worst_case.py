"""What a row may yet cost: every submit that is left to each of its steps, at the dearest price."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from flows.graph import Graph
from flows.pricing import CallPrice, Pricer
from flows.rows import ReadyRow
from tasks import invoke
from tasks.candidate import RowCap
from tasks.ledger.attempt import Attempt
from tasks.ledger.schema import ALL

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Done:
    """What of a row costs nothing any more: steps that have ended, and items of others."""

    steps: frozenset[str] = frozenset()
    items: frozenset[tuple[str, int]] = frozenset()

    def has(self, step: str, item: int) -> bool:
        """True when that item of the step has ended."""
        return step in self.steps or (step, item) in self.items


@dataclass(frozen=True, slots=True)
class Used:
    """What rows have used of their budgets already: submits taken, and the price of open ones."""

    taken: Counter[tuple[str, str, int]] = field(default_factory=Counter)
    running: Mapping[tuple[str, str, int], tuple[Attempt, ...]] = field(default_factory=dict)

    @staticmethod
    def of(made: Iterable[Attempt], rounds: Mapping[str, int]) -> Used:
        """Return what a run's attempts have used in the current round of each row."""
        taken: Counter[tuple[str, str, int]] = Counter()
        running: dict[tuple[str, str, int], tuple[Attempt, ...]] = {}
        for attempt in made:
            place = (attempt.place.row, attempt.place.step, attempt.place.item)
            if attempt.is_open:
                running[place] = (*running.get(place, ()), attempt)
            if attempt.round == rounds.get(attempt.place.row, 0) and invoke.was_taken(attempt):
                taken[place] += 1
        return Used(taken, running)


def worst_case(
    graph: Graph, pricer: Pricer, row: ReadyRow, done: Done, used: Used
) -> dict[str, Decimal]:
    """Return what the row's steps that have not ended may cost in USD, by provider and in ALL.

    A step whose condition is false by the row's inputs alone costs nothing; one that depends on
    what is not known yet counts as if it held.
    """
    total = {ALL: ZERO}
    for step in graph.steps:
        for call in pricer.calls(step, row):
            if not done.has(step.name, call.item):
                _add(total, call, (row.id, step.name, call.item), used)
    return total


def _add(
    total: dict[str, Decimal], call: CallPrice, place: tuple[str, str, int], used: Used
) -> None:
    left = max(0, invoke.SUBMITS - used.taken[place])
    for name, high in call.highs.items():
        total[name] = total.get(name, ZERO) + high * left
    total[ALL] += call.dearest * left
    for attempt in used.running.get(place, ()):
        price = attempt.high or ZERO
        total[attempt.provider] = total.get(attempt.provider, ZERO) + price
        total[ALL] += price


def row_cap(graph: Graph, pricer: Pricer, row: ReadyRow, most: Decimal | None) -> RowCap | None:
    """Return what one row may cost, with the price of one try of each item of its steps."""
    if most is None:
        return None
    one_try = {
        (step.name, call.item): call.dearest
        for step in graph.steps
        for call in pricer.calls(step, row)
    }
    return RowCap(most, one_try)
