"""Runs and their rows: what was asked for, and in which one state every input row ended."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    Connection,
    bindparam,
    func,
    insert,
    select,
    update,
)

from tasks.ledger.schema import run_rows, runs

CANCELLED = "cancelled"  # the reason of a stop that a person asked for
BREAKER_ROWS = 10
BREAKER_STATES = ("failed", "refused", "rejected", "parked")


@dataclass(frozen=True, slots=True)
class Run:
    """One execution of a template over a table."""

    id: str
    template: str
    folder: str
    state: str
    stop_reason: str | None
    flow_run_id: str | None
    owner: str | None
    created_at: float


@dataclass(frozen=True, slots=True)
class RowEnd:
    """How a row ended: its one state, why, and the step and error class that decided it."""

    row: str
    state: str
    reason: str = ""
    step: str | None = None
    error: str | None = None
    sent: int = 0


# What every row runs is built once: building a statement costs more than running it.
_LAST_FINISHED = select(func.coalesce(func.max(run_rows.c.finished), 0)).where(
    run_rows.c.run == bindparam("of_run")
)
_FINISH = update(run_rows).where(
    run_rows.c.run == bindparam("of_run"), run_rows.c.row == bindparam("of_row")
)


_UNENDED: dict[str, Any] = {
    "state": None,
    "reason": None,
    "step": None,
    "error": None,
    "finished": None,
    "sent": 0,
}


def create(connection: Connection, values: Mapping[str, Any], rows: Sequence[str]) -> None:
    """Write a run and its rows down, none of them ended."""
    connection.execute(insert(runs).values(state="open", created_at=time.time(), **values))
    connection.execute(
        insert(run_rows),
        [
            {"run": values["id"], "row": row, "position": position}
            for position, row in enumerate(rows)
        ],
    )


def find(connection: Connection, name: str) -> list[Run]:
    """Return the runs whose id begins with `name`, newest first; all of them for ""."""
    query = select(runs).where(runs.c.id.like(f"{name}%")).order_by(runs.c.created_at.desc())
    return [
        Run(
            row.id,
            row.template,
            row.folder,
            row.state,
            row.stop_reason,
            row.flow_run_id,
            row.owner,
            row.created_at,
        )
        for row in connection.execute(query)
    ]


def one(connection: Connection, run: str) -> Run:
    """Return the run of that whole id."""
    return next(found for found in find(connection, run) if found.id == run)


def begin(connection: Connection, run: str, *, owner: str, flow_run_id: str | None) -> None:
    """Take a run up (again): it is open, ours, and seen in this flow run."""
    connection.execute(
        update(runs)
        .where(runs.c.id == run)
        .values(state="open", stop_reason=None, owner=owner, flow_run_id=flow_run_id)
    )


def stop(connection: Connection, run: str, reason: str) -> None:
    """Admit no further row of this run, in any process; the first reason stays, but for CANCELLED."""
    is_open = runs.c.state == "open"
    if reason == CANCELLED:
        is_open = runs.c.state != "ended"
    connection.execute(
        update(runs).where(runs.c.id == run, is_open).values(state="stopping", stop_reason=reason)
    )


def stop_reason(connection: Connection, run: str) -> str | None:
    """Return why a run admits no further row, or None while it does."""
    return connection.execute(select(runs.c.stop_reason).where(runs.c.id == run)).scalar()


def end(connection: Connection, run: str) -> None:
    """Mark a run as ended."""
    connection.execute(
        update(runs).where(runs.c.id == run).values(state="ended", ended_at=time.time())
    )


def keep_inputs(connection: Connection, run: str, inputs: Mapping[str, Mapping[str, Any]]) -> None:
    """Keep the media inputs of rows as references, so that a resume needs no file of the user's."""
    for row, values in inputs.items():
        connection.execute(
            update(run_rows)
            .where(run_rows.c.run == run, run_rows.c.row == row)
            .values(inputs=json.dumps(values))
        )


