"""Owners: which processes live, whatever the clocks say."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from sqlalchemy import update

from tasks.ledger import Ledger, open_ledger, owners
from tasks.ledger.schema import owners as owners_rows


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = open_ledger(f"sqlite:///{tmp_path / 'ledger.db'}")
    yield opened
    opened.close()


def is_alive(ledger: Ledger, owner: owners.Owner) -> bool:
    return ledger.do_now(owners.is_alive, owner.id)


def registered(ledger: Ledger, **changes: object) -> owners.Owner:
    owner = replace(owners.this_process(), **changes)  # type: ignore[arg-type]
    ledger.do_now(owners.register, owner)
    return owner


def test_a_live_owner_is_alive_after_the_clock_was_set(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = registered(ledger)
    monkeypatch.setattr(psutil.Process, "create_time", lambda process: 86_400.0)
    assert is_alive(ledger, owner)


def test_a_killed_child_that_nobody_has_waited_for_is_dead(ledger: Ledger) -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    owner = registered(ledger, pid=child.pid, process_started=owners._started(child.pid))
    assert is_alive(ledger, owner)
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert not is_alive(ledger, owner)
    child.communicate()


def test_an_owner_that_has_come_to_its_end_is_forgotten(ledger: Ledger) -> None:
    owner = registered(ledger)
    ledger.do_now(owners.forget, owner)
    assert not is_alive(ledger, owner)


def test_a_ledger_that_was_moved_to_another_machine_has_only_dead_owners(ledger: Ledger) -> None:
    owner = registered(ledger, host="elsewhere/1234")
    beat(ledger, owner, -owners.STALE_SECONDS - 1)
    assert not is_alive(ledger, owner)


def test_a_heartbeat_out_of_the_future_does_not_keep_an_owner_alive(ledger: Ledger) -> None:
    owner = registered(ledger, host="elsewhere/1234")
    beat(ledger, owner, 3600.0)
    assert not is_alive(ledger, owner)


def test_after_a_restart_of_this_machine_its_processes_are_others(ledger: Ledger) -> None:
    name = owners.this_process().host.split("/")[0]
    owner = registered(ledger, host=f"{name}/another-boot")
    beat(ledger, owner, -owners.STALE_SECONDS - 1)
    assert not is_alive(ledger, owner)


def test_another_container_on_this_machine_has_processes_of_its_own(ledger: Ledger) -> None:
    machine = owners.this_process().host.rpartition("/")[0]
    owner = registered(ledger, host=f"{machine}/pid:[1]", process_started=1.0)
    assert is_alive(ledger, owner)
    beat(ledger, owner, -owners.STALE_SECONDS - 1)
    assert not is_alive(ledger, owner)


@pytest.mark.skipif(sys.platform != "linux", reason="the name stands where Linux shows its state")
def test_a_process_lives_whatever_its_name_is(ledger: Ledger, tmp_path: Path) -> None:
    program = tmp_path / "a) Z 1 (b"
    shutil.copy(str(shutil.which("sleep")), program)
    with subprocess.Popen([program, "60"]) as child:
        owner = registered(ledger, pid=child.pid, process_started=owners._started(child.pid))
        assert is_alive(ledger, owner)
        child.kill()


def beat(ledger: Ledger, owner: owners.Owner, seconds: float) -> None:
    """Move an owner's heartbeat by so much."""
    ledger.do_now(
        lambda connection: connection.execute(
            update(owners_rows)
            .where(owners_rows.c.id == owner.id)
            .values(heartbeat=owners_rows.c.heartbeat + seconds)
        )
    )
