"""Waiters: other processes that poll a job; nobody cancels it under their hands."""

from __future__ import annotations

from sqlalchemy import Connection, delete, select

from tasks.ledger import owners
from tasks.ledger.dialect import insert_or_ignore
from tasks.ledger.schema import attempts, waiters


def arrive(connection: Connection, attempt: str, owner: str) -> None:
    """Say that this owner waits for an attempt, too."""
    values = {"attempt": attempt, "owner": owner}
    connection.execute(insert_or_ignore(connection, waiters), values)


def leave(connection: Connection, attempt: str, owner: str) -> None:
    """Say that it no longer does."""
    connection.execute(
        delete(waiters).where(waiters.c.attempt == attempt, waiters.c.owner == owner)
    )


def are_there(connection: Connection, attempt: str, owner: str) -> bool:
    """True when a live process other than `owner` owns this attempt or waits for it."""
    others = select(waiters.c.owner).where(waiters.c.attempt == attempt)
    submitter = select(attempts.c.owner).where(attempts.c.id == attempt)
    found = {*connection.execute(others).scalars(), *connection.execute(submitter).scalars()}
    return any(owners.is_alive(connection, other) for other in found - {owner, None})
