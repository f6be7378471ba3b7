"""From a job to a settled attempt: wait, keep, check, settle; or settle from the receipt.

A result counts only after its bytes are in the store and checked. The receipt is written before
the ledger says so: a process that dies between the two has lost nothing.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from decimal import Decimal

from providers.adapter import Done, Job
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
    UserError,
)
from providers.media import Media, Value, value_from_json, value_to_json
from tasks.candidate import Candidate, StepCall
from tasks.keep import check_outputs, fetch_outputs, keep_outputs
from tasks.ledger import attempts
from tasks.ledger.attempt import Attempt, Settlement
from tasks.services import Services

OUTCOMES: dict[type[MediaflowsError], str] = {
    RefusedError: "refused",
    RejectedError: "rejected",
    UnavailableError: "unsent",
    SetupError: "unsent",
}


@dataclass(frozen=True, slots=True)
class Pursuit:
    """One candidate of one step on its way to a result, with all that it needs on the way."""

    services: Services
    call: StepCall
    candidate: Candidate
    driver: Driver


async def harvest(pursuit: Pursuit, attempt_id: str, job: Job) -> Attempt:
    """Return the accepted attempt of a job, when it has finished and its result is kept.

    Raises:
        StepError: the job failed or was refused, or its result was turned down.
        ParkedError: it has not ended, or its result could not be fetched yet.
    """
    latency, label = pursuit.candidate.binding.latency, pursuit.candidate.label
    try:
        done = await pursuit.driver.wait(
            job,
            usual_seconds=latency.usual_seconds,
            deadline_seconds=latency.longest_seconds,
        )
    except (JobFailedError, RefusedError) as error:
        settlement = failed(error, pursuit.candidate)
        await pursuit.services.ledger.do(attempts.settle, attempt_id, settlement)
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


async def settle_done(pursuit: Pursuit, attempt_id: str, done: Done) -> Attempt:
    """Keep and check what a finished job gave; return its attempt, accepted.

    Raises:
        RejectedError: it was paid for and cannot be used.
    """
    services = pursuit.services
    amount, grade = cost(pursuit.candidate, done)

    def write_receipt(values: dict[str, Value]) -> None:
        receipt = {
            "attempt": attempt_id,
            "key": pursuit.candidate.key,
            "result": {port: value_to_json(value) for port, value in values.items()},
            "units": done.units,
            "amount_usd": amount,
            "grade": grade,
        }
        services.store.write_receipt(attempt_id, receipt)

    try:
        fetched = await fetch_outputs(services.store, pursuit.driver, done, pursuit.call.ports)
        values = await keep_outputs(services.store, fetched, write_receipt)
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
        attempts.settle_and_read, attempt_id, accepted(values, amount, grade, done.units)
    )


async def settle_from_receipt(pursuit: Pursuit, attempt_id: str) -> Attempt | None:
    """Return the attempt, accepted from its receipt and bytes in the store; None without them."""
    services = pursuit.services
    receipt = await asyncio.to_thread(services.store.read_receipt, attempt_id)
    if receipt is None:
        return None
    values = {port: value_from_json(data) for port, data in receipt["result"].items()}
    media = [value for value in values.values() if isinstance(value, Media)]
    if not all(services.store.has(one.sha256) for one in media):
        return None
    try:
        await check_outputs(services.store, values)
    except RejectedError:
        return None  # its job is asked for again, and turned down there
    amount, units = _decimal(receipt["amount_usd"]), _decimal(receipt["units"])
    return await services.ledger.do(
        attempts.settle_and_read, attempt_id, accepted(values, amount, receipt["grade"], units)
    )


def accepted(
    values: dict[str, Value],
    amount: Decimal | None,
    grade: str | None,
    units: Decimal | None = None,
) -> Settlement:
    """Return the settlement of an attempt whose result counts."""
    result = {port: value_to_json(value) for port, value in values.items()}
    return Settlement("accepted", result, units, amount, grade)


def failed(error: MediaflowsError, candidate: Candidate) -> Settlement:
    """Return the settlement of an attempt that ended in `error`; billed only if the vendor says so."""
    outcome = OUTCOMES.get(type(error), "failed")
    billed = error.billed if isinstance(error, StepError) else False
    grade = "estimate" if billed is None else "exact"
    if billed and not candidate.is_local:
        return _billed(outcome, error, candidate)
    return Settlement(
        outcome,
        amount=Decimal(0),
        grade=grade,
        error_class=type(error).__name__,
        error=str(error),
    )


def _billed(outcome: str, error: MediaflowsError, candidate: Candidate) -> Settlement:
    """A failure that is charged: at the price of the call, and unpriced where that is not known."""
    return Settlement(
        outcome,
        amount=candidate.quote.expected,
        grade=candidate.quote.grade,
        error_class=type(error).__name__,
        error=str(error),
    )


def cost(candidate: Candidate, done: Done) -> tuple[Decimal | None, str | None]:
    """Return what a finished job cost in USD, and how sure that is."""
    if done.amount_usd is not None:
        return done.amount_usd, done.grade or "exact"
    price = candidate.binding.price
    if done.units is not None and price is not None:
        return amount_of(price, done.units), price.grade
    return candidate.quote.expected, candidate.quote.grade


def held(candidate: Candidate) -> ParkedError:
    """Return the error of a row whose submit may or may not have been accepted."""
    return ParkedError(
        f"{candidate.label} may have accepted and billed a request whose answer was lost; it is "
        "held and never sent again by itself"
    )


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
