"""Attempts: look up, open, submitted, settled. Each function is one transaction's work.

An open attempt is the claim on its request: the partial unique index makes the second insert
fail, and whoever fails joins the first. Settling twice is a no-op.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Row, and_, bindparam, func, literal, or_, select, update

from tasks.ledger.dialect import insert_or_ignore
from tasks.ledger.schema import OPEN, attempts, requests, uses
from tasks.money import from_nanos, to_nanos

CHUNK = 500  # keys in one IN list


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a run a request stands; `item` counts within `each`."""

    run: str
    row: str
    step: str
    item: int = 0


@dataclass(frozen=True, slots=True)
class Opening:
    """What is written down before anything is sent."""

    id: str
    key: str
    fields: Mapping[str, Any]
    place: Place
    owner: str
    body_digest: str | None = None
    checks: str | None = None
    low: Decimal | None = None
    high: Decimal | None = None
    created_at: float = field(default_factory=time.time)


@dataclass(frozen=True, slots=True)
class Settlement:
    """How an attempt ended; `result` maps ports to JSON values when it was accepted."""

    outcome: str
    result: Mapping[str, Any] | None = None
    units: Decimal | None = None
    amount: Decimal | None = None
    grade: str | None = None
    error_class: str | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One row of the ledger's attempts, as much of it as decisions need."""

    id: str
    key: str
    place: Place
    take: int
    model: str
    provider: str
    state: str
    outcome: str | None
    owner: str | None
    body_digest: str | None
    job: str | None
    receipt: Mapping[str, Any] | None
    result: Mapping[str, Any] | None
    amount: Decimal | None
    grade: str | None
    error_class: str | None
    error: str | None
    created_at: float
    submitted_at: float | None
    settled_at: float | None

    @property
    def is_open(self) -> bool:
        """True while the attempt has not ended: it is the claim on its request."""
        return self.state in OPEN


_COLUMNS = [
    attempts.c[name]
    for name in [
        "id",
        "key",
        "run",
        "row",
        "step",
        "item",
        "take",
        "model",
        "provider",
        "state",
        "outcome",
        "owner",
        "body_digest",
        "job",
        "receipt",
        "result",
        "amount_nanos",
        "grade",
        "error_class",
        "error",
        "created_at",
        "submitted_at",
        "settled_at",
    ]
]

# What every attempt runs is built once: building a statement costs more than running it.
_SURVEY = (
    select(*_COLUMNS)
    .where(
        or_(
            attempts.c.key.in_(bindparam("keys", expanding=True)),
            and_(
                attempts.c.run == bindparam("run"),
                attempts.c.row == bindparam("row"),
                attempts.c.step == bindparam("step"),
                attempts.c.item == bindparam("item"),
            ),
        )
    )
    .order_by(attempts.c.created_at)
)
_ACCEPTED = select(*_COLUMNS).where(
    attempts.c.key.in_(bindparam("keys", expanding=True)), attempts.c.outcome == "accepted"
)
_ACCEPTED_ID = select(attempts.c.id).where(
    attempts.c.key == bindparam("of_key"), attempts.c.outcome == "accepted"
)
_ONE = select(*_COLUMNS).where(attempts.c.id == bindparam("of_id"))
_CHANGE_OPEN = update(attempts).where(
    attempts.c.id == bindparam("of_id"),
    attempts.c.state.in_([literal(state) for state in OPEN]),
)


def _attempt(row: Row[Any]) -> Attempt:
    return Attempt(
        id=row.id,
        key=row.key,
        place=Place(row.run, row.row, row.step, row.item),
        take=row.take,
        model=row.model,
        provider=row.provider,
        state=row.state,
        outcome=row.outcome,
        owner=row.owner,
        body_digest=row.body_digest,
        job=row.job,
        receipt=json.loads(row.receipt) if row.receipt else None,
        result=json.loads(row.result) if row.result else None,
        amount=from_nanos(row.amount_nanos),
        grade=row.grade,
        error_class=row.error_class,
        error=row.error,
        created_at=row.created_at,
        submitted_at=row.submitted_at,
        settled_at=row.settled_at,
    )


def survey(connection: Connection, place: Place, keys: Sequence[str]) -> list[Attempt]:
    """Return every attempt on these keys, and every attempt of this place, oldest first."""
    wanted = {
        "keys": list(keys),
        "run": place.run,
        "row": place.row,
        "step": place.step,
        "item": place.item,
    }
    return [_attempt(row) for row in connection.execute(_SURVEY, wanted)]


