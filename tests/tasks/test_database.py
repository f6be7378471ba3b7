"""Opening the ledger and working on it while others do, and what is said when it cannot be used."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, insert, text
from sqlalchemy.exc import IntegrityError

from providers.errors import SetupError
from tasks.ledger import Ledger, open_ledger, shown_url
from tasks.ledger.address import parse_url
from tasks.ledger.schema import requests

KEPT = "database is locked. Another process has kept it for"


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'ledger.db'}"


@pytest.fixture
def ledger(url: str) -> Iterator[Ledger]:
    opened = open_ledger(url)
    yield opened
    opened.close()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The database waits 0.05 s for a lock, and we 0.5 s in all."""
    monkeypatch.setattr("tasks.ledger.database.WAIT_SECONDS", 0.05)
    monkeypatch.setattr("tasks.ledger.database.BUSY_SECONDS", 0.5)
    monkeypatch.setattr("tasks.ledger.writer.BUSY_SECONDS", 0.5)


def file_of(url: str) -> str:
    return str(parse_url(url).database)


@contextmanager
def kept(url: str, how: str = "IMMEDIATE") -> Iterator[sqlite3.Connection]:
    """Be another process that keeps the ledger locked."""
    connection = sqlite3.connect(file_of(url), isolation_level=None, check_same_thread=False)
    try:
        connection.execute(f"BEGIN {how}")
        yield connection
    finally:
        connection.close()


@contextmanager
def kept_for(seconds: float, url: str, how: str = "IMMEDIATE") -> Iterator[None]:
    with kept(url, how) as connection:
        timer = threading.Timer(seconds, connection.close)
        timer.start()
        yield
        timer.join()


def remember(connection: Connection, key: str) -> str:
    connection.execute(insert(requests).values(key=key, fields="{}"))
    return key


def remembering(number: int) -> list[Callable[[Connection], str]]:
    return [partial(remember, key=f"k{index}") for index in range(number)]


def count(connection: Connection) -> int:
    return int(connection.execute(text("SELECT count(*) FROM requests")).scalar_one())


def together(ledger: Ledger, *works: Callable[[Connection], Any]) -> list[Any]:
    """Do pieces of work in one transaction; return what each came to, an error as it was raised."""
    go = threading.Event()
    ledger.post(lambda connection: go.wait(10))  # what is queued meanwhile is one group
    pieces = [ledger._put(work, (), {}) for work in works]
    go.set()
    return [piece.exception(20) or piece.result() for piece in pieces]


# Opening


def test_a_ledger_that_another_process_is_making_is_waited_for(url: str, impatient: None) -> None:
    open_ledger(url).close()
    with closing(sqlite3.connect(file_of(url))) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")  # as a new file is
    with kept_for(0.2, url, "EXCLUSIVE"):
        open_ledger(url).close()


def test_a_ledger_that_is_never_given_back_is_one_line(url: str, impatient: None) -> None:
    open_ledger(url).close()
    line = f"^The ledger .*ledger.db cannot be opened: {KEPT}"
    with kept(url), pytest.raises(SetupError, match=line):
        open_ledger(url)


def test_opening_a_ledger_twice_changes_nothing(url: str) -> None:
    open_ledger(url).close()
    before = Path(file_of(url)).read_bytes()
    open_ledger(url).close()
    assert Path(file_of(url)).read_bytes() == before


# Working on it


def test_a_lock_that_passes_reaches_nobody(ledger: Ledger, url: str, impatient: None) -> None:
    with kept_for(0.3, url):
        assert together(ledger, *remembering(3)) == ["k0", "k1", "k2"]


def test_a_lock_that_stays_is_one_line_for_all_and_the_next_piece_is_done(
    url: str, impatient: None
) -> None:
    ledger = open_ledger(url)
    began = time.monotonic()
    with kept(url):
        errors = together(ledger, *remembering(20))
    assert time.monotonic() - began < 5  # not one after the other
    assert {type(error) for error in errors} == {SetupError}
    assert str(errors[0]).startswith(f"The ledger {shown_url(url)} cannot be used: {KEPT}")
    assert ledger.do_now(remember, "later") == "later"
    assert ledger.do_now(count) == 1
    ledger.close()


