"""What going on with a run will do: reuse, re-attach, hold and pay; said before it is done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flows.frozen import Work
from flows.recall import recall
from flows.run_plan import Plan, make_plan
from tasks.ledger import Ledger, lookup, runs
from tasks.ledger.attempt import Attempt
from tasks.store import Store


@dataclass(frozen=True, slots=True)
class Outlook:
    """The rest of a run; `plan` is of what would be sent anew."""

    rows: int
    plan: Plan
    running: int
    held: int

    def line(self) -> str:
        """The rest of the run in one line."""
        parts = [f"{self.rows:,} row{'s' if self.rows != 1 else ''} to go"]
        if self.plan.reused:
            parts.append(f"{self.plan.reused:,} results reused")
        if self.running:
            parts.append(f"{self.running:,} jobs to re-attach to")
        if self.held:
            parts.append(f"{self.held:,} held, their answers were lost")
        parts.append(f"{self.plan.calls:,} calls to make, {self.plan.expected}")
        return " · ".join(parts)


async def look_ahead(work: Work, ledger: Ledger, store: Store, states: Sequence[str]) -> Outlook:
    """Return what the rows in these states, and those that have not ended, will do.

    No call is made.
    """
    ends = await ledger.do(runs.ends_of, work.run)
    ended = {end.row for end in ends if end and end.state not in states}
    rows = [row for row in work.rows if row.id not in ended]
    good = {row.id: row.inputs for row in rows if not row.faults}
    known = await recall(
        ledger, store, work.graph, work.routes, good, run=work.run, options=work.options
    )
    left = [
        attempt
        for attempt in await ledger.do(lookup.made_by, work.run)
        if attempt.is_open and attempt.place.row in good
    ]
    for attempt in left:
        known.of(attempt.place.row).held.add((attempt.place.step, attempt.place.item))
    plan = make_plan(work.graph, work.routes, rows, known, work.options)
    return Outlook(len(rows), plan, _count(left, "submitted"), _count(left, "uncertain", "intent"))


def _count(attempts: Sequence[Attempt], *states: str) -> int:
    return sum(attempt.state in states for attempt in attempts)
