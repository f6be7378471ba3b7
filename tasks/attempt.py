"""One attempt at one request: claim, send, wait, keep, settle; or join whoever is doing it.

Nothing is sent before the intent is in the ledger, and a result counts only after its bytes are
in the store and checked. Three transactions for a job, two for a synchronous answer, one for
local work.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from decimal import Decimal
from typing import cast
from uuid import uuid4

from providers.adapter import Call, Done, Job, Material, Order, Part
from providers.catalog.price import amount_of
from providers.driver import Driver
from providers.errors import (
    BadReplyError,
    JobFailedError,
    MediaflowsError,
    ParkedError,
    RefusedError,
    RejectedError,
    SetupError,
    StepError,
    UnavailableError,
    UncertainError,
    UserError,
)
from providers.media import Media, Value, value_to_json
from tasks.candidate import Candidate, StepCall
from tasks.keep import check_outputs, keep_outputs
from tasks.ledger import attempts, owners
from tasks.ledger.attempts import Attempt, Opening, Settlement
from tasks.services import Services

SENDS = 5  # of one submit, each but the first after proof that the last was not accepted
LONGEST_PAUSE_SECONDS = 60.0
JOIN_POLL_SECONDS = 0.3
OUTCOMES: dict[type[MediaflowsError], str] = {
    RefusedError: "refused",
    RejectedError: "rejected",
    UnavailableError: "unsent",
    SetupError: "unsent",
}
ENDINGS: dict[str, type[StepError]] = {
    "refused": RefusedError,
    "rejected": RejectedError,
    "unsent": UnavailableError,
}


async def obtain(services: Services, call: StepCall, candidate: Candidate) -> Attempt:
    """Return the accepted attempt for the candidate's request, made now when nobody has.

    Rows of this process that ask for the same request share one attempt.

    Raises:
        StepError: why there is none.
    """
    shared = services.in_flight.get(candidate.key, lambda: _obtain(services, call, candidate))
    return cast(Attempt, await shared)


async def _obtain(services: Services, call: StepCall, candidate: Candidate) -> Attempt:
    driver = services.driver(candidate.provider)
    order = await driver.prepare(await asyncio.to_thread(_order, services, candidate))
    while True:
        async with services.slot(candidate.provider):
            opening = Opening(
                id=uuid4().hex,
                key=candidate.key,
                fields=candidate.fields,
                place=call.place,
                owner=services.owner.id,
                low=candidate.quote.low,
                high=candidate.quote.high,
            )
            if candidate.is_local:
                return await _do_locally(services, call, candidate, driver, order, opening)
            message = driver.adapter.submit(order)
            opening = replace(opening, body_digest=message.digest())
            if await services.ledger.do(attempts.open_attempt, opening):
                return await _send(services, call, candidate, driver, order, message, opening)
        if joined := await _join(services, call, candidate, driver):
            return joined


async def _do_locally(
    services: Services,
    call: StepCall,
    candidate: Candidate,
    driver: Driver,
    order: Order,
    opening: Opening,
) -> Attempt:
    try:
        done = await driver.submit(order, driver.adapter.submit(order))
        values = await keep_outputs(services.store, driver, cast(Done, done), call.ports)
    except StepError as error:
        settlement, failure = _failed(error, candidate), error
    except Exception as error:  # local code is ours: its bugs end one row, not the batch
        failure = JobFailedError(f"{candidate.endpoint} failed on this input: {error}")
        settlement = _failed(failure, candidate)
    else:
        return await services.ledger.do(
            attempts.settle_local, opening, _accepted(values, Decimal(0), "exact")
        )
    await services.ledger.do(attempts.settle_local, opening, settlement)
    raise failure


async def _send(
    services: Services,
    call: StepCall,
    candidate: Candidate,
    driver: Driver,
    order: Order,
    message: Call,
    opening: Opening,
) -> Attempt:
    try:
        answer = await _submit(services, driver, order, message, opening)
    except (RefusedError, UnavailableError, JobFailedError, UserError) as error:
        await services.ledger.do(attempts.settle, opening.id, _failed(error, candidate))
        raise
    except BaseException as error:
        # Also when we were cancelled in the middle: the vendor may have taken the order.
        services.ledger.post(attempts.uncertain, opening.id, str(error) or type(error).__name__)
        if isinstance(error, UncertainError | BadReplyError):
            raise _held(candidate) from None
        raise
    if isinstance(answer, Job):
        await services.ledger.do(attempts.submitted, opening.id, answer.id, answer.receipt)
        return await _harvest(services, call, candidate, driver, opening.id, answer)
    return await _settle(services, call, candidate, driver, opening.id, answer)


async def _submit(
    services: Services, driver: Driver, order: Order, message: Call, opening: Opening
) -> Job | Done:
    for sends_left in reversed(range(SENDS)):
        try:
            return await driver.submit(order, message)
        except UnavailableError as error:
            if not sends_left:
                raise
            await services.ledger.do(attempts.waiting, opening.id)
            await asyncio.sleep(min(error.retry_after_seconds or 1.0, LONGEST_PAUSE_SECONDS))
            if not await services.ledger.do(attempts.intend_again, opening.id, services.owner.id):
                raise
    raise AssertionError("unreachable: the last send returns or raises")


async def _harvest(
    services: Services,
    call: StepCall,
    candidate: Candidate,
    driver: Driver,
    attempt_id: str,
    job: Job,
) -> Attempt:
    latency = candidate.binding.latency
    try:
        done = await driver.wait(
            job,
            usual_seconds=latency.usual_seconds,
            deadline_seconds=latency.longest_seconds,
        )
    except (JobFailedError, RefusedError) as error:
        await services.ledger.do(attempts.settle, attempt_id, _failed(error, candidate))
        raise
    except BadReplyError as error:
        raise ParkedError(f"job {job.id} of {candidate.label} runs on, but {error}") from None
    try:
        return await _settle(services, call, candidate, driver, attempt_id, done)
    except UnavailableError as error:
        # Paid for and not fetched: the attempt stays open, so that nothing else is sent for it.
        raise ParkedError(
            f"the result of job {job.id} of {candidate.label} could not be fetched, and is taken "
            f"by the next run: {error}"
        ) from None


async def _settle(
    services: Services,
    call: StepCall,
    candidate: Candidate,
    driver: Driver,
    attempt_id: str,
    done: Done,
) -> Attempt:
    amount, grade = _cost(candidate, done)
    try:
        values = await keep_outputs(services.store, driver, done, call.ports)
        receipt = {
            "attempt": attempt_id,
            "key": candidate.key,
            "result": {port: value_to_json(value) for port, value in values.items()},
            "units": done.units,
            "amount_usd": amount,
            "grade": grade,
        }
        await asyncio.to_thread(services.store.write_receipt, attempt_id, receipt)
        await check_outputs(services.store, values)
    except (RejectedError, BadReplyError) as error:
        settlement = Settlement(
            "rejected",
            units=done.units,
            amount=amount,
            grade=grade,
            error_class=type(error).__name__,
            error=str(error),
        )
        await services.ledger.do(attempts.settle, attempt_id, settlement)
        raise RejectedError(str(error)) from None
    return await services.ledger.do(
        attempts.settle_and_read, attempt_id, _accepted(values, amount, grade, done.units)
    )


async def _join(
    services: Services, call: StepCall, candidate: Candidate, driver: Driver
) -> Attempt | None:
    """Another row, run or process has this request open, or has finished it meanwhile.

    None: its owner died before the vendor had accepted anything, so it is ours to send.
    """
    deadline = time.monotonic() + candidate.binding.latency.longest_seconds
    while True:
        found = await services.ledger.do(attempts.survey, call.place, [candidate.key])
        held = [attempt for attempt in found if attempt.key == candidate.key]
        if accepted := [attempt for attempt in held if attempt.outcome == "accepted"]:
            return accepted[0]
        opened = next((attempt for attempt in held if attempt.is_open), None)
        if opened is None:
            raise _as_it_ended(held[-1])
        if opened.state == "submitted":
            job = Job(cast(str, opened.job), opened.receipt or {})
            return await _harvest(services, call, candidate, driver, opened.id, job)
        if opened.state == "uncertain":
            raise _held(candidate)
        if not await services.ledger.do(owners.is_alive, opened.owner):
            await _bury(services, opened)
            if opened.state == "waiting" and candidate.is_sendable:
                return None
            continue
        if time.monotonic() > deadline:
            raise ParkedError(f"another process has been sending {candidate.label} for too long")
        await asyncio.sleep(JOIN_POLL_SECONDS)


def _as_it_ended(attempt: Attempt) -> StepError:
    """The error of an attempt that another made, so that no retry sends what was refused."""
    error = ENDINGS.get(attempt.outcome or "", JobFailedError)
    return error(attempt.error or f"another row's attempt ended {attempt.outcome}")


async def _bury(services: Services, opened: Attempt) -> None:
    """A dead owner's intent may have been accepted; what was waiting provably was not."""
    if opened.state == "waiting":
        await services.ledger.do(attempts.settle, opened.id, Settlement("unsent"))
    else:
        await services.ledger.do(
            attempts.uncertain, opened.id, "the process that sent it died before the answer"
        )


