"""Work on the ledger: one thread per process owns one connection.

Work that is waiting when the thread comes round is done in one transaction: under load that is one
sync to disk for many attempts. If any piece fails the transaction is rolled back and each piece is
done in a transaction of its own.

Processes take turns: on both databases one transaction is at work at a time. What passes by itself
(another's turn, a deadlock, a server that restarts) is tried again for BUSY_SECONDS.
"""

from __future__ import annotations

import asyncio
import queue
import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, RootTransaction
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError

from providers.errors import SetupError
from tasks.ledger.address import shown_url
from tasks.ledger.dialect import has_committed, is_busy, is_lost, reason, take_turn

T = TypeVar("T")

BUSY_SECONDS = 60.0
PAUSE_SECONDS = 0.05  # before the second try; then twice as long each time, up to
LONGEST_PAUSE_SECONDS = 2.0
GROUP = 64  # pieces of work in one transaction at most


@dataclass(slots=True)
class _Piece:
    work: Callable[[Connection], Any]
    done: Future[Any]
    since: float = field(default_factory=time.monotonic)


class _NotToBeHad(Exception):
    """The ledger as a whole cannot be used now: no piece would fare better alone."""


class Ledger:
    """The open ledger of this process."""

    def __init__(self, engine: Engine, url: str) -> None:
        self.url = url
        self._engine = engine
        self._connection: Connection | None = None
        self._queue: queue.SimpleQueue[_Piece | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._serve, name="ledger", daemon=True)
        self._thread.start()

    async def do(self, work: Callable[..., T], *arguments: Any, **keywords: Any) -> T:
        """Return `work(connection, *arguments, **keywords)`, done in a transaction and durable.

        Raises:
            SetupError: the ledger could not be used for BUSY_SECONDS, or was no longer writable.
        """
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
        while group := self._next_group():
            self._settle(group)
        self._disconnect()

    def _next_group(self) -> list[_Piece]:
        """Wait for work; return what is queued, or nothing once the ledger is to be closed."""
        group: list[_Piece] = []
        while len(group) < GROUP and not (group and self._queue.empty()):
            piece = self._queue.get()
            if piece is None:
                if group:
                    self._queue.put(None)  # read again when this group is done
                break
            group.append(piece)
        return group

    def _settle(self, group: list[_Piece]) -> None:
        try:
            results = self._write(group)
        except _NotToBeHad as error:
            for piece in group:
                _finish(piece.done, error=SetupError(str(error)))
        except BaseException as error:
            if len(group) == 1:
                _finish(group[0].done, error=_readable(error, self.url))
                return
            for piece in group:
                self._settle([piece])
        else:
            for piece, result in zip(group, results, strict=True):
                _finish(piece.done, result=result)

    def _write(self, group: list[_Piece]) -> list[Any]:
        """Return the results of a group, done in one transaction."""
        until = max(piece.since for piece in group) + BUSY_SECONDS
        try:
            return patiently(lambda: self._transact(group, until), self._passes, until)
        except DBAPIError as error:
            if self._passes(error):
                raise _NotToBeHad(str(unusable(error, self.url))) from None
            raise

    def _transact(self, group: list[_Piece], until: float) -> list[Any]:
        connection = self._connected()
        transaction = connection.begin()
        try:
            number = take_turn(connection)
            results = [piece.work(connection) for piece in group]
        except BaseException:
            self._roll_back(transaction)
            raise
        try:
            transaction.commit()
        except DBAPIError as error:
            self._disconnect()  # a COMMIT that failed may have left its transaction open
            # An answer to COMMIT that is lost says nothing. To write it again might count twice, to
            # report a failure might pay twice: the database is asked what became of it.
            if number is None or not is_lost(error) or not self._was_written(number, until):
                raise
        return results

    def _was_written(self, number: str, until: float) -> bool:
        def ask() -> bool:
            connection = self._connected()
            with connection.begin():
                take_turn(connection)  # the other transaction's, if it goes on, is over now
                return has_committed(connection, number)

        try:
            return patiently(ask, self._passes, until)
        except DBAPIError as error:
            raise _NotToBeHad(
                f"The ledger {shown_url(self.url)} was lost while it was written, and whether it "
                f"was is not known: {reason(error)}."
            ) from None

    def _roll_back(self, transaction: RootTransaction) -> None:
        try:
            transaction.rollback()
        except SQLAlchemyError:
            self._disconnect()

    def _passes(self, error: DBAPIError) -> bool:
        if is_lost(error):
            self._disconnect()
            return True
        return is_busy(error)

    def _connected(self) -> Connection:
        if self._connection is None:
            self._connection = self._engine.connect()
        return self._connection

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.invalidate()
            connection.close()


def patiently(do: Callable[[], T], passes: Callable[[DBAPIError], bool], until: float) -> T:
    """Return what `do` returns, tried again until then while its error is one that passes."""
    pause = PAUSE_SECONDS
    while True:
        try:
            return do()
        except DBAPIError as error:
            if not passes(error) or time.monotonic() > until:
                raise
        time.sleep(random.uniform(0.5, 1.5) * pause)
        pause = min(2 * pause, LONGEST_PAUSE_SECONDS)


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
        return unusable(error, url)
    return error


def unusable(error: DBAPIError, url: str, what: str = "used") -> SetupError:
    """Return what a person is told when the database has refused."""
    why = reason(error)
    if is_busy(error):
        why += f". Another process has kept it for {BUSY_SECONDS:.0f} s: is one of them stopped?"
    return SetupError(f"The ledger {shown_url(url)} cannot be {what}: {why}.")
