"""Fetch a paid result again whose bytes are missing from the store, or say that it is lost."""

from __future__ import annotations

from providers.adapter import Done, Job
from providers.errors import (
    ExpiredError,
    JobFailedError,
    ParkedError,
    RefusedError,
    StepError,
    UserError,
)
from providers.media import Value, value_to_json
from tasks.keep import fetch_outputs, keep_outputs
from tasks.ledger import attempts, lookup
from tasks.ledger.attempt import Attempt
from tasks.settling import Pursuit

ASKING_SECONDS = 60.0  # for a job that ended long ago


def lost(label: str) -> ParkedError:
    """Return the error of a row whose paid result is gone, here and at the vendor."""
    return ParkedError(
        f"the result of {label} was paid for and is lost: its bytes are neither in the store nor "
        "at the vendor; --on-lost resubmit pays for it anew"
    )


async def restore(pursuit: Pursuit, attempt: Attempt) -> Attempt:
    """Return an accepted attempt whose bytes are in the store again.

    Raises:
        ParkedError: they could not be had now; or they are gone at the vendor, too, and the
            attempt is marked as lost.
    """
    label, services = pursuit.candidate.label, pursuit.services
    try:
        values = await _fetched_again(pursuit, attempt)
    except (ExpiredError, JobFailedError, RefusedError):
        # The vendor's own word. A key that is refused, or no connection, says nothing of the kind.
        await services.ledger.do(attempts.mark_lost, attempt.id)
        raise lost(label) from None
    except (StepError, UserError) as error:
        raise ParkedError(
            f"the result of {label} is missing from the store and could not be fetched again: "
            f"{error}"
        ) from None
    result = {port: value_to_json(value) for port, value in values.items()}
    if result != attempt.result:
        await services.ledger.do(attempts.replace_result, attempt.id, result)
    return await services.ledger.do(lookup.read, attempt.id)


async def _fetched_again(pursuit: Pursuit, attempt: Attempt) -> dict[str, Value]:
    if attempt.job is None:
        raise ExpiredError("the vendor gave it at once and keeps nothing")
    if not pursuit.candidate.is_sendable:
        raise ParkedError(f"{pursuit.candidate.provider} cannot be asked without its key")
    driver, store = pursuit.driver, pursuit.services.store
    job = Job(attempt.job, attempt.receipt or {})
    done: Done = await driver.wait(job, usual_seconds=0.0, deadline_seconds=ASKING_SECONDS)
    fetched = await fetch_outputs(store, driver, done, pursuit.call.ports)
    return await keep_outputs(store, fetched, aspect=pursuit.candidate.asked_aspect)
