"""Open the ledger and run work on it: SQLite by default, PostgreSQL by URL.

One thread per process owns one connection. Work that is waiting when the thread comes round is
done in one transaction: under load that is one sync to disk for many attempts. If any piece fails
the transaction is rolled back and each piece is done in a transaction of its own.
"""

from __future__ import annotations

import asyncio
import queue
import random
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from sqlalchemy import (
    Connection,
    Engine,
    create_engine,
    delete,
    event,
    func,
    insert,
    inspect,
    select,
    text,
)
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError
from sqlalchemy.pool import PoolProxiedConnection

from providers.errors import SetupError
from tasks.ledger.schema import MIGRATIONS, SCHEMA_VERSION, meta, metadata

P = ParamSpec("P")
T = TypeVar("T")

BUSY_SECONDS = 60.0
BUSY_PAUSE_SECONDS = 0.05
OPENING_LOCK = 7_744_110  # any number that nobody else locks in this database
POSTGRESQL = ("postgres", "postgresql")  # as people write it; SQLAlchemy would take psycopg2
GIVE_WAY = ("40P01", "40001")  # deadlock, serialization failure: the same again will do
GIVE_WAY_TIMES = 6
GROUP = 64  # pieces of work in one transaction at most


@dataclass(slots=True)
class _Piece:
    work: Callable[[Connection], Any]
    done: Future[Any]


class Ledger:
    """The open ledger of this process."""

    def __init__(self, engine: Engine, url: str) -> None:
        self.url = url
        self._engine = engine
        self._queue: queue.SimpleQueue[_Piece | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._serve, name="ledger", daemon=True)
        self._thread.start()

    async def do(self, work: Callable[..., T], *arguments: Any, **keywords: Any) -> T:
        """Return `work(connection, *arguments, **keywords)`, done in a transaction and durable."""
        return await asyncio.wrap_future(self._put(work, arguments, keywords))

    def do_now(self, work: Callable[..., T], *arguments: Any, **keywords: Any) -> T:
        """The same for code outside an event loop; blocks until it is durable."""
        return self._put(work, arguments, keywords).result()

    def post(self, work: Callable[..., Any], *arguments: Any, **keywords: Any) -> None:
        """Queue work whose outcome nobody waits for; `close` still does it."""
        self._put(work, arguments, keywords)

    def close(self) -> None:
        """Finish what is queued and close the connection."""
        self._queue.put(None)
        self._thread.join()
        self._engine.dispose()

    def _put(
        self, work: Callable[..., T], arguments: tuple[Any, ...], keywords: dict[str, Any]
    ) -> Future[T]:
        done: Future[T] = Future()
        self._queue.put(_Piece(lambda connection: work(connection, *arguments, **keywords), done))
        return done

    def _serve(self) -> None:
        try:
            self._work()
        except BaseException as error:  # the connection is gone for good: nobody may wait for ever
            while (piece := self._queue.get()) is not None:
                _finish(piece.done, error=_readable(error, self.url))

    def _work(self) -> None:
        with self._engine.connect() as connection:
            while (first := self._queue.get()) is not None:
                group, ended = [first], False
                while len(group) < GROUP and not self._queue.empty():
                    piece = self._queue.get()
                    if piece is None:
                        ended = True
                        break
                    group.append(piece)
                self._settle(connection, group)
                if ended:
                    return

    def _settle(self, connection: Connection, group: list[_Piece]) -> None:
        # A piece may be done twice, when the answer to a commit was lost with its connection: each
        # is written so that it does nothing the second time (settling twice, recording one job).
        try:
            results = _in_transaction(connection, group)
        except BaseException as error:
            if len(group) == 1:
                _finish(group[0].done, error=_readable(error, self.url))
                return
            for piece in group:
                self._settle(connection, [piece])
            return
        for piece, result in zip(group, results, strict=True):
            _finish(piece.done, result=result)


def _in_transaction(connection: Connection, group: list[_Piece]) -> list[Any]:
    for left in reversed(range(GIVE_WAY_TIMES)):
        try:
            with connection.begin():
                return [piece.work(connection) for piece in group]
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) not in GIVE_WAY or not left:
                raise
        time.sleep(random.uniform(0.5, 1.5) * BUSY_PAUSE_SECONDS)
    raise AssertionError("unreachable: the last try returns or raises")


def _finish(done: Future[Any], result: Any = None, error: BaseException | None = None) -> None:
    # A waiter that was cancelled meanwhile has gone; what it asked for is written all the same,
    # since a job id that arrived must never be dropped.
    if not done.set_running_or_notify_cancel():
        return
    if error is not None:
        done.set_exception(error)
    else:
        done.set_result(result)


