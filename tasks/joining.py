"""Join a request that another row, run or process has open: wait for it, poll it, or recover it."""

from __future__ import annotations

import time
from typing import cast

from providers.adapter import Job
from providers.errors import (
    JobFailedError,
    ParkedError,
    RefusedError,
    RejectedError,
    StepError,
    UnavailableError,
)
from tasks.finding import find, take_up
from tasks.harvest import harvest
from tasks.ledger import attempts, lookup, owners, waiters
from tasks.ledger.attempt import Attempt
from tasks.services import Services
from tasks.settling import Pursuit, held, settle_from_receipt

JOIN_POLL_SECONDS = 0.3
ENDINGS: dict[str, type[StepError]] = {
    "refused": RefusedError,
    "rejected": RejectedError,
    "unsent": UnavailableError,
}


async def join(pursuit: Pursuit) -> Attempt | None:
    """Return the accepted attempt that somebody else has made or is making.

    None: it is ours to send. Its owner died before the vendor had accepted anything, it was held
    and the run's terms give it up, or it was turned down by the checks of another template.

    Raises:
        StepError: as it ended there.
        ParkedError: it has not ended, or nobody can know whether it was accepted.
        StoppedError: somebody else is sending it, and this run was stopped.
    """
    candidate, ledger = pursuit.candidate, pursuit.services.ledger
    deadline = time.monotonic() + candidate.binding.latency.longest_seconds
    while True:
        found = await ledger.do(lookup.survey, pursuit.call.place, [candidate.key])
        mine = [attempt for attempt in found if attempt.key == candidate.key]
        if good := [attempt for attempt in mine if attempt.outcome == "accepted"]:
            return good[0]
        opened = next((attempt for attempt in mine if attempt.is_open), None)
        if opened is None:
            if mine[-1].outcome == "rejected" and mine[-1].checks != pursuit.call.checks.digest:
                return None  # by checks that are not ours
            raise _as_it_ended(mine[-1])
        if opened.state in ("submitted", "uncertain"):
            return await _recover(pursuit, opened)
        if not await ledger.do(owners.is_alive, opened.owner):
            await _bury(pursuit.services, opened)
            if opened.state == "waiting" and candidate.is_sendable:
                return None
            continue
        if time.monotonic() > deadline:
            raise ParkedError(f"another process has been sending {candidate.label} for too long")
        pursuit.halt.require_unset()
        await pursuit.halt.pause(JOIN_POLL_SECONDS)


async def _recover(pursuit: Pursuit, opened: Attempt) -> Attempt | None:
    """The receipt is read before a vendor is asked or anything is called uncertain."""
    if recovered := await settle_from_receipt(pursuit, opened.id):
        return recovered
    if opened.state == "submitted":
        return await _follow(pursuit, opened)
    if job := await find(pursuit, opened):
        return await take_up(pursuit, opened, job)
    if not (pursuit.call.terms.resubmit_uncertain and pursuit.candidate.is_sendable):
        raise held(pursuit.candidate)
    reason = "given up by --on-uncertain resubmit; whether it was billed is not known"
    await pursuit.services.ledger.do(attempts.give_up, opened.id, reason)
    return None


async def _follow(pursuit: Pursuit, opened: Attempt) -> Attempt:
    """Poll a job that another has submitted, and be seen to wait for it."""
    services = pursuit.services
    await services.ledger.do(waiters.arrive, opened.id, services.owner.id)
    try:
        job = Job(cast(str, opened.job), opened.receipt or {})
        return await harvest(pursuit, opened.id, job)
    finally:
        services.ledger.post(waiters.leave, opened.id, services.owner.id)


def _as_it_ended(attempt: Attempt) -> StepError:
    """The error of an attempt that another made, so that no retry sends what was refused."""
    error = ENDINGS.get(attempt.outcome or "", JobFailedError)
    return error(attempt.error or f"another row's attempt ended {attempt.outcome}")


async def _bury(services: Services, opened: Attempt) -> None:
    """A dead owner's intent may have been accepted; what was waiting provably was not."""
    await services.ledger.do(
        attempts.abandon, opened.id, "the process that sent it died before the answer"
    )
