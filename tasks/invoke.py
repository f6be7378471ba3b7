"""One step: which candidate, how often, and whose result counts.

All candidates' keys are looked up before anything is sent, whether or not their provider can be
used today: an accepted result wins, an open attempt is joined or holds the row. Candidates that
this row has already seen fail are passed over. What flows on is always the ledger's result.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from providers.errors import (
    JobFailedError,
    ParkedError,
    RefusedError,
    RejectedError,
    SetupError,
    StepError,
    UnavailableError,
)
from providers.media import Media, Value, value_from_json
from tasks.attempt import obtain
from tasks.candidate import Candidate, StepCall
from tasks.ledger import attempts, lookup
from tasks.ledger.attempt import Attempt
from tasks.restoring import lost, restore
from tasks.services import Services
from tasks.settling import Pursuit

SUBMITS = 3  # that a vendor accepted: the budget of one row, step and item, over all candidates
VERDICTS = ("refused", "rejected")
NOBODYS_FAULT = ("unsent", "cancelled", "given_up", "lost")  # the same candidate may be sent again
FALLS_THROUGH = (JobFailedError, RefusedError, RejectedError, UnavailableError)


@dataclass(frozen=True, slots=True)
class StepResult:
    """What a step gave: its accepted attempt and the value on each output port."""

    attempt: Attempt
    values: Mapping[str, Value]
    reused: bool


@dataclass(frozen=True, slots=True)
class Wish:
    """A candidate to be obtained in at most `tries` submits; `known` is its accepted attempt."""

    call: StepCall
    candidate: Candidate
    tries: int
    known: Attempt | None = None
    is_open: bool = False


Perform = Callable[[Services, Wish], Awaitable[Attempt]]
"""How a wish is carried out: plainly, or as a Prefect task run."""


async def invoke(services: Services, call: StepCall, perform: Perform) -> StepResult:
    """Return the step's result, from the ledger if there is one, else made by a candidate.

    Raises:
        StepError: the last candidate's error, or that the step is parked.
        SetupError: no candidate's provider can be used.
    """
    last: StepError | None = None
    passed: set[str] = set()
    while True:
        seen = await services.ledger.do(
            lookup.survey, call.place, [candidate.key for candidate in call.candidates]
        )
        wish = await _choose(services, call, seen, passed)
        if wish is None:
            raise last or _nothing_left(call, seen)
        try:
            attempt = await perform(services, wish)
            result = result_of(attempt, reused=attempt.place != call.place)
            # Also what another template was content with, whose checks are not this one's.
            call.checks.require(result.values)
            return result
        except FALLS_THROUGH as error:
            last = error
            passed.add(wish.candidate.key)


def result_of(attempt: Attempt, *, reused: bool) -> StepResult:
    """Return the result of an accepted attempt."""
    values = {port: value_from_json(data) for port, data in (attempt.result or {}).items()}
    return StepResult(attempt, values, reused)


async def is_whole(services: Services, attempt: Attempt) -> bool:
    """True when all media of an accepted attempt are in the store, byte by byte."""
    values = result_of(attempt, reused=True).values.values()
    media = [value.sha256 for value in values if isinstance(value, Media)]
    return await asyncio.to_thread(lambda: all(map(services.store.is_intact, media)))


async def perform_plainly(services: Services, wish: Wish) -> Attempt:
    """Carry a wish out without Prefect: another submit only after a job that failed."""
    if wish.known is not None:
        return wish.known
    for number in range(wish.tries):
        try:
            return await obtain(services, wish.call, wish.candidate, is_open=wish.is_open)
        except JobFailedError:
            if number == wish.tries - 1:
                raise
            await wish.call.halt.pause(pause_seconds(number))
    raise ValueError("a wish has at least one try")


def pause_seconds(number: int) -> float:
    """Return the pause after the failed try of that number, from 0: 1, 2, 4 s with jitter."""
    return float(2**number) * random.uniform(0.8, 1.2)


async def _choose(
    services: Services, call: StepCall, seen: list[Attempt], passed: set[str]
) -> Wish | None:
    by_key = {candidate.key: candidate for candidate in call.candidates}
    for candidate in call.candidates:
        if candidate.key in passed:
            continue
        if known := await _accepted(services, call, candidate, seen):
            return Wish(call, candidate, 1, known)
    for attempt in seen:
        if attempt.is_open and attempt.key in by_key:
            if attempt.key in passed:
                raise ParkedError("an earlier submit of this step has not ended")
            if attempt.state == "uncertain" and call.terms.resubmit_uncertain:
                _require_budget(call, seen)
            return Wish(call, by_key[attempt.key], 1, is_open=True)
    if any(attempt.is_open for attempt in seen):
        raise ParkedError("an earlier submit of this step has not ended; nothing else is sent")
    if not call.terms.resubmit_lost:
        _require_none_lost(call, seen)
    return _next(call, seen, passed)


def _require_none_lost(call: StepCall, seen: list[Attempt]) -> None:
    labels = {candidate.key: candidate.label for candidate in call.candidates}
    for attempt in seen:
        if attempt.outcome == "lost" and attempt.provider != "local" and attempt.key in labels:
            raise lost(labels[attempt.key])


def _next(call: StepCall, seen: list[Attempt], passed: set[str]) -> Wish | None:
    here = _of_this_round(call, seen)
    left = SUBMITS - sum(map(was_taken, here))
    failed = {attempt.key for attempt in here if attempt.outcome not in NOBODYS_FAULT}
    verdicts = {
        attempt.key
        for attempt in seen
        if attempt.outcome in VERDICTS and _still_holds(call, attempt)
    }
    able = [
        candidate
        for candidate in call.candidates
        if candidate.is_sendable and candidate.key not in passed | verdicts
    ]
    fresh = [candidate for candidate in able if candidate.key not in failed]
    queue = fresh or able
    if not queue or left <= 0:
        return None
    # Each later candidate keeps one submit, else the first could use up the whole budget.
    tries = max(1, left - (len(queue) - 1))
    return Wish(call, queue[0], 1 if queue[0].is_local else tries)


def _of_this_round(call: StepCall, seen: list[Attempt]) -> list[Attempt]:
    return [
        attempt
        for attempt in seen
        if attempt.place == call.place and attempt.round == call.terms.round
    ]


def _require_budget(call: StepCall, seen: list[Attempt]) -> None:
    if sum(map(was_taken, _of_this_round(call, seen))) >= SUBMITS:
        raise ParkedError(
            "an earlier submit is held, and the budget of submits is spent: `retry --only parked` "
            "gives a new one"
        )


def _still_holds(call: StepCall, attempt: Attempt) -> bool:
    """True for a verdict of this round, or on another row's request at the same vendor.

    `retry` asks anew what this row has asked before; this machine judges each row for itself. What
    other checks turned down is not turned down by these.
    """
    if attempt.outcome == "rejected" and attempt.checks not in (None, call.checks.digest):
        return False
    if attempt.place == call.place:
        return attempt.round == call.terms.round
    return attempt.provider != "local" and not call.terms.round


def was_taken(attempt: Attempt) -> bool:
    """True when the vendor accepted the submit, whatever came of it."""
    if attempt.outcome == "refused":
        return attempt.job is not None  # else it was refused at the door
    return attempt.outcome not in ("unsent", "cancelled")


async def _accepted(
    services: Services, call: StepCall, candidate: Candidate, seen: list[Attempt]
) -> Attempt | None:
    for attempt in seen:
        if attempt.key == candidate.key and attempt.outcome == "accepted":
            if await is_whole(services, attempt):
                return attempt
            if candidate.is_local:
                services.ledger.post(attempts.mark_lost, attempt.id)
                return None
            driver = services.driver(candidate.provider)
            return await restore(Pursuit(services, call, candidate, driver, call.halt), attempt)
    return None


def _nothing_left(call: StepCall, seen: list[Attempt]) -> StepError | SetupError:
    ended = [attempt for attempt in seen if attempt.error]
    if ended:
        last = ended[-1]
        verdicts: dict[str | None, type[StepError]] = {
            "refused": RefusedError,
            "rejected": RejectedError,
        }
        error = verdicts.get(last.outcome, JobFailedError)
        return error(f"{last.error} (tried before; not sent again)")
    labels = ", ".join(candidate.label for candidate in call.candidates)
    return SetupError(f"step {call.place.step!r}: no provider can be used of {labels}")