def _readable(error: BaseException, url: str) -> BaseException:
    if isinstance(error, DBAPIError) and not isinstance(error, IntegrityError):
        reason = str(error.orig).splitlines()[0]
        return SetupError(f"The ledger {shown_url(url)} cannot be used: {reason}.")
    return error


def open_ledger(url: str) -> Ledger:
    """Open the ledger at `url`, creating it when it is not there.

    Raises:
        SetupError: it cannot be opened, or a newer mediaflows has written it.
    """
    engine = _engine(url)
    try:
        with engine.begin() as connection:
            if connection.dialect.name == "postgresql":  # several processes may create it at once
                connection.execute(select(func.pg_advisory_xact_lock(OPENING_LOCK)))
            found = _schema_version(connection)
            if found is not None and found > SCHEMA_VERSION:
                raise _written_by_a_newer(url, found)
            _bring_up_to_date(connection, found)
    except SQLAlchemyError as error:
        engine.dispose()
        reason = str(getattr(error, "orig", None) or error).splitlines()[0]
        raise SetupError(f"The ledger {shown_url(url)} cannot be opened: {reason}.") from None
    except SetupError:
        engine.dispose()  # an open connection would leave its -wal and -shm files behind
        raise
    return Ledger(engine, url)


def _schema_version(connection: Connection) -> int | None:
    """Return the version of the schema that is there, or None in an empty database."""
    if not inspect(connection).has_table(meta.name):
        return None
    query = select(meta.c.value).where(meta.c.name == "schema_version")
    return int(connection.execute(query).scalar_one())


def _bring_up_to_date(connection: Connection, found: int | None) -> None:
    if found == SCHEMA_VERSION:
        return
    for version in range(found + 1, SCHEMA_VERSION + 1) if found else ():
        for statement in MIGRATIONS[version]:
            connection.execute(text(statement))
    metadata.create_all(connection)
    connection.execute(delete(meta).where(meta.c.name == "schema_version"))
    connection.execute(insert(meta).values(name="schema_version", value=str(SCHEMA_VERSION)))


def _written_by_a_newer(url: str, found: int) -> SetupError:
    return SetupError(
        f"The ledger {shown_url(url)} has schema {found}, this mediaflows reads up to "
        f"{SCHEMA_VERSION}: install the newer mediaflows that wrote it, or set MEDIAFLOWS_HOME "
        "to another folder."
    )


def shown_url(url: str) -> str:
    """Return where a ledger is, as people read it: a path, or a URL without its password."""
    parsed = make_url(url)
    return parsed.database or url if parsed.drivername.startswith("sqlite") else repr(parsed)


def _engine(url: str) -> Engine:
    try:
        parsed = make_url(url)
        if parsed.drivername in POSTGRESQL:
            parsed = parsed.set(drivername="postgresql+psycopg")
        if not parsed.drivername.startswith("sqlite"):
            return create_engine(parsed, pool_size=1, pool_pre_ping=True)
    except SQLAlchemyError as error:
        raise SetupError(f"MEDIAFLOWS_LEDGER_URL: {error}") from None
    except ModuleNotFoundError as error:
        raise SetupError(
            f"MEDIAFLOWS_LEDGER_URL needs the package {error.name!r}: for PostgreSQL install "
            "mediaflows[postgresql]."
        ) from None
    if parsed.database:
        try:
            Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SetupError(f"The ledger's folder cannot be made: {error}.") from None
    engine = create_engine(
        parsed,
        connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False},
    )
    event.listen(engine, "connect", _prepare_sqlite)
    # Not by an event: one listener on the engine makes every statement look for listeners.
    engine.dialect.do_begin = _begin_immediate  # type: ignore[method-assign]
    return engine


def _prepare_sqlite(connection: Any, record: Any) -> None:
    # sqlite3 would begin a transaction by itself, and late: a read that turns into a write in the
    # middle of a transaction fails at once with "database is locked", whatever the time-out.
    connection.isolation_level = None
    _write_ahead(connection)
    connection.execute("PRAGMA synchronous=FULL")


def _write_ahead(connection: Any) -> None:
    """Turn on the write-ahead log, once for each database.

    Turning it on does not wait as statements do: of eight processes that opened a new ledger at
    once, some were told "database is locked" (2026-11-21).
    """
    last = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError:
            if time.monotonic() > last:
                raise
        time.sleep(random.uniform(0.5, 1.5) * BUSY_PAUSE_SECONDS)


def _begin_immediate(dbapi_connection: PoolProxiedConnection) -> None:
    dbapi_connection.cursor().execute("BEGIN IMMEDIATE")
