"""Owners: which process holds an attempt, and whether it still lives.

A dead owner's attempt is recovered; expiry alone never allows a second submit.
"""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from uuid import uuid4

import psutil
from sqlalchemy import Connection, delete, insert, select, update

from tasks.ledger.dialect import database_now
from tasks.ledger.schema import owners

STALE_SECONDS = 60.0  # a live owner beats every five seconds


@dataclass(frozen=True, slots=True)
class Owner:
    """This process, as the ledger knows it."""

    id: str
    host: str
    pid: int
    process_started: float


def this_process() -> Owner:
    """Return a new owner for this process."""
    pid = os.getpid()
    return Owner(uuid4().hex, socket.gethostname(), pid, psutil.Process(pid).create_time())


def register(connection: Connection, owner: Owner) -> None:
    """Write the owner down with a first heartbeat."""
    connection.execute(
        insert(owners).values(
            id=owner.id,
            host=owner.host,
            pid=owner.pid,
            process_started=owner.process_started,
            heartbeat=database_now(connection),
        )
    )


def beat(connection: Connection, owner: Owner) -> None:
    """Say that the owner lives, by the database's clock."""
    connection.execute(
        update(owners).where(owners.c.id == owner.id).values(heartbeat=database_now(connection))
    )


def is_alive(connection: Connection, owner_id: str | None) -> bool:
    """True while the owner's process runs.

    On this host the process table decides; on another the heartbeat does.
    """
    row = connection.execute(
        select(owners, database_now(connection).label("now")).where(owners.c.id == owner_id)
    ).first()
    if row is None:
        return False
    if row.host == socket.gethostname():
        try:
            started = psutil.Process(row.pid).create_time()
            return bool(abs(started - row.process_started) < 1.0)
        except psutil.Error:
            return False
    return bool(row.now - row.heartbeat < STALE_SECONDS)


def forget(connection: Connection, owner: Owner) -> None:
    """Take an owner out that has come to its orderly end; what it left open is anybody's."""
    connection.execute(delete(owners).where(owners.c.id == owner.id))
