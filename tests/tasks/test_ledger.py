"""The ledger: an open attempt is the claim, and what is settled stays settled."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, func, select
from sqlalchemy.exc import IntegrityError

from providers.errors import SetupError
from tasks.key import RequestFields
from tasks.ledger import Ledger, attempts, lookup, open_ledger
from tasks.ledger.attempt import Attempt, Opening, Place, Settlement
from tasks.ledger.schema import SCHEMA_VERSION
from tasks.ledger.schema import attempts as attempts_rows

FIELDS = RequestFields("flux-2-pro", 1, "fal", "fal-ai/flux-2-pro", "live", {}, {"prompt": "a"})
MUG = Place("run-1", "mug", "photo")
VASE = Place("run-1", "vase", "photo")
ACCEPTED = Settlement("accepted", {"image": "text"}, amount=Decimal("0.03"), grade="exact")


def opening(attempt: str, place: Place = MUG, **changes: Any) -> Opening:
    fields = replace(FIELDS, **changes)
    return Opening(
        id=attempt,
        key=fields.key(),
        fields={name: getattr(fields, name) for name in fields.__slots__},
        place=place,
        owner="owner-1",
        low=Decimal("0.03"),
        high=Decimal("0.06"),
    )


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'home' / 'ledger.db'}"


@pytest.fixture
def ledger(url: str) -> Iterator[Ledger]:
    opened = open_ledger(url)
    yield opened
    opened.close()


def state(ledger: Ledger, attempt: str) -> tuple[str, str | None]:
    found = ledger.do_now(lookup.read, attempt)
    return found.state, found.outcome


def accepted(ledger: Ledger, key: str) -> list[Attempt]:
    return [
        attempt
        for attempt in ledger.do_now(lookup.survey, MUG, [key])
        if attempt.outcome == "accepted"
    ]


def test_an_open_attempt_is_the_claim_on_its_request(ledger: Ledger) -> None:
    assert ledger.do_now(attempts.open_attempt, opening("a"))
    assert not ledger.do_now(attempts.open_attempt, opening("b"))
    assert not ledger.do_now(attempts.open_attempt, opening("c", VASE))
    assert ledger.do_now(attempts.open_attempt, opening("d", take=2))
    assert state(ledger, "a") == ("intent", None)


def test_the_claim_holds_between_two_ledgers_on_one_file(ledger: Ledger, url: str) -> None:
    other = open_ledger(url)
    try:
        start = threading.Barrier(2)
        won: list[bool] = []

        def claim(mine: Ledger, name: str) -> None:
            for number in range(20):
                start.wait()
                won.append(
                    mine.do_now(attempts.open_attempt, opening(f"{name}{number}", take=number + 1))
                )

        threads = [
            threading.Thread(target=claim, args=pair) for pair in ((ledger, "a"), (other, "b"))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert won.count(True) == won.count(False) == 20
    finally:
        other.close()


@pytest.mark.parametrize("held", ["intent", "waiting", "submitted", "uncertain"])
def test_every_open_state_holds_the_claim(ledger: Ledger, held: str) -> None:
    ledger.do_now(attempts.open_attempt, opening("a"))
    if held == "waiting":
        ledger.do_now(attempts.waiting, "a")
    elif held == "submitted":
        ledger.do_now(attempts.submitted, "a", "job-1", {})
    elif held == "uncertain":
        ledger.do_now(attempts.abandon, "a", "reset")
    assert state(ledger, "a") == (held, None)
    assert ledger.do_now(lookup.read, "a").is_open
    assert not ledger.do_now(attempts.open_attempt, opening("b"))


@pytest.mark.parametrize("outcome", ["failed", "refused", "unsent", "lost", "cancelled"])
def test_an_attempt_that_ended_without_a_result_gives_the_claim_back(
    ledger: Ledger, outcome: str
) -> None:
    ledger.do_now(attempts.open_attempt, opening("a"))
    assert ledger.do_now(attempts.settle, "a", Settlement(outcome))
    assert ledger.do_now(attempts.open_attempt, opening("b"))


def test_an_accepted_result_keeps_the_request_for_good(ledger: Ledger) -> None:
    ledger.do_now(attempts.open_attempt, opening("a"))
    ledger.do_now(attempts.settle, "a", ACCEPTED)
    assert not ledger.do_now(attempts.open_attempt, opening("b"))
    ledger.do_now(attempts.mark_lost, "a")
    assert ledger.do_now(attempts.open_attempt, opening("b"))


def test_settling_twice_is_a_no_op(ledger: Ledger) -> None:
    ledger.do_now(attempts.open_attempt, opening("a"))
    assert ledger.do_now(attempts.settle, "a", ACCEPTED)
    before = ledger.do_now(lookup.read, "a")
    late = Settlement("failed", amount=Decimal("9"), error_class="JobFailedError", error="late")
    assert not ledger.do_now(attempts.settle, "a", late)
    assert ledger.do_now(lookup.read, "a") == before
    assert before.amount == Decimal("0.03")


def test_a_request_has_one_accepted_attempt_even_when_two_made_it_locally(ledger: Ledger) -> None:
    first = ledger.do_now(attempts.settle_local, opening("a"), ACCEPTED)
    second = ledger.do_now(attempts.settle_local, opening("b", VASE), ACCEPTED)
    assert first.id == second.id == "a"
    assert state(ledger, "b") == ("settled", "cancelled")
    assert [attempt.id for attempt in accepted(ledger, first.key)] == ["a"]


def test_the_database_itself_refuses_a_second_accepted_attempt(ledger: Ledger) -> None:
    first = ledger.do_now(attempts.settle_local, opening("a"), ACCEPTED)
    ledger.do_now(attempts.settle_local, opening("b"), Settlement("failed"))
    with pytest.raises(IntegrityError):
        ledger.do_now(
            lambda connection: connection.execute(
                attempts_rows.update().where(attempts_rows.c.id == "b").values(outcome="accepted")
            )
        )
    assert [attempt.id for attempt in accepted(ledger, first.key)] == ["a"]


def test_a_job_belongs_to_one_attempt(ledger: Ledger) -> None:
    ledger.do_now(attempts.open_attempt, opening("a"))
    ledger.do_now(attempts.open_attempt, opening("b", take=2))
    ledger.do_now(attempts.submitted, "a", "job-1", {"poll": "job-1"})
    with pytest.raises(IntegrityError):
        ledger.do_now(attempts.submitted, "b", "job-1", {})


def test_a_job_id_that_comes_late_is_recorded_whoever_owns_the_attempt(ledger: Ledger) -> None:
    ledger.do_now(attempts.open_attempt, opening("a"))
    ledger.do_now(attempts.abandon, "a", "its owner died")
    ledger.do_now(attempts.submitted, "a", "job-1", {"poll": "job-1"})
    found = ledger.do_now(lookup.read, "a")
    assert (found.state, found.job, found.receipt) == ("submitted", "job-1", {"poll": "job-1"})


def test_a_submitted_attempt_does_not_become_uncertain_again(ledger: Ledger) -> None:
    ledger.do_now(attempts.open_attempt, opening("a"))
    ledger.do_now(attempts.submitted, "a", "job-1", {})
    ledger.do_now(attempts.abandon, "a", "too late")
    assert state(ledger, "a") == ("submitted", None)


def test_only_its_owner_sends_a_waiting_attempt_again(ledger: Ledger) -> None:
    ledger.do_now(attempts.open_attempt, opening("a"))
    assert not ledger.do_now(attempts.intend_again, "a", "owner-1")
    ledger.do_now(attempts.waiting, "a")
    assert not ledger.do_now(attempts.intend_again, "a", "owner-2")
    assert ledger.do_now(attempts.intend_again, "a", "owner-1")
    assert state(ledger, "a") == ("intent", None)


def test_a_survey_shows_the_attempts_on_the_keys_and_those_of_the_place(ledger: Ledger) -> None:
    ledger.do_now(attempts.open_attempt, opening("a"))
    ledger.do_now(attempts.open_attempt, opening("b", VASE, take=2))
    ledger.do_now(attempts.open_attempt, opening("c", VASE, take=3))
    seen = ledger.do_now(lookup.survey, MUG, [opening("x", take=2).key])
    assert [attempt.id for attempt in seen] == ["a", "b"]


def test_what_a_run_uses_is_its_own_and_what_it_took_over(ledger: Ledger) -> None:
    own = ledger.do_now(attempts.settle_local, opening("a"), ACCEPTED)
    elsewhere = Place("run-0", "mug", "photo")
    taken = ledger.do_now(attempts.settle_local, opening("b", elsewhere, take=2), ACCEPTED)
    ledger.do_now(attempts.use, VASE, taken, reused=True)
    ledger.do_now(attempts.use, VASE, taken, reused=True)
    found = ledger.do_now(lookup.uses_of, "run-1")
    assert found == {("mug", "photo", 0): own, ("vase", "photo", 0): taken}


def test_more_keys_than_one_list_may_hold_are_all_looked_up(ledger: Ledger) -> None:
    first = ledger.do_now(attempts.settle_local, opening("a"), ACCEPTED)
    keys = [f"{number:064}" for number in range(1200)]
    found = ledger.do_now(lookup.accepted_for, [*keys, first.key])
    assert list(found) == [first.key]


def test_one_failing_piece_does_not_take_the_others_of_its_transaction_with_it(
    ledger: Ledger,
) -> None:
    go = threading.Event()

    def wait(connection: Connection) -> None:
        go.wait(10)

    def fail(connection: Connection) -> None:
        raise ValueError("this piece is wrong")

    ledger.post(wait)  # while the thread waits, the rest is queued for one transaction
    pieces = [
        ledger._put(attempts.open_attempt, (opening("a"),), {}),
        ledger._put(fail, (), {}),
        ledger._put(attempts.open_attempt, (opening("b", take=2),), {}),
    ]
    go.set()
    assert pieces[0].result(10) is True
    with pytest.raises(ValueError, match="this piece is wrong"):
        pieces[1].result(10)
    assert pieces[2].result(10) is True
    assert state(ledger, "a") == state(ledger, "b") == ("intent", None)


async def test_work_whose_waiter_was_cancelled_is_written_all_the_same(ledger: Ledger) -> None:
    go = threading.Event()
    ledger.post(lambda connection: go.wait(10))
    waiter = asyncio.create_task(ledger.do(attempts.open_attempt, opening("a")))
    await asyncio.sleep(0)
    waiter.cancel()
    go.set()
    with pytest.raises(asyncio.CancelledError):
        await waiter
    assert (await ledger.do(lookup.read, "a")).state == "intent"


def test_closing_finishes_what_is_queued(url: str) -> None:
    first = open_ledger(url)
    for number in range(100):
        first.post(attempts.open_attempt, opening(f"a{number}", take=number + 1))
    first.close()
    second = open_ledger(url)
    count = second.do_now(
        lambda connection: connection.execute(
            select(func.count()).select_from(attempts_rows)
        ).scalar_one()
    )
    second.close()
    assert count == 100


def test_the_ledger_is_durable_and_waits_for_other_writers(ledger: Ledger) -> None:
    def pragma(connection: Connection, name: str) -> Any:
        return connection.exec_driver_sql(f"PRAGMA {name}").scalar()

    assert ledger.do_now(pragma, "journal_mode") == "wal"
    assert ledger.do_now(pragma, "synchronous") == 2  # FULL
    assert ledger.do_now(pragma, "busy_timeout") >= 10_000


def test_a_newer_schema_is_refused_and_left_as_it_is(url: str, tmp_path: Path) -> None:
    open_ledger(url).close()
    file = tmp_path / "home" / "ledger.db"
    newer = str(SCHEMA_VERSION + 1)
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE meta SET value = ? WHERE name = 'schema_version'", (newer,))
    connection.close()
    with pytest.raises(SetupError, match=f"has schema {newer}.*install the newer mediaflows"):
        open_ledger(url)


def one_line(url: str) -> str:
    with pytest.raises(SetupError) as caught:
        open_ledger(url)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_file_that_is_no_database_is_one_line(url: str, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "ledger.db").write_bytes(b"this is no database" * 100)
    assert one_line(url).endswith("cannot be opened: file is not a database.")


def test_a_folder_that_cannot_be_made_is_one_line(url: str, tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file in the way")
    assert one_line(url).startswith("The ledger's folder cannot be made: ")


def test_a_folder_in_place_of_the_ledger_is_one_line(url: str, tmp_path: Path) -> None:
    (tmp_path / "home" / "ledger.db").mkdir(parents=True)
    assert "cannot be opened: unable to open database file." in one_line(url)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_is_one_line(url: str, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir(mode=0o555)
    assert "cannot be opened: " in one_line(url)


def test_a_ledger_that_goes_read_only_is_one_line(ledger: Ledger) -> None:
    ledger.do_now(lambda connection: connection.exec_driver_sql("PRAGMA query_only=1"))
    with pytest.raises(SetupError, match="cannot be used: attempt to write a readonly database"):
        ledger.do_now(attempts.open_attempt, opening("a"))


@pytest.mark.parametrize("url", ["nonsense", "mystery://x/y"])
def test_a_url_that_is_none_is_one_line(url: str) -> None:
    assert one_line(url).startswith("MEDIAFLOWS_LEDGER_URL")