def test_a_piece_that_breaks_a_rule_of_the_database_hurts_no_other_of_its_transaction(
    ledger: Ledger,
) -> None:
    ledger.do_now(remember, "there")
    first, second, third = together(
        ledger,
        *(partial(remember, key=key) for key in ("a", "there", "b")),
    )
    assert (first, third) == ("a", "b")
    assert isinstance(second, IntegrityError)
    assert ledger.do_now(count) == 3


# Where it cannot be written

WRITE_FAILED = "disk I/O error (SQLITE_IOERR_WRITE): its disk is full, or broken."
LIMITED = """
import resource, signal, sys
from sqlalchemy import text
from tasks.ledger import open_ledger
from tests.tasks.test_database import remember

def say(do, *arguments):
    try:
        print(do(*arguments))
    except Exception as error:
        print(f"{type(error).__name__}: {error}")

def allow(size):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
ledger = open_ledger(sys.argv[1])
allow(5000)
say(ledger.do_now, remember, "a" * 9000)
say(open_ledger, sys.argv[1] + ".new")
allow(resource.RLIM_INFINITY)
say(ledger.do_now, remember, "b")
ledger.close()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no limits there")
def test_a_disk_that_is_full_is_one_line_and_the_ledger_goes_on_when_there_is_room(
    url: str,
) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", LIMITED, url],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    file = file_of(url)
    assert ran.stdout.replace("SHMSIZE", "WRITE").splitlines() == [
        f"SetupError: The ledger {file} cannot be used: {WRITE_FAILED}",
        f"SetupError: The ledger {file}.new cannot be opened: {WRITE_FAILED}",
        "b",
    ], ran.stderr


def test_a_disk_that_is_full_by_the_databases_own_word_is_one_line(ledger: Ledger) -> None:
    ledger.do_now(lambda connection: connection.execute(text("PRAGMA max_page_count=1")))
    with pytest.raises(SetupError, match=r"cannot be used: database or disk is full\.$"):
        for number in range(50):
            ledger.do_now(remember, f"{number}" * 4000)
    assert ledger.do_now(count) < 50


def test_a_folder_that_may_not_be_written_says_so(url: str) -> None:
    Path(file_of(url)).mkdir()
    with pytest.raises(
        SetupError, match=r"\. The file and its folder must be there and writable\.$"
    ):
        open_ledger(url)


# Its address


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg2"])
def test_a_postgresql_url_of_any_spelling_is_that_of_the_driver_we_have(scheme: str) -> None:
    found = parse_url(f"{scheme}://me:secret@db.example:5433/media?sslmode=require")
    assert found.drivername == "postgresql+psycopg"
    assert (found.password, found.port, found.query["sslmode"]) == ("secret", 5433, "require")


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:secret@db.example/media",
        "postgresql://db.example/media?user=me&password=secret",
        "postgres://me:secret@db.example/media?sslpassword=secret",
    ],
)
def test_a_password_is_not_shown(url: str) -> None:
    shown = shown_url(url)
    assert "secret" not in shown
    assert "db.example" in shown


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:sec@ret@db.example/media",
        "postgresql://me:secret@db.example:port/media",
        "mysql://me:secret@db.example/media",
        "secret",
    ],
)
def test_a_url_that_cannot_be_read_is_one_line_without_its_password(url: str) -> None:
    with pytest.raises(SetupError, match=r"^MEDIAFLOWS_LEDGER_URL ") as caught:
        open_ledger(url)
    assert "ret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_without_the_driver_the_error_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(SetupError, match=r"install mediaflows\[postgresql\]\.$"):
        open_ledger("postgresql://me:secret@db.example/media")


def test_a_server_that_is_not_there_is_one_line_at_once() -> None:
    began = time.monotonic()
    with pytest.raises(SetupError, match=r"^The ledger postgresql\+psycopg://me:\*\*\*@") as caught:
        open_ledger("postgresql://me:secret@127.0.0.1:9/media")
    assert "refused" in str(caught.value)
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)
    assert time.monotonic() - began < 5
