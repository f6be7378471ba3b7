"""Owners: which process holds an attempt, and whether it still lives.

A dead owner's attempt is recovered; expiry alone never allows a second submit.
"""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from uuid import uuid4

import psutil
from sqlalchemy import Connection, delete, insert, select, update

from tasks.ledger.dialect import database_now
from tasks.ledger.schema import owners

PROC = Path("/proc")  # where Linux shows its processes
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
    return Owner(uuid4().hex, _host(), pid, _started(pid) or 0.0)


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

    Where it runs here the process table decides; elsewhere, or before this machine was started
    anew, the heartbeat does.
    """
    row = connection.execute(
        select(owners, database_now(connection).label("now")).where(owners.c.id == owner_id)
    ).first()
    if row is None:
        return False
    if row.host == _host():
        return bool(_started(row.pid) == row.process_started)
    # A heartbeat that lies ahead is as dead as an old one: the clock was set back since.
    return bool(abs(row.now - row.heartbeat) < STALE_SECONDS)


@cache
def _host() -> str:
    """Return where a number means one process: on this machine, since it runs, in this container.

    Containers that share the host's network share its name, too.
    """
    name = socket.gethostname()
    try:
        boot = (PROC / "sys/kernel/random/boot_id").read_text(encoding="utf-8").strip()
        return f"{name}/{boot}/{(PROC / 'self/ns/pid').readlink()}"
    except OSError:
        return name


def _started(pid: int) -> float | None:
    """Return when a process was started, or None when it has ended.

    On Linux in clock ticks since the machine was: what psutil works out from them moves with the
    wall clock, and a live owner would look dead once that was set (2026-11-21).
    """
    try:
        if PROC.exists():
            text = (PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
            state, *fields = text.rpartition(")")[2].split()
            return None if state in "ZX" else float(fields[18])
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else process.create_time()
    except (OSError, psutil.Error):
        return None


def forget(connection: Connection, owner: Owner) -> None:
    """Take an owner out that has come to its orderly end; what it left open is anybody's."""
    connection.execute(delete(owners).where(owners.c.id == owner.id))
