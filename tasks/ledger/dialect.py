"""The two databases where they differ: their SQL, whose turn it is, and what their errors mean."""

from __future__ import annotations

import sqlite3
from functools import cache

from sqlalchemy import Connection, Double, Table, literal_column, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.sql.elements import ColumnElement

# SQLite waits for these by itself, but not everywhere: journal_mode=WAL says "database is locked"
# at once while others have a ledger open (4 of 480 openings by eight processes, 2026-11-21).
_SQLITE_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL}
# serialization_failure, deadlock_detected, lock_not_available (our own lock_timeout)
_POSTGRESQL_BUSY = {"40001", "40P01", "55P03"}
# The session was ended by the server: by an administrator, a crash, a restart, or as too idle.
_POSTGRESQL_LOST = {"57P01", "57P02", "57P03", "57P05", "25P03", "25P04"}
_LOCK = 0x6D65646961  # "media"; of one database

_TURN = text(f"SELECT pg_current_xact_id()::text, pg_advisory_xact_lock({_LOCK})")
_STATUS = text("SELECT pg_xact_status(CAST(:number AS xid8))")


def insert_or_ignore(connection: Connection, table: Table) -> sqlite.Insert | postgresql.Insert:
    """Return an insert into `table` that does nothing where a unique index is in the way."""
    return _insert_or_ignore(connection.dialect.name, table)


@cache
def _insert_or_ignore(dialect: str, table: Table) -> sqlite.Insert | postgresql.Insert:
    insert = sqlite.insert if dialect == "sqlite" else postgresql.insert
    return insert(table).on_conflict_do_nothing()


def database_now(connection: Connection) -> ColumnElement[float]:
    """Return the database's clock in seconds since 1970, as an SQL expression."""
    if connection.dialect.name == "sqlite":
        return literal_column("((julianday('now') - 2440587.5) * 86400.0)", Double)
    return literal_column("extract(epoch FROM clock_timestamp())::double precision", Double)


def take_turn(connection: Connection) -> str | None:
    """Wait until no other process is in a transaction on this ledger; the first statement of each.

    On PostgreSQL four processes that claimed 600 requests in groups of 64 met 48 deadlocks of a
    second each without it and took 41 s, with it 1.8 s (2026-11-21).

    Returns the transaction's number, where the database can be asked later what became of it.
    """
    if connection.dialect.name == "sqlite":
        # A read that turns into a write in the middle of a transaction would fail at once.
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        return None
    number, _ = connection.execute(_TURN).one()
    return str(number)


def has_committed(connection: Connection, number: str) -> bool:
    """Tell what became of a transaction that `take_turn` has numbered, once it is over."""
    return bool(connection.execute(_STATUS, {"number": number}).scalar_one() == "committed")


def is_busy(error: DBAPIError) -> bool:
    """True when another process was in the way: nothing was written, and later it may be."""
    code = _sqlite_code(error)
    if code is not None:
        return code & 0xFF in _SQLITE_BUSY
    return _sqlstate(error) in _POSTGRESQL_BUSY


def is_lost(error: DBAPIError) -> bool:
    """True when there is no connection, or no longer one."""
    if isinstance(error.orig, sqlite3.Error):
        return False
    state = _sqlstate(error)
    is_of_client = state is None and isinstance(error, OperationalError)  # no server has said it
    return error.connection_invalidated or is_of_client or state in _POSTGRESQL_LOST


def reason(error: DBAPIError) -> str:
    """Return what is wrong as one line, with what a person can do where that is known."""
    line = _said(error)
    code = _sqlite_code(error)
    match None if code is None else code & 0xFF:
        case sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_READONLY:
            return f"{line}. The file and its folder must be there and writable"
        case sqlite3.SQLITE_IOERR:
            name = getattr(error.orig, "sqlite_errorname", "")
            return f"{line} ({name}): its disk is full, or broken"
    return line


def _said(error: DBAPIError) -> str:
    # PostgreSQL's own message without the statement below it; what libpq says of a connection has
    # several lines, the cause not in the first.
    primary = getattr(getattr(error.orig, "diag", None), "message_primary", None)
    return " ".join(str(primary or error.orig).split()).rstrip(".") or type(error.orig).__name__


def _sqlite_code(error: DBAPIError) -> int | None:
    return getattr(error.orig, "sqlite_errorcode", None)


def _sqlstate(error: DBAPIError) -> str | None:
    return getattr(error.orig, "sqlstate", None)
