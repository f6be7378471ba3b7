"""Drive one job: place the order, wait, fetch. The only place that sends calls to providers.

It repeats polls and never a submit; whether a failed attempt is tried again is decided above.
"""

from __future__ import annotations

import asyncio
import random
import time

from providers.adapter import Adapter, Call, Done, Job, Order, Pending, Wire
from providers.errors import ParkedError, UnavailableError, UncertainError

POLL_GROWTH = 1.4
POLL_FIRST_SECONDS = 0.5
POLL_LONGEST_SECONDS = 3.0


class Driver:
    """One provider's adapter and the wire to it."""

    def __init__(
        self, adapter: Adapter, wire: Wire, first_poll_seconds: float | None = None
    ) -> None:
        self.adapter = adapter
        self.wire = wire
        self._first_poll_seconds = first_poll_seconds

    async def submit(self, order: Order, call: Call) -> Job | Done:
        """Send `call` once and return the job, or the result of a synchronous vendor."""
        return self.adapter.read_submit(order, await self.wire.send(call))

    async def wait(self, job: Job, *, usual_seconds: float, deadline_seconds: float) -> Done:
        """Return the finished job.

        Raises:
            ParkedError: the deadline passed; the job runs on at the provider and can be
                re-attached later.
            StepError: the job failed or was refused.
        """
        started = time.monotonic()
        pause = self._first_poll_seconds or usual_seconds / 2 or POLL_FIRST_SECONDS
        asked = 0.0
        while True:
            left = deadline_seconds - (time.monotonic() - started)
            if left <= 0:
                raise ParkedError(
                    f"job {job.id} was not finished after {deadline_seconds:g} s; it runs on at "
                    "the provider, and the next run takes its result"
                )
            await asyncio.sleep(min(max(pause * random.uniform(0.9, 1.1), asked), left))
            asked = 0.0
            try:
                state = self.adapter.read_poll(job, await self.wire.send(self.adapter.poll(job)))
            except UnavailableError as error:  # a poll may be repeated freely: it is a GET
                asked = error.retry_after_seconds or 0.0
            except UncertainError:
                pass
            else:
                if isinstance(state, Done):
                    return state
                if isinstance(state, Job):  # the result stands at another URL: ask there at once
                    job, pause = state, 0.0
                    continue
            pause = min(pause * POLL_GROWTH, POLL_LONGEST_SECONDS)
