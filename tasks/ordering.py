"""Make an order of a candidate: its media become verified files of the store."""

from __future__ import annotations

import asyncio

from providers.adapter import Material, Order, Part
from providers.media import Media, Value
from tasks.candidate import Candidate
from tasks.services import Services


async def order_of(services: Services, candidate: Candidate) -> Order:
    """Return the candidate's order, its media as verified files of the store.

    Raises:
        ParkedError: a file is missing or damaged.
    """
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
