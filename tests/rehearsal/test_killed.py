"""The command is killed at a moment that only its vendor can see, and run again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from flows.options import RunOptions
from flows.sandboxed import sandbox_folder, sandboxed
from providers.sandbox.process import RunningSandbox, find_sandbox
from tasks.home import Home
from tasks.ledger import runs
from tests.core.plain import opened, resume
from tests.rehearsal.accounts import (
    bodies,
    require_a_line_for_each,
    require_media_on_disk,
    require_named_ends,
)
from tests.rehearsal.conftest import MakeRows

pytestmark = pytest.mark.system  # the sandbox is a server

CHILD = Path(__file__).with_name("child.py")
ROOT = Path(__file__).parents[2]
SECONDS = 40  # no child may take longer


def found(home: Home) -> RunningSandbox:
    sandbox = find_sandbox(sandbox_folder(home, "fast"))
    assert sandbox is not None, "the sandbox is gone"
    return sandbox


def killed_at(home: Home, table: Path, point: str, nth: int) -> RunningSandbox:
    """Start a command in a sandbox of its own, and let the sandbox kill it at that point."""
    child = subprocess.Popen(
        [sys.executable, str(CHILD), str(table), "fast"],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    try:
        seen = os.waitid(os.P_PID, child.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
        assert seen is not None and seen.si_code == os.CLD_STOPPED
        sandbox = found(home)
        answer = httpx.post(
            f"http://127.0.0.1:{sandbox.port}/control/watch",
            json={"pid": child.pid, "point": point, "nth": nth},
            trust_env=False,
        )
        assert answer.status_code == 201, answer.text
        child.send_signal(signal.SIGCONT)
        _, said = child.communicate(timeout=SECONDS)
        assert child.returncode == -signal.SIGKILL, said
    finally:
        child.kill()
        child.communicate()
    return sandbox


def only_run() -> str:
    ledger = opened()
    try:
        (run,) = ledger.do_now(runs.find, "")
    finally:
        ledger.close()
    return run.id


@pytest.mark.parametrize(
    ("point", "nth", "rows"),
    [
        ("before_reply", 2, 3),
        ("after_reply", 1, 1),
        ("poll", 2, 3),
        ("download", 2, 1),
    ],
)
@pytest.mark.usefixtures("no_sandbox_is_left")
async def test_a_killed_command_is_resumed_and_pays_for_nothing_twice(
    home: Home, make_rows: MakeRows, point: str, nth: int, rows: int
) -> None:
    sandbox = killed_at(home, make_rows(rows), point, nth)
    assert found(home).pid == sandbox.pid  # what kills the command does not kill its vendor
    billed = sandbox.invoice()
    assert billed
    with sandboxed(RunOptions(sandbox="fast"), home):
        ran = await resume(only_run())
        again = await resume(ran.run)
    assert (found(home).id, found(home).pid) == (sandbox.id, sandbox.pid)
    lines = sandbox.invoice()
    require_named_ends(ran, rows)
    require_a_line_for_each(ran.attempts, lines)
    require_media_on_disk(ran)
    assert {line["job"] for line in billed} <= {line["job"] for line in lines}
    assert set(bodies(lines).values()) == {1}
    held = {attempt.place.row for attempt in ran.attempts if attempt.state == "uncertain"}
    assert {row for row, state in ran.states.items() if state == "parked"} == held
    assert set(ran.states.values()) <= {"done", "parked"}
    assert [(a.id, a.state, a.outcome) for a in again.attempts] == [
        (a.id, a.state, a.outcome) for a in ran.attempts
    ]
    if point == "before_reply":
        assert held  # it was accepted, and nobody here knows as what
    elif rows == 1 and point != "after_reply":
        assert ran.states == {"p00": "done"} and len(lines) == 2