def _order(services: Services, candidate: Candidate) -> Order:
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


def _accepted(
    values: dict[str, Value],
    amount: Decimal | None,
    grade: str | None,
    units: Decimal | None = None,
) -> Settlement:
    result = {port: value_to_json(value) for port, value in values.items()}
    return Settlement("accepted", result, units, amount, grade)


def _cost(candidate: Candidate, done: Done) -> tuple[Decimal | None, str | None]:
    """Return what a finished job cost in USD, and how sure that is."""
    if done.amount_usd is not None:
        return done.amount_usd, done.grade or "exact"
    price = candidate.binding.price
    if done.units is not None and price is not None:
        return amount_of(price, done.units), price.grade
    return candidate.quote.expected, candidate.quote.grade


def _failed(error: MediaflowsError, candidate: Candidate) -> Settlement:
    outcome = OUTCOMES.get(type(error), "failed")
    billed = error.billed if isinstance(error, StepError) else False
    amount, grade = Decimal(0), "estimate" if billed is None else "exact"
    if billed and not candidate.is_local:
        amount, grade = candidate.quote.expected or Decimal(0), candidate.quote.grade
    return Settlement(
        outcome,
        amount=amount,
        grade=grade,
        error_class=type(error).__name__,
        error=str(error),
    )


def _held(candidate: Candidate) -> ParkedError:
    return ParkedError(
        f"{candidate.label} may have accepted and billed a request whose answer was lost; it is "
        "held and never sent again by itself"
    )
