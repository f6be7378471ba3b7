"""Open the ledger, creating or migrating it: SQLite by default, PostgreSQL by URL."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path
from typing import Any

from sqlalchemy import (
    Connection,
    Engine,
    create_engine,
    delete,
    event,
    insert,
    inspect,
    select,
    text,
)
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError

from providers.errors import SetupError
from tasks.ledger.address import SQLITE, parse_url, shown_url
from tasks.ledger.dialect import is_busy, take_turn
from tasks.ledger.schema import MIGRATIONS, SCHEMA_VERSION, meta, metadata
from tasks.ledger.writer import BUSY_SECONDS, Ledger, patiently, unusable

WAIT_SECONDS = 10.0  # one wait of the database for another process's turn
FROZEN_SECONDS = 20  # a process that stops in the middle of its turn loses it (PostgreSQL)
# libpq's, where the URL does not say otherwise: a server that has vanished is noticed.
POSTGRESQL_PARAMETERS = {
    "application_name": "mediaflows",
    "connect_timeout": "10",
    "keepalives_idle": "20",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "30000",
}


def open_ledger(url: str) -> Ledger:
    """Open the ledger at `url`, creating it when it is not there.

    Raises:
        SetupError: it cannot be opened, or a newer mediaflows has written it.
    """
    engine = _engine(parse_url(url))
    until = time.monotonic() + BUSY_SECONDS
    try:
        patiently(lambda: _bring_up_to_date(engine, url), is_busy, until)
    except DBAPIError as error:
        engine.dispose()
        raise unusable(error, url, "opened") from None
    except SetupError:
        engine.dispose()  # an open connection would leave its -wal and -shm files behind
        raise
    return Ledger(engine, url)


def _bring_up_to_date(engine: Engine, url: str) -> None:
    with engine.begin() as connection:
        take_turn(connection)  # several processes may create or migrate it at the same moment
        found = _schema_version(connection)
        if found == SCHEMA_VERSION:
            return
        if found is not None and found > SCHEMA_VERSION:
            raise _written_by_a_newer(url, found)
        for version in range(found + 1, SCHEMA_VERSION + 1) if found else ():
            for statement in MIGRATIONS[version]:
                connection.execute(text(statement))
        metadata.create_all(connection)
        connection.execute(delete(meta).where(meta.c.name == "schema_version"))
        connection.execute(insert(meta).values(name="schema_version", value=str(SCHEMA_VERSION)))


def _schema_version(connection: Connection) -> int | None:
    """Return the version of the schema that is there, or None in an empty database."""
    if not inspect(connection).has_table(meta.name):
        return None
    query = select(meta.c.value).where(meta.c.name == "schema_version")
    return int(connection.execute(query).scalar_one())


def _written_by_a_newer(url: str, found: int) -> SetupError:
    return SetupError(
        f"The ledger {shown_url(url)} has schema {found}, this mediaflows reads up to "
        f"{SCHEMA_VERSION}: install the newer mediaflows that wrote it, or set MEDIAFLOWS_HOME "
        "to another folder."
    )


def _engine(url: URL) -> Engine:
    if url.drivername == SQLITE:
        return _sqlite_engine(url)
    try:
        # READ COMMITTED: what a transaction reads is from after its turn began.
        engine = create_engine(
            url.set(query={**POSTGRESQL_PARAMETERS, **url.query}),
            isolation_level="READ COMMITTED",
            pool_size=1,
            max_overflow=0,
        )
    except ImportError:
        raise SetupError(
            "MEDIAFLOWS_LEDGER_URL names a PostgreSQL database: install mediaflows[postgresql]."
        ) from None
    event.listen(engine, "connect", _prepare_postgresql)
    return engine


def _prepare_postgresql(connection: Any, record: Any) -> None:
    connection.execute(f"SET lock_timeout = '{WAIT_SECONDS:.0f}s'")
    connection.execute(f"SET idle_in_transaction_session_timeout = '{FROZEN_SECONDS}s'")
    connection.commit()


def _sqlite_engine(url: URL) -> Engine:
    if url.database:
        try:
            Path(url.database).parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SetupError(f"The ledger's folder cannot be made: {error}.") from None
    waits = {"timeout": WAIT_SECONDS, "check_same_thread": False}
    engine = create_engine(url, connect_args=waits)
    event.listen(engine, "connect", _prepare_sqlite)
    return engine


def _prepare_sqlite(connection: Any, record: Any) -> None:
    # sqlite3 would begin transactions by itself, and late: `take_turn` does.
    connection.isolation_level = None
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
    except sqlite3.Error:
        connection.close()  # nobody else knows it yet
        raise
