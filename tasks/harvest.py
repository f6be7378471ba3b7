"""Bring in what a job gives: wait for it, keep it, settle it; and hurry when the run is stopped.

A job is paid for from the moment it is accepted. It is left alone only when the deadline or the
time to drain is over, and then its attempt stays open: the next run takes its result.
"""

from __future__ import annotations

import asyncio

from providers.adapter import Job, Pending
from providers.errors import (
    BadReplyError,
    JobFailedError,
    ParkedError,
    RefusedError,
    StepError,
    StoppedError,
    UnavailableError,
    UserError,
)
from tasks.ledger import attempts, waiters
from tasks.ledger.attempt import Attempt
from tasks.settling import Pursuit, cancelled, failed, settle_done

CANCEL_SECONDS = 10.0  # for the asking; the job's end is then waited for as ever


async def harvest(
    pursuit: Pursuit, attempt_id: str, job: Job, *, usual_seconds: float = 0.0
) -> Attempt:
    """Return the accepted attempt of a job, when it has finished and its result is kept.

    It is asked for after half of `usual_seconds`, how long a job that was sent just now will take.

    When the pursuit is halted, the job is cancelled if that is known to be free and nobody else
    waits for it; otherwise its result is taken in the time that is left.

    Raises:
        StepError: the job failed or was refused, or its result was turned down.
        StoppedError: it was cancelled.
        ParkedError: it has not ended, or its result could not be fetched yet.
    """
    halt = pursuit.halt
    try:
        async with asyncio.timeout(None) as limit:
            with halt.calling(lambda: limit.reschedule(0.0)):
                return await _bring_in(pursuit, attempt_id, job, usual_seconds=usual_seconds)
    except TimeoutError:
        if not limit.expired():
            raise
    was_cancelled = await _cancel(pursuit, attempt_id, job)
    try:
        async with asyncio.timeout(None) as limit:
            with halt.calling(lambda: limit.reschedule(halt.until)):
                return await _bring_in(pursuit, attempt_id, job, was_cancelled=was_cancelled)
    except TimeoutError:
        if not limit.expired():
            raise
        raise ParkedError(
            f"job {job.id} of {pursuit.candidate.label} still runs at the vendor; the next run "
            "takes its result"
        ) from None


async def _bring_in(
    pursuit: Pursuit,
    attempt_id: str,
    job: Job,
    *,
    usual_seconds: float = 0.0,
    was_cancelled: bool = False,
) -> Attempt:
    latency, label = pursuit.candidate.binding.latency, pursuit.candidate.label
    ledger = pursuit.services.ledger
    try:
        done = await pursuit.driver.wait(
            job,
            usual_seconds=usual_seconds,
            deadline_seconds=latency.longest_seconds,
        )
    except (JobFailedError, RefusedError) as error:
        if was_cancelled:
            await ledger.do(attempts.settle, attempt_id, cancelled(error, pursuit.candidate))
            raise StoppedError(f"job {job.id} of {label} was cancelled") from None
        await ledger.do(attempts.settle, attempt_id, failed(error, pursuit.candidate))
        raise
    except (BadReplyError, UserError) as error:
        # Also a key that is refused by now: the job is paid for and waits for the right one.
        raise ParkedError(f"job {job.id} of {label} runs on, but {error}") from None
    try:
        return await settle_done(pursuit, attempt_id, done)
    except (UnavailableError, UserError) as error:
        # Paid for and not fetched: the attempt stays open, so that nothing else is sent for it.
        raise ParkedError(
            f"the result of job {job.id} of {label} could not be fetched, and is taken by the "
            f"next run: {error}"
        ) from None


async def _cancel(pursuit: Pursuit, attempt_id: str, job: Job) -> bool:
    """Return whether the vendor takes the cancelling of a job of which nothing is billed then."""
    facts, services = pursuit.candidate.binding.cancel, pursuit.services
    if not facts.possible or facts.free_while == "never":
        return False
    if await services.ledger.do(waiters.are_there, attempt_id, services.owner.id):
        return False
    try:
        async with asyncio.timeout(CANCEL_SECONDS):
            if facts.free_while == "queued":
                state = await pursuit.driver.ask(job)
                if not (isinstance(state, Pending) and state.is_queued):
                    return False
            return await pursuit.driver.cancel(job)
    except (StepError, TimeoutError):
        return False
