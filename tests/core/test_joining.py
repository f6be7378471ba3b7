"""One request asked for by several at once: by two runs, after a death, while its job runs."""

from __future__ import annotations

import asyncio
from pathlib import Path
from uuid import uuid4

import pytest

from flows.options import RunOptions
from flows.prepare import Request, prepare
from flows.routes import candidates
from providers.adapter import Answer, Call
from tasks.ledger import attempts, lookup, owners
from tasks.ledger.attempt import Opening, Place
from tests.core.plain import BIREFNET, FLUX, RECRAFT, opened, resume, start
from tests.scripted import Script, ScriptedWire


@pytest.fixture
def slow_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """The vendor takes its time to answer a submit, so that another finds the intent."""
    send = ScriptedWire.send

    async def slowly(self: ScriptedWire, call: Call) -> Answer:
        if call.method == "POST":
            await asyncio.sleep(0.05)
        return await send(self, call)

    monkeypatch.setattr(ScriptedWire, "send", slowly)


def claim(table: Path, state: str, owner: str) -> str:
    """Open the attempt on the photograph of "a red mug", as another process would have."""
    prepared = prepare(Request("product-photo", table, RunOptions()))
    step = prepared.graph.step("photo")
    flux = candidates(step, prepared.routes["photo"], {"prompt": "a red mug"}, {}, 1)[0]
    opening = Opening(uuid4().hex, flux.key, flux.fields, Place("other", "x", "photo"), owner)
    ledger = opened()
    try:
        assert ledger.do_now(attempts.open_attempt, opening)
        if state == "waiting":
            ledger.do_now(attempts.waiting, opening.id)
        elif state == "submitted":
            ledger.do_now(attempts.submitted, opening.id, "job-7", {"poll": "job-7"})
        elif state == "uncertain":
            ledger.do_now(attempts.abandon, opening.id, "reset")
    finally:
        ledger.close()
    return opening.id


def state_of(attempt: str) -> str:
    ledger = opened()
    try:
        found = ledger.do_now(lookup.read, attempt)
        return found.outcome or found.state
    finally:
        ledger.close()


async def test_two_runs_at_once_share_every_submit(
    script: Script, products: Path, slow_answers: None
) -> None:
    script.seconds = 0.05
    first, second = await asyncio.gather(start(products), start(products))
    assert first.totals.states == second.totals.states == {"done": 3}
    assert script.endpoints() == {FLUX: 3, BIREFNET: 3}
    assert len(first.attempts) + len(second.attempts) == 6
    assert first.totals.reused + second.totals.reused == 6


async def test_two_runs_at_once_are_refused_together(
    script: Script, one: Path, slow_answers: None
) -> None:
    script.turns = {FLUX: ["refuse"], RECRAFT: ["refuse"]}
    first, second = await asyncio.gather(start(one), start(one))
    assert first.states == second.states == {"mug": "refused"}
    assert script.submits == []
    assert len(first.attempts) + len(second.attempts) == 2


async def test_the_intent_of_a_dead_process_is_held_and_nothing_is_sent(
    script: Script, one: Path
) -> None:
    attempt = claim(one, "intent", "dead")
    ran = await start(one)
    assert ran.states == {"mug": "parked"}
    assert state_of(attempt) == "uncertain"
    assert script.submits == []


async def test_what_a_dead_process_had_waiting_is_taken_over(script: Script, one: Path) -> None:
    attempt = claim(one, "waiting", "dead")
    ran = await start(one)
    assert ran.states == {"mug": "done"}
    assert state_of(attempt) == "unsent"
    assert script.endpoints() == {FLUX: 1, BIREFNET: 1}


async def test_a_job_that_is_known_is_waited_for_whoever_sent_it(script: Script, one: Path) -> None:
    attempt = claim(one, "submitted", "dead")
    ran = await start(one)
    assert ran.states == {"mug": "done"}
    assert state_of(attempt) == "accepted"
    assert script.endpoints() == {BIREFNET: 1}


async def test_an_uncertain_attempt_of_another_run_holds_the_row(script: Script, one: Path) -> None:
    attempt = claim(one, "uncertain", "dead")
    ran = await start(one)
    assert ran.states == {"mug": "parked"}
    assert (await resume(ran.run)).states == {"mug": "parked"}
    assert state_of(attempt) == "uncertain"
    assert script.submits == []


async def test_a_live_sender_that_takes_too_long_parks_the_row(
    script: Script, one: Path, short_deadlines: None
) -> None:
    ledger = opened()
    try:
        alive = owners.this_process()
        ledger.do_now(owners.register, alive)
    finally:
        ledger.close()
    attempt = claim(one, "intent", alive.id)
    ran = await start(one)
    assert ran.states == {"mug": "parked"}
    assert state_of(attempt) == "intent"
    assert script.submits == []
