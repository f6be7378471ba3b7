"""Look attempts up: by key, by place, by run. Each function is one transaction's work."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, and_, bindparam, func, or_, select

from tasks.ledger.attempt import COLUMNS, Attempt, Place, attempt_of
from tasks.ledger.schema import OPEN, attempts, requests, uses

CHUNK = 500  # keys in one IN list

# What every attempt runs is built once: building a statement costs more than running it.
_SURVEY = (
    select(*COLUMNS)
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
_ACCEPTED = select(*COLUMNS).where(
    attempts.c.key.in_(bindparam("keys", expanding=True)), attempts.c.outcome == "accepted"
)
_ONE = select(*COLUMNS).where(attempts.c.id == bindparam("of_id"))


def survey(connection: Connection, place: Place, keys: Sequence[str]) -> list[Attempt]:
    """Return every attempt on these keys, and every attempt of this place, oldest first."""
    wanted = {
        "keys": list(keys),
        "run": place.run,
        "row": place.row,
        "step": place.step,
        "item": place.item,
    }
    return [attempt_of(row) for row in connection.execute(_SURVEY, wanted)]


def accepted_for(connection: Connection, keys: Iterable[str]) -> dict[str, Attempt]:
    """Return the accepted attempt of each key that has one."""
    wanted, found = list(keys), {}
    for start in range(0, len(wanted), CHUNK):
        for row in connection.execute(_ACCEPTED, {"keys": wanted[start : start + CHUNK]}):
            found[row.key] = attempt_of(row)
    return found


def made_by(connection: Connection, run: str) -> list[Attempt]:
    """Return every attempt that a run made, oldest first."""
    query = select(*COLUMNS).where(attempts.c.run == run).order_by(attempts.c.created_at)
    return [attempt_of(row) for row in connection.execute(query)]


def made_bytes(connection: Connection, sha256: str) -> Attempt | None:
    """Return the attempt whose result holds these bytes, or None."""
    query = select(*COLUMNS).where(attempts.c.result.contains(sha256)).limit(1)
    row = connection.execute(query).first()
    return attempt_of(row) if row else None


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
    return attempt_of(connection.execute(_ONE, {"of_id": attempt_id}).one())


def uses_of(connection: Connection, run: str) -> dict[tuple[str, str, int], Attempt]:
    """Return what a run already has, by (row, step, item): made by it, or taken over."""
    made = (
        select(*COLUMNS)
        .where(attempts.c.run == run, attempts.c.outcome == "accepted")
        .order_by(attempts.c.created_at)
    )
    found = {
        (attempt.place.row, attempt.place.step, attempt.place.item): attempt
        for attempt in map(attempt_of, connection.execute(made))
    }
    query = (
        select(
            uses.c.row.label("used_row"),
            uses.c.step.label("used_step"),
            uses.c.item.label("used_item"),
            *COLUMNS,
        )
        .join(attempts, attempts.c.id == uses.c.attempt)
        .where(uses.c.run == run, attempts.c.outcome == "accepted")
        .order_by(attempts.c.created_at)
    )
    return found | {
        (row.used_row, row.used_step, row.used_item): attempt_of(row)
        for row in connection.execute(query)
    }


def uncertain_with(connection: Connection, attempt: Attempt) -> list[Attempt]:
    """Return every attempt, this one included, that is held with the same body at its vendor."""
    query = select(*COLUMNS).where(
        attempts.c.provider == attempt.provider,
        attempts.c.realm == attempt.realm,
        attempts.c.body_digest == attempt.body_digest,
        attempts.c.state.in_(["intent", "uncertain"]),
    )
    return [attempt_of(row) for row in connection.execute(query)]


def known_jobs(connection: Connection, provider: str, realm: str, jobs: Sequence[str]) -> set[str]:
    """Return those of a vendor's jobs that an attempt has."""
    query = select(attempts.c.job).where(
        attempts.c.provider == provider, attempts.c.realm == realm, attempts.c.job.in_(jobs)
    )
    return set(connection.execute(query).scalars())


def open_attempts(connection: Connection) -> list[Attempt]:
    """Return every attempt of this ledger that has not ended, oldest first."""
    query = select(*COLUMNS).where(attempts.c.state.in_(OPEN)).order_by(attempts.c.created_at)
    return [attempt_of(row) for row in connection.execute(query)]


def are_asked(connection: Connection, keys: Sequence[str]) -> bool:
    """True when there is an attempt on one of these keys, whatever came of it."""
    for start in range(0, len(keys), CHUNK):
        query = select(attempts.c.id).where(attempts.c.key.in_(keys[start : start + CHUNK]))
        if connection.execute(query.limit(1)).first():
            return True
    return False


def all_attempts(connection: Connection) -> list[Attempt]:
    """Return every attempt of every run, oldest first."""
    query = select(*COLUMNS).order_by(attempts.c.created_at)
    return [attempt_of(row) for row in connection.execute(query)]


def like(connection: Connection, attempt: Attempt, most: int) -> list[Attempt]:
    """Return earlier accepted attempts on other requests of the same row and step, or model.

    Those of the same row and step first, then the newest first; at most so many.
    """
    place = attempt.place
    is_same_place = and_(attempts.c.row == place.row, attempts.c.step == place.step)
    query = (
        select(*COLUMNS)
        .where(
            attempts.c.key != attempt.key,
            attempts.c.outcome == "accepted",
            attempts.c.created_at < attempt.created_at,
            or_(is_same_place, attempts.c.model == attempt.model),
        )
        .order_by(is_same_place.desc(), attempts.c.created_at.desc())
        .limit(most)
    )
    return [attempt_of(row) for row in connection.execute(query)]