def accepted_for(connection: Connection, keys: Iterable[str]) -> dict[str, Attempt]:
    """Return the accepted attempt of each key that has one."""
    wanted, found = list(keys), {}
    for start in range(0, len(wanted), CHUNK):
        for row in connection.execute(_ACCEPTED, {"keys": wanted[start : start + CHUNK]}):
            found[row.key] = _attempt(row)
    return found


def made_by(connection: Connection, run: str) -> list[Attempt]:
    """Return every attempt that a run made, oldest first."""
    query = select(*_COLUMNS).where(attempts.c.run == run).order_by(attempts.c.created_at)
    return [_attempt(row) for row in connection.execute(query)]


def made_bytes(connection: Connection, sha256: str) -> Attempt | None:
    """Return the attempt whose result holds these bytes, or None."""
    query = select(*_COLUMNS).where(attempts.c.result.contains(sha256)).limit(1)
    row = connection.execute(query).first()
    return _attempt(row) if row else None


def fields_of(connection: Connection, key: str) -> dict[str, Any]:
    """Return what a request key stands for."""
    query = select(requests.c.fields).where(requests.c.key == key)
    return dict(json.loads(connection.execute(query).scalar_one()))


def sources(connection: Connection) -> set[tuple[str, str, str, str]]:
    """Return every (model, provider, endpoint, realm) that has accepted results."""
    columns = (attempts.c.model, attempts.c.provider, attempts.c.endpoint, attempts.c.realm)
    query = select(*columns).where(attempts.c.outcome == "accepted").distinct()
    return {(row[0], row[1], row[2], row[3]) for row in connection.execute(query)}


def count_accepted(connection: Connection) -> int:
    """Return how many results the ledger knows."""
    query = select(func.count()).where(attempts.c.outcome == "accepted")
    return connection.execute(query).scalar_one()


def read(connection: Connection, attempt_id: str) -> Attempt:
    """Return one attempt as it stands now."""
    return _attempt(connection.execute(_ONE, {"of_id": attempt_id}).one())


def open_attempt(connection: Connection, opening: Opening) -> bool:
    """Write the intent; False when another open or accepted attempt holds the request."""
    if connection.execute(_ACCEPTED_ID, {"of_key": opening.key}).first():
        return False
    _remember_request(connection, opening)
    return bool(_insert_attempt(connection, _values(opening) | {"state": "intent"}))


def submitted(
    connection: Connection, attempt_id: str, job: str, receipt: Mapping[str, Any]
) -> None:
    """Record the job, whoever owns the attempt by now: an id that arrived is never dropped."""
    values = {
        "state": "submitted",
        "job": job,
        "receipt": json.dumps(receipt),
        "submitted_at": time.time(),
    }
    connection.execute(_CHANGE_OPEN, {"of_id": attempt_id, **values})


def abandon(connection: Connection, attempt_id: str, error: str) -> None:
    """Give up on an answer: held as uncertain once it was sent, unsent while it was waiting."""
    settle_waiting = _settled(Settlement("unsent", error=error))
    connection.execute(
        update(attempts)
        .where(attempts.c.id == attempt_id, attempts.c.state == "waiting")
        .values(**settle_waiting)
    )
    connection.execute(
        update(attempts)
        .where(attempts.c.id == attempt_id, attempts.c.state == "intent")
        .values(state="uncertain", error_class="UncertainError", error=error)
    )


def settle(connection: Connection, attempt_id: str, settlement: Settlement) -> bool:
    """End an open attempt; False when it had ended already."""
    done = connection.execute(_CHANGE_OPEN, {"of_id": attempt_id, **_settled(settlement)})
    return done.rowcount == 1


def settle_and_read(connection: Connection, attempt_id: str, settlement: Settlement) -> Attempt:
    """End an open attempt and return it as it stands; of two settlements the first stays."""
    settle(connection, attempt_id, settlement)
    return read(connection, attempt_id)


def settle_local(connection: Connection, opening: Opening, settlement: Settlement) -> Attempt:
    """Write a local attempt whole, in one transaction, and return the attempt that stands.

    If another process made the same result first, that one stands and this one is `cancelled`.
    """
    _remember_request(connection, opening)
    values = _values(opening) | _settled(settlement)
    if _insert_attempt(connection, values):
        return read(connection, opening.id)
    _insert_attempt(connection, values | {"outcome": "cancelled", "result": None})
    return accepted_for(connection, [opening.key])[opening.key]


