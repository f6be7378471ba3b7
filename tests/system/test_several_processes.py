"""Several processes at one table, some of them killed: every request is accepted once in all."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tasks.home import Home
from tasks.ledger import lookup
from tasks.ledger.attempt import Attempt
from tests.core.children import Children
from tests.core.plain import opened, write_table
from tests.scripted import Script
from tests.system.postgres import PROGRAMS, Postgres, running

pytestmark = [pytest.mark.system(*PROGRAMS), pytest.mark.timeout(180)]

ROWS = 12
OPENERS = Path(__file__).with_name("openers.py")
DATABASES = ("sqlite", "postgresql")


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with running() as started:
        yield started
        assert "deadlock" not in started.log()


@pytest.fixture(params=DATABASES)
def children(
    request: pytest.FixtureRequest, home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Children]:
    """Processes with a new ledger, a table and a vendor in common."""
    if request.param == "postgresql":
        url = request.getfixturevalue("server").new_database()
        monkeypatch.setenv("MEDIAFLOWS_LEDGER_URL", url)
    rows = {f"p{number:02}": f"product {number}" for number in range(ROWS)}
    started = Children(write_table(tmp_path / "table.csv", rows), tmp_path / "invoice.jsonl")
    yield started
    for child in started.all:
        if child.poll() is None:
            child.kill()
        child.communicate()


def accepted(children: Children) -> Counter[str]:
    """How often the vendor has accepted each body, from any process."""
    invoice = Script(log=children.invoice).invoice()
    return Counter(f"{line['endpoint']} {line['body']}" for line in invoice)


def attempts() -> list[Attempt]:
    """Every attempt of every process."""
    ledger = opened()
    try:
        return ledger.do_now(lookup.all_attempts)
    finally:
        ledger.close()


def not_done(ends: dict[str, list[str]]) -> set[str]:
    return {row for row, (state, _) in ends.items() if state != "done"}


@pytest.mark.parametrize("count", [2, 4])
def test_processes_at_one_table_pay_for_each_request_once_in_all(
    children: Children, count: int
) -> None:
    started = [children.start(seconds=0.05) for _ in range(count)]
    for child in started:
        ends = children.end(child)
        assert len(ends) == ROWS
        assert not not_done(ends), ends
    assert Counter(accepted(children).values()) == {1: 2 * ROWS}
    sent = Counter((one.place.row, one.place.step) for one in attempts() if one.job)
    assert Counter(sent.values()) == {1: 2 * ROWS}


def test_what_killed_processes_leave_is_taken_by_the_others_and_their_runs_go_on(
    children: Children,
) -> None:
    killed = [children.start(seconds=0.3) for _ in range(2)]
    runs = [children.run_of(child) for child in killed]
    other = children.start(seconds=0.3)
    children.run_of(other)
    children.wait_for(lambda: len(accepted(children)) >= ROWS // 2)
    for child in killed:
        child.kill()
    ended = [other, *(children.start(run=run) for run in runs)]
    ends = [children.end(child) for child in ended]
    found = attempts()
    # Of a submit that was under way at the kill nobody can know: it is held, and never sent again.
    held = {one.place.row for one in found if one.state == "uncertain"}
    assert [not_done(end) for end in ends] == [held, held, held], ends
    assert set(accepted(children).values()) == {1}
    assert len(accepted(children)) >= 2 * (ROWS - len(held))
    sent = Counter((one.place.row, one.place.step) for one in found if one.job)
    assert set(sent.values()) == {1}


@pytest.mark.parametrize("database", [*DATABASES, "sqlite, not yet with a log"])
def test_processes_that_open_a_ledger_at_the_same_moment_all_have_it(
    database: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if database == "postgresql":
        server = request.getfixturevalue("server")
        urls = [server.new_database() for _ in range(4)]
    else:
        urls = [f"sqlite:///{tmp_path / f'{number}.db'}" for number in range(8)]
    if "not yet" in database:
        for number in range(8):
            with closing(sqlite3.connect(tmp_path / f"{number}.db")) as connection:
                connection.execute("CREATE TABLE other (a)")
    ran = subprocess.run(
        [sys.executable, str(OPENERS), *urls],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": str(OPENERS.parents[2])},
    )
    assert (ran.stdout, ran.stderr, ran.returncode) == ("", "", 0)
