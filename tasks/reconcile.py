"""Reconcile: ask the vendors again about everything that has not ended; a person settles the rest."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence

from providers.adapter import Job
from providers.errors import MediaflowsError, ParkedError, StepError
from tasks.finding import find, take_up
from tasks.halt import Halt
from tasks.harvest import harvest
from tasks.ledger import attempts, lookup, owners
from tasks.ledger.attempt import Attempt
from tasks.orphans import pursuit_of
from tasks.services import Services
from tasks.settling import settle_from_receipt

ASKING_SECONDS = 30.0  # for one attempt: a job that still runs goes on running


async def reconcile(services: Services, meant: Sequence[Attempt]) -> Counter[str]:
    """Ask about these open attempts; return how they stand now, by word: outcome or state.

    Nothing is ever sent. An attempt of a live process is left to it.
    """
    found = [
        attempt for attempt in meant if not await services.ledger.do(owners.is_alive, attempt.owner)
    ]
    await asyncio.gather(*(_ask(services, attempt) for attempt in found))
    return Counter(await _words(services, meant))


async def _words(services: Services, found: Sequence[Attempt]) -> list[str]:
    now = [await services.ledger.do(lookup.read, attempt.id) for attempt in found]
    return [attempt.outcome or attempt.state for attempt in now]


async def _ask(services: Services, attempt: Attempt) -> None:
    if attempt.state in ("intent", "waiting"):
        reason = "the process that sent it died before the answer"
        await services.ledger.do(attempts.abandon, attempt.id, reason)
    if attempt.state == "waiting":
        return
    try:
        async with asyncio.timeout(ASKING_SECONDS):
            await _bring_in(services, await services.ledger.do(lookup.read, attempt.id))
    except (StepError, MediaflowsError, TimeoutError):
        return  # it stands in the ledger as it is


async def _bring_in(services: Services, attempt: Attempt) -> None:
    pursuit = await pursuit_of(services, attempt, Halt())
    if await settle_from_receipt(pursuit, attempt.id):
        return
    if not pursuit.candidate.is_sendable:
        raise ParkedError(f"{attempt.provider} cannot be asked: not its key, or not its place")
    if attempt.job is not None:
        await harvest(pursuit, attempt.id, Job(attempt.job, attempt.receipt or {}))
    elif job := await find(pursuit, attempt):
        await take_up(pursuit, attempt, job)