def kept_inputs(connection: Connection, run: str) -> dict[str, dict[str, Any]]:
    """Return what `keep_inputs` kept, by row."""
    query = select(run_rows.c.row, run_rows.c.inputs).where(
        run_rows.c.run == run, run_rows.c.inputs.is_not(None)
    )
    return {row.row: json.loads(row.inputs) for row in connection.execute(query)}


def finish_rows(connection: Connection, run: str, ends: Sequence[RowEnd]) -> None:
    """Record how rows ended, in the order in which they did."""
    if not ends:
        return
    last = connection.execute(_LAST_FINISHED, {"of_run": run}).scalar_one()
    connection.execute(
        _FINISH,
        [
            {
                "of_run": run,
                "of_row": row_end.row,
                "state": row_end.state,
                "reason": row_end.reason,
                "step": row_end.step,
                "error": row_end.error,
                "sent": row_end.sent,
                "finished": number,
            }
            for number, row_end in enumerate(ends, last + 1)
        ],
    )


def close_open_rows(connection: Connection, run: str, state: str, reason: str) -> None:
    """End every row that has not ended."""
    connection.execute(
        update(run_rows)
        .where(run_rows.c.run == run, run_rows.c.state.is_(None))
        .values(state=state, reason=reason)
    )


def of_flow_run(connection: Connection, flow_run_id: str) -> Run | None:
    """Return the run that was last seen in this Prefect flow run."""
    found = connection.execute(select(runs.c.id).where(runs.c.flow_run_id == flow_run_id)).scalar()
    return one(connection, found) if found else None


def reset_rows(connection: Connection, run: str) -> None:
    """Let every row that is not done run again; what it has paid for is remembered."""
    connection.execute(
        update(run_rows).where(run_rows.c.run == run, run_rows.c.state != "done").values(_UNENDED)
    )


def retry_rows(connection: Connection, run: str, states: Sequence[str]) -> int:
    """Let the rows in these states be tried anew, each with a new budget of submits."""
    done = connection.execute(
        update(run_rows)
        .where(run_rows.c.run == run, run_rows.c.state.in_(states))
        .values(**_UNENDED, round=run_rows.c.round + 1)
    )
    return done.rowcount


def rounds(connection: Connection, run: str) -> dict[str, int]:
    """Return how often each row was retried, for those that were."""
    query = select(run_rows.c.row, run_rows.c.round).where(
        run_rows.c.run == run, run_rows.c.round > 0
    )
    return {row.row: row.round for row in connection.execute(query)}


def row_ids(connection: Connection, run: str) -> list[str]:
    """Return the ids of a run's rows, in input order."""
    query = select(run_rows.c.row).where(run_rows.c.run == run).order_by(run_rows.c.position)
    return list(connection.execute(query).scalars())


def ends_of(connection: Connection, run: str) -> list[RowEnd | None]:
    """Return how each input row ended, in input order; None for one that has not."""
    query = select(run_rows).where(run_rows.c.run == run).order_by(run_rows.c.position)
    return [
        RowEnd(row.row, row.state, row.reason or "", row.step, row.error, row.sent)
        if row.state
        else None
        for row in connection.execute(query)
    ]


def breaker(connection: Connection, run: str) -> str | None:
    """Return why admission should stop, or None.

    When of the first ten finished rows that sent something all failed, were refused, rejected or
    uncertain at one step with one error class, the next thousand would too.
    """
    query = (
        select(run_rows.c.state, run_rows.c.step, run_rows.c.error)
        .where(run_rows.c.run == run, run_rows.c.sent > 0, run_rows.c.finished.is_not(None))
        .order_by(run_rows.c.finished)
        .limit(BREAKER_ROWS)
    )
    first = connection.execute(query).all()
    causes = {(row.step, row.error) for row in first}
    if len(first) < BREAKER_ROWS or len(causes) != 1:
        return None
    if any(row.state not in BREAKER_STATES for row in first):
        return None
    step, error = causes.pop()
    return f"the first {BREAKER_ROWS} rows all ended with {error} at step {step!r}"