def waiting(connection: Connection, attempt_id: str) -> None:
    """Mark an attempt as proven not accepted and about to be sent again."""
    connection.execute(
        update(attempts)
        .where(attempts.c.id == attempt_id, attempts.c.state == "intent")
        .values(state="waiting")
    )


def intend_again(connection: Connection, attempt_id: str, owner: str) -> bool:
    """Go from waiting back to intent; False when the attempt is no longer the owner's."""
    done = connection.execute(
        update(attempts)
        .where(
            attempts.c.id == attempt_id,
            attempts.c.owner == owner,
            attempts.c.state == "waiting",
        )
        .values(state="intent")
    )
    return done.rowcount == 1


def mark_lost(connection: Connection, attempt_id: str) -> None:
    """Take an accepted result back whose bytes are gone."""
    connection.execute(
        update(attempts)
        .where(attempts.c.id == attempt_id, attempts.c.outcome == "accepted")
        .values(outcome="lost")
    )


def use(connection: Connection, place: Place, attempt: Attempt, *, reused: bool) -> None:
    """Note that a row's step has this attempt's result; `reused` when another paid for it."""
    use_many(connection, [(place, attempt, reused)])


def use_many(connection: Connection, found: Sequence[tuple[Place, Attempt, bool]]) -> None:
    """The same for many at once."""
    if not found:
        return
    statement = insert_or_ignore(connection, uses)
    connection.execute(
        statement,
        [
            {
                "run": place.run,
                "row": place.row,
                "step": place.step,
                "item": place.item,
                "attempt": attempt.id,
                "key": attempt.key,
                "reused": reused,
            }
            for place, attempt, reused in found
        ],
    )


def uses_of(connection: Connection, run: str) -> dict[tuple[str, str, int], Attempt]:
    """Return what a run already has, by (row, step, item): made by it, or taken over."""
    made = (
        select(*_COLUMNS)
        .where(attempts.c.run == run, attempts.c.outcome == "accepted")
        .order_by(attempts.c.created_at)
    )
    found = {
        (attempt.place.row, attempt.place.step, attempt.place.item): attempt
        for attempt in map(_attempt, connection.execute(made))
    }
    query = (
        select(
            uses.c.row.label("used_row"),
            uses.c.step.label("used_step"),
            uses.c.item.label("used_item"),
            *_COLUMNS,
        )
        .join(attempts, attempts.c.id == uses.c.attempt)
        .where(uses.c.run == run, attempts.c.outcome == "accepted")
        .order_by(attempts.c.created_at)
    )
    return found | {
        (row.used_row, row.used_step, row.used_item): _attempt(row)
        for row in connection.execute(query)
    }


def _remember_request(connection: Connection, opening: Opening) -> None:
    connection.execute(
        insert_or_ignore(connection, requests),
        {"key": opening.key, "fields": json.dumps(opening.fields, sort_keys=True)},
    )


def _insert_attempt(connection: Connection, values: Mapping[str, Any]) -> int:
    return connection.execute(insert_or_ignore(connection, attempts), values).rowcount


def _values(opening: Opening) -> dict[str, Any]:
    return {
        "id": opening.id,
        "key": opening.key,
        "run": opening.place.run,
        "row": opening.place.row,
        "step": opening.place.step,
        "item": opening.place.item,
        "take": opening.fields["take"],
        "model": opening.fields["model"],
        "provider": opening.fields["provider"],
        "endpoint": opening.fields["endpoint"],
        "realm": opening.fields["realm"],
        "owner": opening.owner,
        "body_digest": opening.body_digest,
        "checks": opening.checks,
        "low_nanos": to_nanos(opening.low),
        "high_nanos": to_nanos(opening.high),
        "created_at": opening.created_at,
    }


def _settled(settlement: Settlement) -> dict[str, Any]:
    return {
        "state": "settled",
        "outcome": settlement.outcome,
        "result": json.dumps(settlement.result) if settlement.result is not None else None,
        "units": str(settlement.units) if settlement.units is not None else None,
        "amount_nanos": to_nanos(settlement.amount),
        "grade": settlement.grade,
        "error_class": settlement.error_class,
        "error": settlement.error,
        "settled_at": time.time(),
    }
