"""Make what a step is given fit its binding, just before it is sent.

What already fits passes untouched, byte for byte. What was done is recorded with the attempt; the
request key holds the original's digest, so that a better fit of ours never asks for a new payment.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from providers.adapter import Material, Order, Part
from providers.catalog.limits import PortLimits
from providers.catalog.shape import Shape, shape_of
from providers.errors import InputError, RefusedError
from providers.fit import FitChoice, PictureFit, asked_aspect, fit_picture, fit_text
from providers.local.adapter import workers
from providers.local.fit_picture import fitted
from tasks.candidate import Candidate
from tasks.keep import media_of
from tasks.store import Store

PICTURES = ("image", "mask")


@dataclass(frozen=True, slots=True)
class Fitted:
    """An order that its binding takes; `done` says what was changed on which port."""

    order: Order
    done: Mapping[str, Any]


async def fit_order(store: Store, candidate: Candidate, order: Order) -> Fitted:
    """Return the order with every value as its binding takes it.

    Raises:
        RefusedError: a value cannot be made to fit; nothing was sent.
    """
    takes = candidate.binding.limits.takes
    if not takes:
        return Fitted(order, {})
    inputs: dict[str, Part] = {}
    done: dict[str, Any] = {}
    choice = FitChoice(**candidate.fit)
    for port, part in order.inputs.items():
        limits = takes.get(port)
        if limits is None:
            inputs[port] = part
            continue
        aspect = asked_aspect(limits, order.parameters)
        try:
            inputs[port], notes = await _part(store, part, limits, choice, aspect)
        except InputError as error:
            message = f"{candidate.label}: {port}: {error}"
            raise RefusedError(message, billed=False) from None
        if notes:
            done[port] = notes
    return Fitted(replace(order, inputs=inputs), done)


async def _part(
    store: Store, part: Part, limits: PortLimits, choice: FitChoice, aspect: str | None
) -> tuple[Part, list[Any]]:
    if isinstance(part, tuple):
        pairs = [await _part(store, item, limits, choice, aspect) for item in part]
        return tuple(one for one, _ in pairs), [note for _, notes in pairs for note in notes]
    if isinstance(part, str):
        text = fit_text(part, limits, choice)
        cut = [f"cut from {len(part):,} to {len(text):,} characters"] if text != part else []
        return text, cut
    shape = shape_of(part.media)
    if part.media.kind not in PICTURES or not isinstance(shape, Shape):
        return part, []
    fit = fit_picture(shape, limits, choice, aspect)
    if fit.is_nothing:
        return part, []
    work = functools.partial(_picture, store, part, fit)
    made = await asyncio.get_running_loop().run_in_executor(workers(), work)
    return made, [{"done": fit.words(), "sent": made.media.sha256}]


def _picture(store: Store, part: Material, fit: PictureFit) -> Material:
    data = fitted(part.path, fit)
    sha256 = store.put(data)
    path = store.path(sha256)
    return Material(media_of(sha256, path, data), path)
