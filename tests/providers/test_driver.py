"""The driver: it polls until a job has ended, repeats polls, and never a submit."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from providers.adapter import Answer, Call, Done, Job, Order, Output, Pending
from providers.catalog import load_model
from providers.driver import Driver
from providers.errors import (
    BadReplyError,
    JobFailedError,
    ParkedError,
    UnavailableError,
    UncertainError,
)

FLUX = load_model("flux-2-pro")
ORDER = Order(FLUX.bindings[0], {}, {"prompt": "a mug"})
JOB = Job("job-1", {"poll": "job-1"})
DONE = Done((Output("image", data=b"x"),))


class TrialAdapter:
    """Answers are what the wire says."""

    def submit(self, order: Order) -> Call:
        return Call("POST", "trial:/submit", dict(order.inputs))

    def read_submit(self, order: Order, answer: Answer) -> Job | Done:
        return JOB

    def poll(self, job: Job) -> Call:
        return Call("GET", f"trial:/{job.receipt['poll']}")

    def read_poll(self, job: Job, answer: Answer) -> Pending | Done:
        if answer.body == "pending":
            return Pending()
        if answer.body == "failed":
            raise JobFailedError("the job failed")
        if answer.body == "done":
            return DONE
        raise BadReplyError(f"unknown status {answer.body!r}")

    def cancel(self, job: Job) -> Call | None:
        return None


class TrialWire:
    """Gives out its script in turn, the last item for ever; an error in it is raised."""

    def __init__(self, *script: Any) -> None:
        self.script = list(script)
        self.calls: list[Call] = []

    async def send(self, call: Call) -> Answer:
        self.calls.append(call)
        turn = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if isinstance(turn, Exception):
            raise turn
        return Answer(200, turn)


async def wait(wire: TrialWire, deadline_seconds: float = 5.0) -> Done:
    driver = Driver(TrialAdapter(), wire, first_poll_seconds=0.001)
    return await driver.wait(JOB, usual_seconds=10, deadline_seconds=deadline_seconds)


def busy() -> UnavailableError:
    return UnavailableError("busy", retry_after_seconds=0.001)


async def test_a_job_is_asked_for_until_it_is_done() -> None:
    wire = TrialWire("pending", "pending", "pending", "done")
    assert await wait(wire) is DONE
    assert [call.method for call in wire.calls] == ["GET"] * 4


async def test_a_failed_job_is_not_asked_for_again() -> None:
    wire = TrialWire("pending", "failed", "done")
    with pytest.raises(JobFailedError):
        await wait(wire)
    assert len(wire.calls) == 2


async def test_an_unknown_status_is_a_bad_reply_and_not_pending() -> None:
    wire = TrialWire("archived", "done")
    with pytest.raises(BadReplyError, match="archived"):
        await wait(wire)
    assert len(wire.calls) == 1


async def test_a_deadline_parks_and_does_not_fail() -> None:
    wire = TrialWire("pending")
    with pytest.raises(ParkedError, match=r"job job-1 was not finished after 0\.02 s"):
        await wait(wire, deadline_seconds=0.02)
    assert wire.calls


async def test_a_poll_is_repeated_when_the_vendor_is_unavailable() -> None:
    wire = TrialWire(busy(), busy(), "pending", busy(), "done")
    assert await wait(wire) is DONE
    assert len(wire.calls) == 5


async def test_a_poll_whose_answer_was_lost_is_repeated() -> None:
    wire = TrialWire(UncertainError("reset"), "done")
    assert await wait(wire) is DONE


async def test_a_vendor_that_stays_unavailable_parks_its_job_at_the_deadline() -> None:
    with pytest.raises(ParkedError, match="runs on at the provider"):
        await wait(TrialWire(busy()), deadline_seconds=0.05)


@pytest.mark.parametrize(
    "error", [UnavailableError("busy"), UncertainError("reset"), BadReplyError("html")]
)
async def test_a_submit_is_sent_once_whatever_comes_of_it(error: Exception) -> None:
    wire = TrialWire(error)
    driver = Driver(TrialAdapter(), wire)
    with pytest.raises(type(error)):
        await driver.submit(ORDER, driver.adapter.submit(ORDER))
    assert len(wire.calls) == 1


def test_the_digest_of_a_call_is_that_of_the_bytes_it_sends() -> None:
    body = {"prompt": "a mug", "seed": 0, "sizes": [1, 2]}
    call = Call("POST", "trial:/a", body)
    assert json.loads(call.encoded()) == body
    assert call.digest() == hashlib.sha256(call.encoded()).hexdigest()
    assert call.digest() == Call("POST", "trial:/b", dict(body), {"X-Other": "1"}).digest()
    assert call.digest() != Call("POST", "trial:/a", body | {"seed": 1}).digest()
    assert Call("PUT", "trial:/a", content=b"raw").encoded() == b"raw"
