"""Two and four processes at one table, some of them killed: every request is accepted once in all."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import pytest

from tasks.home import Home
from tasks.ledger import lookup, open_ledger
from tests.core.children import Children
from tests.core.plain import opened, write_table
from tests.scripted import Script
from tests.system.conftest import program

pytestmark = [pytest.mark.system("postgres", "initdb"), pytest.mark.timeout(150)]

ROWS = 16


def as_postgres() -> dict[str, str]:
    """PostgreSQL refuses to run as root."""
    return {"user": "postgres", "group": "postgres"} if os.geteuid() == 0 else {}


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The folder of the socket of a PostgreSQL server."""
    folder = Path(tempfile.mkdtemp(prefix="mediaflows-pg-"))
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres", "postgres")
    data, words = folder / "data", as_postgres()
    subprocess.run(
        [str(program("initdb")), "-D", data, "-U", "postgres", "-A", "trust", "--no-sync"],
        check=True,
        capture_output=True,
        cwd=folder,
        **words,  # type: ignore[call-overload]
    )
    command = [str(program("postgres")), "-D", data, "-k", folder, "-h", "", "-F"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder, **words)  # type: ignore[call-overload]
    try:
        yield str(folder)
    finally:
        process.terminate()
        process.wait(timeout=20)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=["sqlite", "postgresql"])
def shared(request: pytest.FixtureRequest, home: Home, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of a new ledger, in force for this process and those that it starts."""
    if request.param == "sqlite":
        return home.ledger_url
    import psycopg

    folder = request.getfixturevalue("server")
    name, until = f"t{uuid4().hex[:12]}", time.monotonic() + 20
    while time.monotonic() < until:
        with suppress(psycopg.OperationalError):
            with psycopg.connect(f"host={folder} user=postgres", autocommit=True) as connection:
                connection.execute(f"CREATE DATABASE {name}")  # type: ignore[arg-type]
            break
        time.sleep(0.1)
    url = f"postgresql://postgres@/{name}?host={folder}"
    monkeypatch.setenv("MEDIAFLOWS_LEDGER_URL", url)
    return url


@pytest.fixture
def children(shared: str, tmp_path: Path) -> Iterator[Children]:
    rows = {f"p{number:02}": f"product {number}" for number in range(ROWS)}
    started = Children(write_table(tmp_path / "table.csv", rows), tmp_path / "invoice.jsonl")
    yield started
    for child in started.all:
        child.kill()
        child.communicate()


def accepted(children: Children) -> Counter[str]:
    """How often the vendor has accepted each body."""
    invoice = Script(log=children.invoice).invoice()
    return Counter(f"{line['endpoint']} {line['body']}" for line in invoice)


def require_each_once(children: Children) -> None:
    found = accepted(children)
    assert len(found) == 2 * ROWS
    assert set(found.values()) == {1}


@pytest.mark.parametrize("count", [2, 4])
def test_processes_at_one_table_share_what_each_of_them_pays(
    children: Children, count: int
) -> None:
    started = [children.start(seconds=0.1) for _ in range(count)]
    for child in started:
        ends = children.end(child)
        assert [end for end in ends.values() if end[0] != "done"] == []
    require_each_once(children)


def test_one_that_is_killed_leaves_its_jobs_to_the_others(children: Children) -> None:
    first, second = children.start(seconds=0.3), children.start(seconds=0.3)
    children.run_of(first)
    children.wait_for(lambda: len(accepted(children)) >= 8)
    first.kill()
    ends = children.end(second)
    held = [row for row, (state, _) in ends.items() if state == "parked"]
    assert {state for state, _ in ends.values()} <= {"done", "parked"}
    assert set(accepted(children).values()) == {1}
    ledger = opened()
    try:
        uncertain = [one for one in ledger.do_now(lookup.open_attempts) if not one.job]
    finally:
        ledger.close()
    assert len(held) <= len(uncertain)


def test_processes_that_open_a_new_ledger_at_once_all_have_it(shared: str) -> None:
    code = f"from tasks.ledger import open_ledger; open_ledger({shared!r}).close()"
    root = Path(__file__).parents[2]
    started = [
        subprocess.Popen(
            [str(program("python")), "-c", code], cwd=root, stderr=subprocess.PIPE, text=True
        )
        for _ in range(6)
    ]
    for process in started:
        _, said = process.communicate(timeout=60)
        assert process.returncode == 0, said
    open_ledger(shared).close()
