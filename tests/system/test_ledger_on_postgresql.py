"""The ledger on PostgreSQL: the checks of the SQLite one, and servers and connections that go away."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from sqlalchemy import Connection, text

from providers.errors import SetupError
from tasks.ledger import Ledger, open_ledger
from tasks.ledger.schema import metadata
from tests.system.postgres import PROGRAMS, Postgres, running
from tests.tasks import test_budget, test_database, test_ledger, test_runs
from tests.tasks.test_database import count, remember, remembering, together

pytestmark = pytest.mark.system(*PROGRAMS)

# What holds on both databases is said once, in tests/tasks; these are about SQLite or its file.
OF_SQLITE = {
    "test_the_ledger_is_durable_and_waits_for_other_writers",
    "test_a_newer_schema_is_refused_and_left_as_it_is",
    "test_a_file_that_is_no_database_is_one_line",
    "test_a_folder_that_cannot_be_made_is_one_line",
    "test_a_folder_in_place_of_the_ledger_is_one_line",
    "test_a_folder_that_may_not_be_written_is_one_line",
    "test_a_ledger_that_goes_read_only_is_one_line",
    "test_a_url_that_is_none_is_one_line",
}
globals().update(
    {
        name: check
        for module in (test_ledger, test_runs, test_budget)
        for name, check in vars(module).items()
        if name.startswith("test_") and name not in OF_SQLITE
    }
)
test_a_piece_that_breaks_a_rule = (
    test_database.test_a_piece_that_breaks_a_rule_of_the_database_hurts_no_other_of_its_transaction
)


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with running() as started:
        yield started


@pytest.fixture(scope="module")
def url(server: Postgres) -> str:
    return server.new_database()


@pytest.fixture(scope="module")
def ledger(url: str) -> Iterator[Ledger]:
    opened = open_ledger(url)
    yield opened
    opened.close()


@pytest.fixture(autouse=True)
def emptied(ledger: Ledger) -> None:
    names = ", ".join(table.name for table in metadata.sorted_tables if table.name != "meta")
    ledger.do_now(lambda connection: connection.execute(text(f"TRUNCATE {names}")))


def once(what: Callable[[Connection], Any], then: Callable[[Connection], Any]) -> Any:
    """Return a piece of work that does `what` before `then`, the first time only."""
    still = [what]

    def work(connection: Connection) -> Any:
        if still:
            still.pop()(connection)
        return then(connection)

    return work


def fail(state: str) -> Callable[[Connection], Any]:
    """Return work that fails with this SQLSTATE."""
    return lambda connection: connection.exec_driver_sql(
        f"DO $$ BEGIN RAISE EXCEPTION 'as scripted' USING ERRCODE = '{state}'; END $$"
    )


def end_session(connection: Connection) -> None:
    connection.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))


def lose_next_commit(ledger: Ledger, monkeypatch: pytest.MonkeyPatch, *, is_written: bool) -> None:
    """Break the connection at the next COMMIT, before or after the server has done it."""
    dialect = ledger._engine.dialect
    commit = dialect.do_commit

    def lose(connection: Any) -> None:
        monkeypatch.setattr(dialect, "do_commit", commit)
        if is_written:
            commit(connection)
        connection.dbapi_connection.close()
        raise psycopg.OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr(dialect, "do_commit", lose)


@pytest.mark.parametrize("state", ["40P01", "40001"])
def test_a_deadlock_or_a_failed_serialization_reaches_nobody(ledger: Ledger, state: str) -> None:
    works = [once(fail(state), work) for work in remembering(3)]
    assert together(ledger, *works) == ["k0", "k1", "k2"]
    assert ledger.do_now(count) == 3


def test_work_whose_connection_breaks_is_done_on_another_one(ledger: Ledger) -> None:
    first, second = remembering(2)
    assert together(ledger, first, once(end_session, second)) == ["k0", "k1"]
    assert ledger.do_now(count) == 2


@pytest.mark.parametrize("is_written", [True, False], ids=["written", "not written"])
def test_work_is_done_once_when_the_answer_to_its_commit_is_lost(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch, is_written: bool
) -> None:
    lose_next_commit(ledger, monkeypatch, is_written=is_written)
    assert ledger.do_now(remember, "a") == "a"  # a second time it would break a rule
    assert ledger.do_now(count) == 1


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT], ids=["stopped", "crashed"])
def test_a_server_that_is_started_anew_is_waited_for(
    ledger: Ledger, server: Postgres, how: signal.Signals
) -> None:
    ledger.do_now(remember, "before")
    server.stop(how)
    pieces = [ledger._put(work, (), {}) for work in remembering(3)]
    time.sleep(0.3)
    server.start()
    assert [piece.result(20) for piece in pieces] == ["k0", "k1", "k2"]
    assert ledger.do_now(count) == 4


def test_a_server_that_stays_away_is_one_line_and_the_next_piece_is_done(
    ledger: Ledger, server: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.ledger.writer.BUSY_SECONDS", 0.5)
    server.stop()
    began = time.monotonic()
    errors = together(ledger, *remembering(20))
    assert time.monotonic() - began < 5  # not one after the other
    server.start()
    assert {type(error) for error in errors} == {SetupError}
    line = str(errors[0])
    assert line.startswith("The ledger postgresql+psycopg://mediaflows:***@/")
    assert " cannot be used: " in line
    assert "\n" not in line
    assert ledger.do_now(remember, "later") == "later"


def test_a_commit_of_which_nobody_can_tell_is_not_reported_as_failed_or_done(
    ledger: Ledger, server: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    lose_next_commit(ledger, monkeypatch, is_written=True)
    monkeypatch.setattr("tasks.ledger.writer.BUSY_SECONDS", 0.5)

    def go_away(connection: Connection) -> None:
        remember(connection, "a")
        monkeypatch.setattr(ledger._engine.dialect, "connect", refuse)

    def refuse(*words: Any, **more: Any) -> None:
        raise psycopg.OperationalError("connection refused")

    with pytest.raises(SetupError, match="whether it was is not known: connection refused"):
        ledger.do_now(go_away)
    monkeypatch.undo()
    assert ledger.do_now(count) == 1


def test_a_process_that_is_frozen_in_its_turn_loses_it(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.ledger.database.FROZEN_SECONDS", 1)
    frozen, other = open_ledger(url), open_ledger(url)
    thaw = threading.Event()

    def freeze(connection: Connection) -> None:
        thaw.wait(20)

    piece = frozen._put(once(freeze, remembering(1)[0]), (), {})
    assert other.do_now(remember, "other") == "other"
    assert not thaw.is_set()
    thaw.set()
    assert piece.result(20) == "k0"
    assert other.do_now(count) == 2
    frozen.close()
    other.close()


def test_a_ledger_that_may_not_be_made_is_one_line_without_the_password(url: str) -> None:
    with pytest.raises(SetupError, match='role "stranger" does not exist') as e:
        open_ledger(url.replace("mediaflows:", "stranger:"))
    assert "secret" not in str(e.value)
    assert "\n" not in str(e.value)
