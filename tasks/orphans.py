"""Orphans: jobs at vendors that nobody waits for any more; the next run, whatever it is, takes them.

Their cost stands with the row that caused them, and that row finds the result when it goes on.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from sqlalchemy import Connection

from providers.adapter import Job
from providers.catalog import load_model
from providers.errors import ExpiredError, MediaflowsError, RequestError
from providers.kinds import kind_named
from tasks.candidate import Candidate, StepCall
from tasks.halt import Halt
from tasks.harvest import harvest
from tasks.ledger import attempts, lookup, owners
from tasks.ledger.attempt import Attempt
from tasks.services import Services
from tasks.settling import Pursuit, settle_from_receipt

log = logging.getLogger(__name__)

PATIENCE_SECONDS = 20.0  # for a job of another run: it may run on, and be taken by a later one
AT_ONCE = 16


def bury(connection: Connection) -> None:
    """Hold every submit whose process died before the answer; what never was accepted is unsent.

    Rows that come by an attempt do the same; some have another candidate's result and never do.
    """
    found = [one for one in lookup.open_attempts(connection) if one.state in ("intent", "waiting")]
    alive = {owner: owners.is_alive(connection, owner) for owner in {one.owner for one in found}}
    for attempt in found:
        if not alive[attempt.owner]:
            attempts.abandon(
                connection, attempt.id, "the process that sent it died before the answer"
            )


def orphans(connection: Connection) -> list[Attempt]:
    """Return the attempts whose job was accepted by a vendor and whose process is gone."""
    found = [one for one in lookup.open_attempts(connection) if one.state == "submitted"]
    alive = {owner: owners.is_alive(connection, owner) for owner in {one.owner for one in found}}
    return [one for one in found if not alive[one.owner]]


async def harvest_orphans(services: Services, found: Sequence[Attempt]) -> int:
    """Take the results of these attempts' jobs as far as they are finished; return how many were.

    What fails here fails its own attempt; nothing is raised, and nothing is ever sent.
    """
    slots = asyncio.Semaphore(AT_ONCE)

    async def one(attempt: Attempt) -> bool:
        # Only as long as a job that is finished needs: one that runs on is a later run's.
        try:
            async with slots, asyncio.timeout(PATIENCE_SECONDS):
                return await _harvested(services, attempt, Halt())
        except TimeoutError:
            return False

    return sum(await asyncio.gather(*(one(attempt) for attempt in found)))


async def drain_run(services: Services, run: str, seconds: float) -> int:
    """Cancel the jobs of a dead run where that is free, and take the results of the others.

    Returns how many results were taken in the time that is given.
    """
    found = [one for one in await services.ledger.do(orphans) if one.place.run == run]
    halt = Halt()
    halt.set("the run was cancelled", asyncio.get_running_loop().time() + seconds)
    taken = await asyncio.gather(*(_harvested(services, one, halt) for one in found))
    return sum(taken)


async def pursuit_of(services: Services, attempt: Attempt, halt: Halt) -> Pursuit:
    """Return an attempt's pursuit, from what the ledger and the catalog know of it.

    Raises:
        UserError: its model, its provider or its key is not there today.
    """
    fields = await services.ledger.do(lookup.fields_of, attempt.key)
    model = load_model(attempt.model)
    binding = next(
        (
            binding
            for binding in model.bindings
            if (binding.provider, binding.endpoint) == (attempt.provider, attempt.endpoint)
        ),
        None,
    )
    if binding is None:
        raise RequestError(
            f"{attempt.model}@{attempt.provider} is no longer at {attempt.endpoint} in the catalog."
        )
    provider = services.providers[attempt.provider]
    candidate = Candidate(
        model=model,
        binding=binding,
        provider=attempt.provider,
        endpoint=attempt.endpoint,
        realm=attempt.realm,
        parameters=fields["parameters"],
        inputs=fields["inputs"],  # as they stand in the key: nothing is made of them here
        is_sendable=provider.has_key() and provider.realm() == attempt.realm,
        fit=fields["fit"],
        take=attempt.take,
    )
    ports = {name: port.type.word for name, port in kind_named(model.kind).outputs.items()}
    call = StepCall(attempt.place, attempt.place.row, (candidate,), ports)
    return Pursuit(services, call, candidate, services.driver(attempt.provider), halt)


async def _harvested(services: Services, attempt: Attempt, halt: Halt) -> bool:
    try:
        pursuit = await pursuit_of(services, attempt, halt)
        if await settle_from_receipt(pursuit, attempt.id):
            return True
        if not pursuit.candidate.is_sendable or attempt.job is None:
            return False
        await harvest(pursuit, attempt.id, Job(attempt.job, attempt.receipt or {}))
    except MediaflowsError as error:
        if not isinstance(error, ExpiredError):
            log.info("job %s of run %s: %s", attempt.job, attempt.place.run, error)
        return False
    return True
