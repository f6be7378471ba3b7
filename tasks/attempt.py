"""One attempt at one request: claim, write the intent, send; or join whoever is doing it.

Nothing is sent before the intent is in the ledger. Three transactions for a job, two for a
synchronous answer, one for local work.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from decimal import Decimal
from typing import cast
from uuid import uuid4

from sqlalchemy.exc import IntegrityError

from providers.adapter import Call, Done, Job, Material, Order, Part
from providers.errors import (
    BadReplyError,
    JobFailedError,
    RefusedError,
    StepError,
    UnavailableError,
    UncertainError,
    UserError,
)
from providers.media import Media, Value
from tasks.candidate import Candidate, StepCall
from tasks.joining import join
from tasks.keep import fetch_outputs, keep_outputs
from tasks.ledger import attempts
from tasks.ledger.attempts import Attempt, Opening
from tasks.services import Services
from tasks.settling import Pursuit, accepted, failed, harvest, held, settle_done

SENDS = 5  # of one submit, each but the first after proof that the last was not accepted
LONGEST_PAUSE_SECONDS = 60.0


async def obtain(services: Services, call: StepCall, candidate: Candidate) -> Attempt:
    """Return the accepted attempt for the candidate's request, made now when nobody has.

    Rows of this process that ask for the same request share one attempt.

    Raises:
        StepError: why there is none.
    """
    pursuit = Pursuit(services, call, candidate, services.driver(candidate.provider))
    return cast(Attempt, await services.in_flight.get(candidate.key, lambda: _obtain(pursuit)))


async def _obtain(pursuit: Pursuit) -> Attempt:
    services, candidate, driver = pursuit.services, pursuit.candidate, pursuit.driver
    order = await driver.prepare(await _order(services, candidate))
    while True:
        async with services.slot(candidate.provider):
            opening = _opening(pursuit)
            if candidate.is_local:
                return await _do_locally(pursuit, order, opening)
            message = driver.adapter.submit(order)
            opening = replace(opening, body_digest=message.digest())
            if await services.ledger.do(attempts.open_attempt, opening):
                return await _send(pursuit, order, message, opening)
        if joined := await join(pursuit):
            return joined


def _opening(pursuit: Pursuit) -> Opening:
    candidate = pursuit.candidate
    return Opening(
        id=uuid4().hex,
        key=candidate.key,
        fields=candidate.fields,
        place=pursuit.call.place,
        owner=pursuit.services.owner.id,
        low=candidate.quote.low,
        high=candidate.quote.high,
    )


async def _do_locally(pursuit: Pursuit, order: Order, opening: Opening) -> Attempt:
    services, candidate, driver = pursuit.services, pursuit.candidate, pursuit.driver
    failure: StepError
    try:
        done = cast(Done, await driver.submit(order, driver.adapter.submit(order)))
        fetched = await fetch_outputs(services.store, driver, done, pursuit.call.ports)
        values = await keep_outputs(services.store, fetched)
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
        if isinstance(answer, Job):
            await ledger.do(attempts.submitted, opening.id, answer.id, answer.receipt)
    except (RefusedError, UnavailableError, JobFailedError, UserError) as error:
        await ledger.do(attempts.settle, opening.id, failed(error, pursuit.candidate))
        raise
    except IntegrityError:
        # A vendor that gives the id of another job: whose result it names cannot be known.
        ledger.post(attempts.uncertain, opening.id, "the vendor answered with another job's id")
        raise held(pursuit.candidate) from None
    except BaseException as error:
        # Also when we were cancelled in the middle: the vendor may have taken the order.
        ledger.post(attempts.uncertain, opening.id, str(error) or type(error).__name__)
        if isinstance(error, UncertainError | BadReplyError):
            raise held(pursuit.candidate) from None
        raise
    if isinstance(answer, Job):
        return await harvest(pursuit, opening.id, answer)
    return await settle_done(pursuit, opening.id, answer)


async def _submit(pursuit: Pursuit, order: Order, message: Call, opening: Opening) -> Job | Done:
    services = pursuit.services
    for sends_left in reversed(range(SENDS)):
        try:
            return await pursuit.driver.submit(order, message)
        except UnavailableError as error:
            if not sends_left:
                raise
            await services.ledger.do(attempts.waiting, opening.id)
            await asyncio.sleep(min(error.retry_after_seconds or 1.0, LONGEST_PAUSE_SECONDS))
            if not await services.ledger.do(attempts.intend_again, opening.id, services.owner.id):
                raise
    raise AssertionError("unreachable: the last send returns or raises")


async def _order(services: Services, candidate: Candidate) -> Order:
    media = [value for value in candidate.inputs.values() if isinstance(value, Media | tuple)]
    if not media:
        return _ordered(services, candidate)
    return await asyncio.to_thread(_ordered, services, candidate)


def _ordered(services: Services, candidate: Candidate) -> Order:
    return Order(
        binding=candidate.binding,
        parameters=candidate.parameters,
        inputs={
            port: _part(services, value)
            for port, value in candidate.inputs.items()
            if value is not None
        },
        take=candidate.take,
    )


def _part(services: Services, value: Value) -> Part:
    if isinstance(value, Media):
        return Material(value, services.store.verified(value.sha256))
    if isinstance(value, tuple):
        return tuple(_part(services, item) for item in value)
    return str(value)
