"""Finish rows: their outputs into the run folder, their ends and references into the ledger."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from flows.frozen import Work
from flows.grammar import NoResult
from flows.rows import ReadyRow
from flows.runner import RowOutcome
from providers.errors import ParkedError
from tasks.ledger import attempts, budget, runs
from tasks.ledger.attempt import Attempt, Place
from tasks.ledger.runs import RowEnd
from tasks.services import Services


@dataclass(frozen=True, slots=True)
class Ended:
    """A row that has ended, and how often it asked for something that the ledger did not have."""

    row: ReadyRow
    outcome: RowOutcome
    sent: int = 0


def unrun(state: str, reason: str, error: str | None = None) -> RowOutcome:
    """Return the outcome of a row that did not run."""
    return RowOutcome(state, reason, None, error, {}, {})


def invalid(row: ReadyRow) -> RowOutcome:
    """Return the outcome of a row with faults: all of them, in the words of a plan."""
    return unrun("invalid", " ".join(fault.line for fault in row.faults))


async def place_outputs(services: Services, work: Work, ended: Sequence[Ended]) -> list[Ended]:
    """Put the rows' outputs into the run folder; return them, parked where bytes are missing."""
    return await asyncio.to_thread(lambda: [_placed(services, work, one) for one in ended])


async def record(services: Services, work: Work, ended: Sequence[Ended]) -> None:
    """Write down how rows ended and what they have; what they had reserved is given back."""
    ends = [
        RowEnd(
            one.row.id,
            one.outcome.state,
            one.outcome.reason,
            one.outcome.step,
            one.outcome.error,
            one.sent,
        )
        for one in ended
    ]
    found = [
        (Place(work.run, one.row.id, name, number), result.attempt, result.reused)
        for one in ended
        for name, end in one.outcome.ends.items()
        for number, result in end.numbered(work.graph.step(name))
    ]
    await services.ledger.do(_record, work.run, ends, found)


def _record(
    connection: Connection,
    run: str,
    ends: Sequence[RowEnd],
    found: Sequence[tuple[Place, Attempt, bool]],
) -> None:
    runs.finish_rows(connection, run, ends)
    attempts.use_many(connection, found)
    for end in ends:
        budget.release(connection, run, end.row)


def _placed(services: Services, work: Work, ended: Ended) -> Ended:
    """Bytes that the store has lost meanwhile park this row, and no other."""
    outcome = ended.outcome
    for name, value in outcome.outputs.items():
        if isinstance(value, NoResult):
            continue
        try:
            work.folder.place(services.store, ended.row.id, {name: value})
        except ParkedError as error:
            reason = f"{name}: {error}"
            outcome = replace(outcome, state="parked", reason=reason, error="ParkedError")
        except OSError as error:
            reason = f"{name} is in the store and cannot be put into the run folder: {error}"
            outcome = replace(outcome, state="failed", reason=reason, error="OSError")
    return replace(ended, outcome=outcome)
