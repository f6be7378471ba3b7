"""One attempt at one request: claim, write the intent, send; or join whoever is doing it.

Nothing is sent before the intent is in the ledger. Three transactions for a job, two for a
synchronous answer, one for local work.
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any, cast
from uuid import uuid4

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from providers.adapter import Call, Done, Job, Order
from providers.errors import (
    BadReplyError,
    BudgetError,
    JobFailedError,
    ParkedError,
    RefusedError,
    StepError,
    UnavailableError,
    UncertainError,
    UserError,
)
from providers.no_spend import refuse_to_spend
from tasks.candidate import Candidate, RowCap, StepCall
from tasks.finding import found_again
from tasks.fit import fit_order
from tasks.halt import Halt
from tasks.harvest import harvest
from tasks.joining import join
from tasks.keep import fetch_outputs, keep_outputs
from tasks.ledger import attempts, budget, lookup
from tasks.ledger.attempt import Attempt, Opening, Settlement
from tasks.ordering import order_of
from tasks.services import Services
from tasks.settling import Pursuit, accepted, failed, held, settle_done

SENDS = 5  # of one submit, each but the first after proof that the last was not accepted
LONGEST_PAUSE_SECONDS = 60.0


async def obtain(
    services: Services, call: StepCall, candidate: Candidate, *, is_open: bool = False
) -> Attempt:
    """Return the accepted attempt for the candidate's request, made now when nobody has.

    Rows of this process that ask for the same request share one attempt. With `is_open` somebody's
    attempt was seen open: it is joined before anything is uploaded for another.

    Raises:
        StepError: why there is none.
    """
    driver = services.driver(candidate.provider)

    def start(halt: Halt) -> Awaitable[Attempt]:
        return _obtain(Pursuit(services, call, candidate, driver, halt), is_open)

    key = f"{candidate.key} {call.checks.digest or ''}"  # a verdict is shared by equal checks alone
    return cast(Attempt, await services.in_flight.get(key, call.halt, start))


async def _obtain(pursuit: Pursuit, is_open: bool) -> Attempt:
    services, candidate, driver = pursuit.services, pursuit.candidate, pursuit.driver
    if is_open and (joined := await join(pursuit)):
        return joined
    pursuit.halt.require_unset()
    refuse_to_spend(candidate.provider, f"step {pursuit.call.place.step!r}: {candidate.label}")
    fitted = await fit_order(services.store, candidate, await order_of(services, candidate))
    order = await driver.prepare(fitted.order)
    while True:
        async with services.slot(candidate.provider):
            pursuit.halt.require_unset()
            opening = _opening(pursuit, fitted.done)
            if candidate.is_local:
                return await _do_locally(pursuit, order, opening)
            message = driver.adapter.submit(order)
            opening = replace(opening, body_digest=message.digest())
            if await _claim(pursuit, opening):
                return await _send(pursuit, order, message, opening)
        if joined := await join(pursuit):
            return joined


async def _claim(pursuit: Pursuit, opening: Opening) -> bool:
    ledger, row_cap = pursuit.services.ledger, pursuit.call.terms.row_cap
    try:
        if row_cap:
            return await ledger.do(_claim_within, opening, row_cap)
        return await ledger.do(attempts.open_attempt, opening)
    except BudgetError:
        raise
    except BaseException:  # cancelled while it was written: nothing was sent for it
        ledger.post(attempts.settle, opening.id, Settlement("unsent"))
        raise


def _opening(pursuit: Pursuit, fitted: Mapping[str, Any]) -> Opening:
    candidate = pursuit.candidate
    return Opening(
        id=uuid4().hex,
        key=candidate.key,
        fields=candidate.fields,
        place=pursuit.call.place,
        owner=pursuit.services.owner.id,
        checks=pursuit.call.checks.digest,
        fitted=fitted,
        low=candidate.quote.low,
        high=candidate.quote.high,
        round=pursuit.call.terms.round,
    )


def _claim_within(connection: Connection, opening: Opening, row_cap: RowCap) -> bool:
    """Write the intent, if the row may cost what this submit may cost at most.

    Raises:
        BudgetError: it may not.
    """
    budget.require_room_in_row(connection, opening, row_cap.most, row_cap.one_try)
    return attempts.open_attempt(connection, opening)


async def _do_locally(pursuit: Pursuit, order: Order, opening: Opening) -> Attempt:
    services, candidate, driver = pursuit.services, pursuit.candidate, pursuit.driver
    failure: StepError
    try:
        done = cast(Done, await driver.submit(order, driver.adapter.submit(order)))
        fetched = await fetch_outputs(services.store, driver, done, pursuit.call.ports)
        values = await keep_outputs(services.store, fetched, aspect=candidate.asked_aspect)
        pursuit.call.checks.require(values)
    except StepError as error:
        failure = error
    except Exception as error:  # local code is ours: its bugs end one row, not the batch
        failure = JobFailedError(f"{candidate.endpoint} failed on this input: {error}")
    else:
        return await services.ledger.do(
            attempts.settle_local, opening, accepted(values, Decimal(0), "exact")
        )
    await services.ledger.do(attempts.settle_local, opening, failed(failure, candidate))
    raise failure


async def _send(pursuit: Pursuit, order: Order, message: Call, opening: Opening) -> Attempt:
    ledger = pursuit.services.ledger
    try:
        answer = await _submit(pursuit, order, message, opening)
    except (RefusedError, UnavailableError, JobFailedError, UserError) as error:
        await ledger.do(attempts.settle, opening.id, failed(error, pursuit.candidate))
        raise
    except BaseException as error:
        # Also when we were cancelled in the middle: the vendor may have taken the order.
        ledger.post(attempts.abandon, opening.id, str(error) or type(error).__name__)
        if isinstance(error, UncertainError | BadReplyError):
            return await found_again(pursuit, await ledger.do(lookup.read, opening.id))
        raise
    if isinstance(answer, Job):
        await _record_job(pursuit, opening, answer)
        usual_seconds = pursuit.candidate.binding.latency.usual_seconds
        return await harvest(pursuit, opening.id, answer, usual_seconds=usual_seconds)
    return await _settle_at_once(pursuit, opening, answer)


async def _record_job(pursuit: Pursuit, opening: Opening, job: Job) -> None:
    """The job is accepted and paid for: whatever goes wrong now, nothing may be sent again."""
    ledger = pursuit.services.ledger
    try:
        await ledger.do(attempts.submitted, opening.id, job.id, job.receipt)
    except (IntegrityError, UserError) as error:
        # The id is that of another job, or the ledger could not be written just now.
        ledger.post(attempts.abandon, opening.id, f"job {job.id} was accepted, but: {error}")
        raise held(pursuit.candidate) from None


async def _settle_at_once(pursuit: Pursuit, opening: Opening, done: Done) -> Attempt:
    try:
        return await settle_done(pursuit, opening.id, done)
    except (ParkedError, UserError) as error:
        # Paid for, with no job to ask again: held, since nobody may send it anew unasked.
        pursuit.services.ledger.post(attempts.abandon, opening.id, str(error))
        raise ParkedError(f"the result was paid for and could not be kept: {error}") from None


async def _submit(pursuit: Pursuit, order: Order, message: Call, opening: Opening) -> Job | Done:
    services = pursuit.services
    for sends_left in reversed(range(SENDS)):
        try:
            return await pursuit.driver.submit(order, message)
        except UnavailableError as error:
            if not sends_left:
                raise
            await services.ledger.do(attempts.waiting, opening.id)
            await pursuit.halt.pause(min(error.retry_after_seconds or 1.0, LONGEST_PAUSE_SECONDS))
            if pursuit.halt.is_set:
                raise
            if not await services.ledger.do(attempts.intend_again, opening.id, services.owner.id):
                raise
    raise AssertionError("unreachable: the last send returns or raises")
