"""A key is sent to its vendor and nowhere else: no file, no log and no message holds it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from flows.frozen import runs_folder
from tasks.home import Home
from tests.core.plain import Ran, opened, resume, start
from tests.rehearsal.conftest import Launch, MakeRows

pytestmark = pytest.mark.system  # the sandbox is a server

ITS_OWN = ("sandbox.json", "server.json")  # where the sandbox itself keeps the keys it accepts


def files_with(words: Iterable[str], *folders: Path) -> list[str]:
    """The files below these folders that hold one of the words."""
    wanted = [word.encode() for word in words]
    return [
        path.name
        for folder in folders
        for path in folder.rglob("*")
        if path.is_file() and any(word in path.read_bytes() for word in wanted)
    ]


def said_by(*ran: Ran) -> str:
    """Every message that a person may see of these runs."""
    messages = [line["reason"] for one in ran for line in one.results.values()]
    messages += [str(attempt.error) for one in ran for attempt in one.attempts]
    return "\n".join([*messages, *(repr(one) for one in ran)])


async def test_no_key_is_written_down_on_a_hostile_day(
    home: Home,
    deadline: Callable[[float], None],
    launch: Launch,
    make_rows: MakeRows,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    deadline(1)
    sandbox = launch("hostile", 5)
    secrets = {word for key in sandbox.keys.values() for word in (key, key.rpartition("-")[2])}
    assert len(secrets) == 8
    ledger = opened()  # while it is open, what was written last stands in a file of its own
    try:
        ran = await start(make_rows(8), sandbox="hostile", breaker=False)
        again = await resume(ran.run)
        assert any(attempt.error for attempt in again.attempts), "nothing has gone wrong"
        assert (home.folder / "ledger.db-wal").stat().st_size > 0
        known = files_with(secrets, home.folder, runs_folder())
    finally:
        ledger.close()
    assert sorted(known) == sorted(ITS_OWN)
    told = "".join([caplog.text, *capfd.readouterr(), said_by(ran, again), repr(sandbox)])
    assert not [word for word in secrets if word in told]


async def test_a_key_that_is_turned_away_is_not_written_down_either(
    home: Home,
    launch: Launch,
    make_rows: MakeRows,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    sandbox = launch("fast", 1)
    key = "nobody-knows-0f9e8d7c6b5a"
    monkeypatch.setenv("FAL_KEY", key)
    ran = await start(make_rows(2), sandbox="fast", provider=("fal",))
    assert ran.totals.states == {"failed": 2}
    assert all("FAL_KEY" in line["reason"] for line in ran.results.values())
    assert sandbox.invoice() == []
    assert files_with([key], home.folder, runs_folder()) == []
    assert key not in "".join([caplog.text, *capfd.readouterr(), said_by(ran)])
