"""Find the job of a submit whose answer was lost, where the vendor lists its jobs.

A job is taken only when it is the one job that can be meant and the attempt the one attempt that
can mean it: same body, created while it was sent, known to no other attempt. Else it stays held.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from providers.adapter import Finder, Job, Order
from providers.errors import StepError, UserError
from tasks.harvest import harvest
from tasks.ledger import attempts, lookup
from tasks.ledger.attempt import Attempt
from tasks.ordering import order_of
from tasks.settling import Pursuit, held

PAGES = 20  # of a vendor's list, newest first
EARLY_SECONDS = 120.0  # how much earlier than ours the vendor's clock may say that it was created
SENDING_SECONDS = 600.0  # after the intent: pauses, repeated sends and the vendor's clock


async def found_again(pursuit: Pursuit, attempt: Attempt) -> Attempt:
    """Return the accepted attempt of an uncertain submit whose job could be found.

    Raises:
        ParkedError: none, or not surely this one; it is held.
        StepError: as the job ended.
    """
    job = await find(pursuit, attempt)
    if job is None:
        raise held(pursuit.candidate)
    return await take_up(pursuit, attempt, job)


async def take_up(pursuit: Pursuit, attempt: Attempt, job: Job) -> Attempt:
    """Record the job that an uncertain attempt has started, and return the attempt, accepted.

    Raises:
        StepError: as the job ended.
    """
    await pursuit.services.ledger.do(attempts.submitted, attempt.id, job.id, job.receipt)
    return await harvest(pursuit, attempt.id, job)


async def find(pursuit: Pursuit, attempt: Attempt) -> Job | None:
    """Return the one job that an uncertain attempt started, or None when nobody can be sure."""
    adapter, services = pursuit.driver.adapter, pursuit.services
    if not isinstance(adapter, Finder) or not pursuit.candidate.is_sendable:
        return None
    same = await services.ledger.do(lookup.uncertain_with, attempt)
    if [one.id for one in same if _may_be_one(one, attempt)] != [attempt.id]:
        return None
    try:
        order = await order_of(services, pursuit.candidate)
        jobs = await _listed(pursuit, adapter, order, attempt)
    except (StepError, UserError):
        return None  # asked again by the next run
    known = await services.ledger.do(
        lookup.known_jobs, attempt.provider, attempt.realm, [job.id for job in jobs]
    )
    free = [job for job in jobs if job.id not in known]
    return free[0] if len(free) == 1 else None


def _may_be_one(other: Attempt, attempt: Attempt) -> bool:
    return abs(other.created_at - attempt.created_at) < SENDING_SECONDS + EARLY_SECONDS


async def _listed(
    pursuit: Pursuit, adapter: Finder, order: Order, attempt: Attempt
) -> Sequence[Job]:
    """Return the vendor's jobs with this body that were created while it was sent."""
    jobs: list[Job] = []
    page: str | None = None
    for _ in range(PAGES):
        answer = await pursuit.driver.wire.send(adapter.find(page))
        found = adapter.read_find(order, attempt.body_digest or "", answer)
        for job, created in found.jobs:
            since = _seconds(created) - attempt.created_at
            if -EARLY_SECONDS < since < SENDING_SECONDS:
                jobs.append(job)
        page = found.next_page
        if page is None:
            break
    return jobs


def _seconds(created: str) -> float:
    try:
        return datetime.fromisoformat(created).timestamp()
    except ValueError:
        return float("-inf")
