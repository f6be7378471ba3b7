"""From a finished job to a settled attempt: keep, check, settle; or settle from the receipt.

A result counts only after its bytes are in the store and checked. The receipt is written before
the ledger says so: a process that dies between the two has lost nothing.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from decimal import Decimal

from providers.adapter import Done
from providers.catalog.price import amount_of
from providers.driver import Driver
from providers.errors import (
    BadReplyError,
    MediaflowsError,
    ParkedError,
    RefusedError,
    RejectedError,
    SetupError,
    StepError,
    UnavailableError,
)
from providers.media import Media, Value, value_from_json, value_to_json
from tasks.candidate import Candidate, StepCall
from tasks.halt import Halt
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
    halt: Halt


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
        values = await keep_outputs(
            services.store, fetched, write_receipt, pursuit.candidate.asked_aspect
        )
        pursuit.call.checks.require(values)
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
    return await _settle(pursuit, attempt_id, accepted(values, amount, grade, done.units))


async def _settle(pursuit: Pursuit, attempt_id: str, settlement: Settlement) -> Attempt:
    attempt = await pursuit.services.ledger.do(attempts.settle_and_read, attempt_id, settlement)
    if attempt.outcome != "accepted":
        raise ParkedError(
            f"{pursuit.candidate.label} gave a result for an attempt that was already settled as "
            f"{attempt.outcome}; another attempt's result stands"
        )
    return attempt


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
        values = await check_outputs(services.store, values, pursuit.candidate.asked_aspect)
        pursuit.call.checks.require(values)
    except RejectedError:
        return None  # its job is asked for again, and turned down there
    amount, units = _decimal(receipt["amount_usd"]), _decimal(receipt["units"])
    return await _settle(pursuit, attempt_id, accepted(values, amount, receipt["grade"], units))


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


def cancelled(error: StepError, candidate: Candidate) -> Settlement:
    """Return the settlement of a job that we cancelled while that was known to be free.

    Where it is free only while a job is queued, the job may have begun in between: then what it
    cost is an estimate, unless the vendor says that it is not billed.
    """
    is_sure = error.billed is False or candidate.binding.cancel.free_while == "running"
    return Settlement(
        "cancelled",
        amount=Decimal(0),
        grade="exact" if is_sure else "estimate",
        error_class="StoppedError",
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
