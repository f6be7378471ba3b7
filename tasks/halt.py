"""Halt: the word that nothing more is to be sent, and how long what is paid for is waited for.

A row has one, set when the run is stopped or when another branch of the row has failed. Rows that
share a request share its work; that work is halted when the last of them is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from providers.errors import StoppedError


class Halt:
    """Set once and for all; a second setting may only shorten the time that is left."""

    def __init__(self) -> None:
        self.reason = ""
        self.until: float | None = None
        """By the event loop's clock; None: jobs are waited for as long as they take."""
        self._is_set = False
        self._calls: list[Callable[[], None]] = []

    @property
    def is_set(self) -> bool:
        """True when nothing more is to be sent."""
        return self._is_set

    def set(self, reason: str, until: float | None = None) -> None:
        """Let nothing more be sent, and wait for jobs that are paid for until then at most."""
        if not self._is_set:
            self._is_set, self.reason, self.until = True, reason, until
        elif until is None or (self.until is not None and self.until <= until):
            return
        else:
            self.reason, self.until = reason, until
        for call in [*self._calls]:
            call()

    @contextmanager
    def calling(self, function: Callable[[], None]) -> Iterator[None]:
        """Have `function` called while the block runs: when this is set, or at once if it is."""
        self._calls.append(function)
        try:
            if self._is_set:
                function()
            yield
        finally:
            self._calls.remove(function)

    def require_unset(self) -> None:
        """Do nothing while things may be sent.

        Raises:
            StoppedError: it is set.
        """
        if self._is_set:
            raise StoppedError(f"not sent: {self.reason}")

    async def pause(self, seconds: float) -> None:
        """Sleep, but no longer than until this is set."""
        ended = asyncio.get_running_loop().create_future()

        def end() -> None:
            if not ended.done():
                ended.set_result(None)

        with self.calling(end), suppress(TimeoutError):
            await asyncio.wait_for(ended, seconds)
