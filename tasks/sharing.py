"""Sharing: one piece of work per request at a time; everyone who asks meanwhile gets its outcome."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from tasks.halt import Halt

T = TypeVar("T")


@dataclass(slots=True)
class _Shared(Generic[T]):
    """Work under way: its own halt, and those of everyone who waits for it."""

    halt: Halt
    task: asyncio.Future[T]
    waiters: list[Halt] = field(default_factory=list)

    def halt_with_the_last(self) -> None:
        """Halt the work when nobody is left who would have it sent."""
        if all(waiter.is_set for waiter in self.waiters):
            limits = [waiter.until for waiter in self.waiters]
            known = [until for until in limits if until is not None]
            self.halt.set(
                self.waiters[-1].reason, max(known) if len(known) == len(limits) else None
            )


class Sharing(Generic[T]):
    """The work of one event loop, by key."""

    def __init__(self) -> None:
        self._shared: dict[str, _Shared[T]] = {}

    async def get(self, key: str, halt: Halt, start: Callable[[Halt], Awaitable[T]]) -> T:
        """Return the outcome of the work on `key`, started here when nobody has.

        The work gets a halt of its own, set when everyone who waits has been halted.
        """
        shared = self._shared.get(key)
        while shared and shared.halt.is_set and not halt.is_set:
            await asyncio.wait({shared.task})  # being stopped for others: begun anew after that
            shared = self._shared.get(key)
        if shared is None:
            shared = self._begin(key, start)
        shared.waiters.append(halt)
        try:
            with halt.calling(shared.halt_with_the_last):
                return await asyncio.shield(shared.task)
        finally:
            shared.waiters.remove(halt)
            if not shared.waiters and not shared.task.done():  # the last waiter was cancelled
                self._forget(key, shared)
                shared.task.cancel()

    def _begin(self, key: str, start: Callable[[Halt], Awaitable[T]]) -> _Shared[T]:
        halt = Halt()
        shared = self._shared[key] = _Shared(halt, asyncio.ensure_future(start(halt)))
        shared.task.add_done_callback(lambda task: self._forget(key, shared))
        return shared

    def _forget(self, key: str, shared: _Shared[T]) -> None:
        if self._shared.get(key) is shared:
            del self._shared[key]
