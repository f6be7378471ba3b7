"""Runs: the breaker, row states, and which owners live."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import update

from tasks.key import RequestFields
from tasks.ledger import Ledger, open_ledger, owners, runs
from tasks.ledger.runs import BREAKER_ROWS, RowEnd
from tasks.ledger.schema import owners as owners_rows

FIELDS = RequestFields("flux-2-pro", 1, "fal", "fal-ai/flux-2-pro", "live", {}, {"prompt": "a"})


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    opened = open_ledger(f"sqlite:///{tmp_path_factory.mktemp('runs') / 'ledger.db'}")
    yield opened
    opened.close()


def new_run(ledger: Ledger, rows: int) -> str:
    run = uuid4().hex[:10]
    values = {
        "id": run,
        "template": "product-photo",
        "template_digest": "0",
        "table_digest": "0",
        "folder": "runs/x",
    }
    ledger.do_now(runs.create, values, [f"r{number}" for number in range(rows)])
    return run


def finish(ledger: Ledger, run: str, ends: list[RowEnd]) -> str | None:
    ledger.do_now(runs.finish_rows, run, ends)
    return ledger.do_now(runs.breaker, run)


def refused(number: int, **changes: object) -> RowEnd:
    end = RowEnd(f"r{number}", "refused", "no", "photo", "RefusedError", sent=1)
    return replace(end, **changes)  # type: ignore[arg-type]


def test_ten_rows_that_end_alike_stop_the_run(ledger: Ledger) -> None:
    run = new_run(ledger, 12)
    assert finish(ledger, run, [refused(number) for number in range(BREAKER_ROWS - 1)]) is None
    reason = finish(ledger, run, [refused(BREAKER_ROWS - 1)])
    assert reason == "the first 10 rows all ended with RefusedError at step 'photo'"


@pytest.mark.parametrize(
    "odd",
    [
        {"state": "done", "step": None, "error": None},
        {"error": "JobFailedError", "state": "failed"},
        {"step": "cutout"},
        {"sent": 0},
    ],
    ids=["done", "class", "step", "unsent"],
)
def test_one_row_of_the_first_ten_that_ended_otherwise_lets_the_run_go_on(
    ledger: Ledger, odd: dict[str, object]
) -> None:
    run = new_run(ledger, 30)
    ends = [refused(number, **(odd if number == 4 else {})) for number in range(BREAKER_ROWS)]
    assert finish(ledger, run, ends) is None


def test_the_breaker_looks_at_the_first_ten_only(ledger: Ledger) -> None:
    run = new_run(ledger, 30)
    done = [RowEnd("r0", "done", sent=1)]
    assert finish(ledger, run, [*done, *[refused(number) for number in range(1, 30)]]) is None


def test_rows_that_sent_nothing_are_passed_over_and_not_counted(ledger: Ledger) -> None:
    run = new_run(ledger, 30)
    reused = [RowEnd(f"r{number}", "done", sent=0) for number in range(5)]
    assert finish(ledger, run, [*reused, *[refused(number) for number in range(5, 15)]])


def test_a_stop_is_seen_by_everyone_until_the_run_is_taken_up_again(ledger: Ledger) -> None:
    run = new_run(ledger, 1)
    assert ledger.do_now(runs.stop_reason, run) is None
    ledger.do_now(runs.stop, run, "cancelled")
    ledger.do_now(runs.stop, run, "breaker: too late")
    assert ledger.do_now(runs.stop_reason, run) == "cancelled"


def test_every_row_has_one_state_in_input_order(ledger: Ledger) -> None:
    run = new_run(ledger, 4)
    finish(ledger, run, [refused(2), RowEnd("r0", "done", sent=1)])
    ledger.do_now(runs.close_open_rows, run, "not admitted", "pilot")
    ends = ledger.do_now(runs.ends_of, run)
    states = [end.state for end in ends if end]
    assert states == ["done", "not admitted", "refused", "not admitted"]
    ledger.do_now(runs.reset_rows, run)
    assert [end and end.state for end in ledger.do_now(runs.ends_of, run)] == [
        "done",
        None,
        None,
        None,
    ]


def test_a_run_is_found_by_the_beginning_of_its_id(ledger: Ledger) -> None:
    run = new_run(ledger, 1)
    assert [found.id for found in ledger.do_now(runs.find, run[:9])] == [run]
    assert ledger.do_now(runs.one, run).template == "product-photo"


def test_this_process_is_alive(ledger: Ledger) -> None:
    owner = owners.this_process()
    ledger.do_now(owners.register, owner)
    assert owner.pid == os.getpid()
    assert ledger.do_now(owners.is_alive, owner.id)


def test_a_process_that_has_ended_is_dead_whatever_its_heartbeat_says(ledger: Ledger) -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait(30)
    owner = replace(owners.this_process(), pid=child.pid)
    ledger.do_now(owners.register, owner)
    assert not ledger.do_now(owners.is_alive, owner.id)


def test_another_process_with_a_dead_owners_number_is_not_that_owner(ledger: Ledger) -> None:
    owner = replace(owners.this_process(), process_started=1.0)
    ledger.do_now(owners.register, owner)
    assert not ledger.do_now(owners.is_alive, owner.id)


def test_nobody_is_dead(ledger: Ledger) -> None:
    assert not ledger.do_now(owners.is_alive, None)
    assert not ledger.do_now(owners.is_alive, "unheard-of")


def test_on_another_host_the_heartbeat_by_the_databases_clock_decides(ledger: Ledger) -> None:
    owner = replace(owners.this_process(), host="elsewhere", pid=1)
    ledger.do_now(owners.register, owner)
    assert ledger.do_now(owners.is_alive, owner.id)
    ledger.do_now(
        lambda connection: connection.execute(
            update(owners_rows)
            .where(owners_rows.c.id == owner.id)
            .values(heartbeat=owners_rows.c.heartbeat - owners.STALE_SECONDS - 1)
        )
    )
    assert not ledger.do_now(owners.is_alive, owner.id)
    ledger.do_now(owners.beat, owner)
    assert ledger.do_now(owners.is_alive, owner.id)


def test_media_inputs_of_rows_are_kept_as_references(ledger: Ledger, tmp_path: Path) -> None:
    run = new_run(ledger, 2)
    ledger.do_now(runs.keep_inputs, run, {"r1": {"image": {"media": {"sha256": "a"}}}})
    assert ledger.do_now(runs.kept_inputs, run) == {"r1": {"image": {"media": {"sha256": "a"}}}}
