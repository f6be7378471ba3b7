"""Runs that are killed, stopped, doubled or held: nothing is lost and nothing is made twice."""

from __future__ import annotations

import csv
import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from tests.seen import see

pytestmark = [pytest.mark.system("prefect", "mediaflows"), pytest.mark.timeout(300)]


def states(folder: Path) -> list[str]:
    with (folder / "results.csv").open(encoding="utf-8", newline="") as file:
        return [line["state"] for line in csv.DictReader(file)]


def test_a_killed_run_is_resumed_and_makes_nothing_twice(cli, table, api):
    words = ("batch", "small.yaml", table(4), "--local", "--yes")
    process = cli.start(*words)
    cli.wait_for_results(3, process)
    process.send_signal(signal.SIGKILL)
    assert process.wait(timeout=30) == -signal.SIGKILL
    ((run, dead),) = cli.ask("SELECT id, flow_run_id FROM runs")

    resumed = cli.run("resume", "latest")
    assert resumed.returncode == 0, resumed.stderr
    assert cli.keys_accepted_twice() == []
    assert cli.ask("SELECT count(*) FROM attempts WHERE outcome = 'accepted'") == [(8,)]
    (folder,) = cli.run_folders()
    assert states(folder) == ["done"] * 4
    assert len(list(folder.glob("outputs/*/cutout.png"))) == 4

    seen = see(str(dead))
    assert seen.state[:2] == ("CRASHED", "Crashed")
    assert str(run) in seen.state[2]
    assert {str(shard.state_name) for shard in seen.shards} <= {"Crashed"}
    assert set(seen.names().values()) <= {"Completed", "Crashed"}
    ((alive,),) = cli.ask("SELECT flow_run_id FROM runs")
    assert alive != dead
    assert see(str(alive)).state[:2] == ("COMPLETED", "Completed")


def test_two_commands_on_one_table_at_once_share_their_results(cli, table):
    words = ("batch", "small.yaml", table(3), "--local", "--yes")
    both = [cli.start(*words), cli.start(*words)]
    ends = [process.communicate(timeout=180) for process in both]
    assert [process.returncode for process in both] == [0, 0], ends
    assert cli.keys_accepted_twice() == []
    first, second = cli.run_folders()
    assert states(first) == states(second) == ["done"] * 3
    for path in first.glob("outputs/*/*.png"):
        assert path.read_bytes() == (second / path.relative_to(first)).read_bytes()


def test_an_interrupt_ends_every_row_in_a_named_state_and_writes_results(cli, table, tmp_path):
    # Without a server: one is started for the run, and Ctrl-C at a terminal reaches it, too.
    alone = {name: value for name, value in cli.environment.items() if name != "PREFECT_API_URL"}
    alone["PREFECT_HOME"] = str(tmp_path / "prefect")
    cli = replace(cli, environment=alone)
    process = cli.start("batch", "small.yaml", table(6), "--local", "--yes", "-j", "2")
    cli.wait_for_results(2, process)
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=180)
    assert process.returncode == 5, err
    assert "stopping: nothing more is sent" in err
    (folder,) = cli.run_folders()
    found = states(folder)
    assert len(found) == 6
    assert set(found) == {"done", "cancelled"}
    assert f"{found.count('done')} done" in out
    assert f"{found.count('cancelled')} cancelled" in out
    assert "Traceback" not in err


def test_a_pilot_without_a_terminal_is_exit_3_and_goes_on_with_yes(cli, table):
    words = ("batch", "small.yaml", table(3), "--local", "-n", "1")
    pilot = cli.run(*words)
    assert pilot.returncode == 3, pilot.stderr
    assert "Pilot done: $0.00, 1 of 1, see contact.jpg. Go on with 2 rows" in pilot.stderr
    (first,) = cli.run_folders()
    assert states(first) == ["done", *["not admitted"] * 2]

    going_on = cli.run(*words, "--yes")
    assert going_on.returncode == 0, going_on.stderr
    assert "3 rows: 3 done · 4 attempts, 2 reused, $0.00" in going_on.stdout
    assert cli.keys_accepted_twice() == []
