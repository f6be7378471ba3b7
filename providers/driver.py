"""Drive one job: place the order, wait, fetch. The only place that sends calls to providers.

It repeats polls, uploads and downloads, and never a submit; whether a failed attempt is tried
again is decided above.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import TypeVar

from providers.adapter import (
    Adapter,
    Call,
    Done,
    Fetcher,
    Job,
    Material,
    Order,
    Part,
    Pending,
    Wire,
)
from providers.errors import (
    BadReplyError,
    ExpiredError,
    ParkedError,
    StepError,
    UnavailableError,
    UncertainError,
)
from providers.fields import file_form
from providers.no_spend import refuse_to_spend

POLL_GROWTH = 1.4
POLL_FIRST_SECONDS = 0.5
POLL_LONGEST_SECONDS = 3.0
EARLY_MISSES = 5  # in a row: an id just given out is unknown for a moment on some vendors' servers
TRIES = 4  # of what may be repeated freely: one call of an upload, a download, a cancel
PAUSE_SECONDS = 0.5
FETCH_SECONDS = 900.0  # for one download as a whole: one that drips in never ends otherwise
MAX_RESULT_BYTES = 256 << 20  # a picture of 4 megapixels has 20, a clip of ten seconds 30
# Vendors keep uploads for a day and longer; a run of many hours uploads its pictures again.
UPLOAD_LIFE_SECONDS = 3600.0

T = TypeVar("T")
Receive = Callable[[AsyncIterator[bytes]], Awaitable[T]]


@dataclass(frozen=True, slots=True)
class Uploaded:
    """An upload under way or done, and when it was begun."""

    url: asyncio.Future[str]
    began: float


class Driver:
    """One provider's adapter and the wire to it; remembers what it has uploaded."""

    def __init__(
        self, adapter: Adapter, wire: Wire, first_poll_seconds: float | None = None
    ) -> None:
        self.adapter = adapter
        self.wire = wire
        self._first_poll_seconds = first_poll_seconds
        self._uploads: dict[str, Uploaded] = {}

    async def prepare(self, order: Order) -> Order:
        """Return the order with each file uploaded, or read, as its binding's fields ask.

        The same bytes are uploaded once. Uploads are free, so they are repeated; nothing has been
        ordered when one fails for good.

        Raises:
            UnavailableError: the file could not be uploaded for now.
            RefusedError: the vendor does not take the file.
        """
        inputs: dict[str, Part] = {}
        for port, part in order.inputs.items():
            form = file_form(order.binding, port)
            inputs[port] = await self._prepared(part, form == "bytes") if form else part
        return replace(order, inputs=inputs)

    async def submit(self, order: Order, call: Call) -> Job | Done:
        """Send `call` once and return the job, or the result of a synchronous vendor.

        Raises:
            StepError: as the adapter reads the answer, or that there was none.
            SetupError: nothing may be spent here.
        """
        refuse_to_spend(order.binding.provider, order.binding.endpoint)
        return self.adapter.read_submit(order, await self.wire.send(call))

    async def ask(self, job: Job) -> Pending | Job | Done:
        """Return where the job stands right now.

        Raises:
            StepError: as the adapter reads it, or that it could not be asked.
        """
        return self.adapter.read_poll(job, await self.wire.send(self.adapter.poll(job)))

    async def wait(self, job: Job, *, usual_seconds: float, deadline_seconds: float) -> Done:
        """Return the finished job.

        Raises:
            ParkedError: the deadline passed, and the job runs on at the provider and can be
                re-attached later; or the provider does not know it any more (ExpiredError).
            StepError: the job failed or was refused.
        """
        started = time.monotonic()
        pause = self._first_poll_seconds or usual_seconds / 2 or POLL_FIRST_SECONDS
        asked, misses = 0.0, 0
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
                state = await self.ask(job)
            except UnavailableError as error:  # a poll may be repeated freely: it is a GET
                asked = error.retry_after_seconds or 0.0
            except UncertainError:
                pass
            except ExpiredError:
                misses += 1
                if misses > EARLY_MISSES:
                    raise
            else:
                misses = 0
                if isinstance(state, Done):
                    return state
                if isinstance(state, Job):  # the result stands at another URL: ask there at once
                    job, pause = state, 0.0
                    continue
            pause = min(max(pause, POLL_FIRST_SECONDS / 10) * POLL_GROWTH, POLL_LONGEST_SECONDS)

    async def download(
        self, url: str, receive: Receive[T], *, max_bytes: int = MAX_RESULT_BYTES
    ) -> T:
        """Return what `receive` makes of the bytes at `url`; a broken download begins anew.

        Raises:
            BadReplyError: a URL that is not followed, or too many bytes.
            ParkedError: the bytes could not be had; the job is paid, and the next run asks again.
        """
        wire = self.wire
        if not isinstance(wire, Fetcher):
            raise BadReplyError("a provider without downloads named a URL")

        async def once() -> T:
            async with (
                asyncio.timeout(FETCH_SECONDS),
                aclosing(wire.fetch(url, max_bytes=max_bytes)) as pieces,
            ):
                return await receive(pieces)

        try:
            return await repeated(once)
        except UnavailableError as error:
            raise ParkedError(
                f"the result is finished and paid for and could not be fetched: {error}; the next "
                "run asks again"
            ) from None

    async def cancel(self, job: Job) -> bool:
        """Return whether the vendor takes the cancelling of the job; how it ended is for `wait`."""
        call = self.adapter.cancel(job)
        if call is None:
            return False
        try:
            answer = await repeated(lambda: self.wire.send(call))
        except StepError:
            return False
        return 200 <= answer.status < 300

    async def _prepared(self, part: Part, as_bytes: bool) -> Part:
        if isinstance(part, tuple):
            return tuple([await self._prepared(item, as_bytes) for item in part])
        if not isinstance(part, Material):
            return part
        url = None if as_bytes else await self._uploaded(part)
        if url is not None:
            return replace(part, url=url)
        return replace(part, data=await asyncio.to_thread(part.path.read_bytes))

    async def _uploaded(self, material: Material) -> str | None:
        sha256 = material.media.sha256
        known = self._uploads.get(sha256)
        if known is None or time.monotonic() - known.began > UPLOAD_LIFE_SECONDS:
            if self.adapter.upload(material) is None:
                return None
            task = asyncio.ensure_future(repeated(lambda: self._upload(material)))
            known = self._uploads[sha256] = Uploaded(task, time.monotonic())
        try:
            # Shielded: when one row is cancelled, another may be waiting for the same picture.
            return await asyncio.shield(known.url)
        except StepError:
            self._uploads.pop(sha256, None)
            raise

    async def _upload(self, material: Material) -> str:
        data = await asyncio.to_thread(material.path.read_bytes)
        calls = self.adapter.upload(replace(material, data=data))
        if calls is None:
            raise BadReplyError("an adapter that uploads did not say how")
        call = next(calls)
        while True:
            answer = await self.wire.send(call)
            try:
                call = calls.send(answer)
            except StopIteration as done:
                return str(done.value)


async def repeated(work: Callable[[], Awaitable[T]]) -> T:
    """Return the outcome of what costs nothing and may be done twice.

    Raises:
        UnavailableError: it did not come about, however often it was tried.
    """
    for number in range(1, TRIES + 1):
        try:
            return await work()
        except (UnavailableError, UncertainError, TimeoutError) as error:
            if number == TRIES:
                raise UnavailableError(str(error) or "it took too long") from None
            asked = error.retry_after_seconds if isinstance(error, UnavailableError) else None
            await asyncio.sleep(asked or PAUSE_SECONDS * number * random.uniform(0.8, 1.2))
    raise AssertionError("unreachable: the last try returns or raises")
