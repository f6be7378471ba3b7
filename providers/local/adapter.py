"""Provider `local`: this machine, behind the same contract as every vendor, at price 0."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

from providers.adapter import (
    Answer,
    Call,
    Done,
    Job,
    Material,
    Order,
    Output,
    Part,
    Pending,
    Upload,
)
from providers.errors import BadReplyError, InputError, RefusedError


class LocalAdapter:
    """Local work is synchronous: a submit is answered with the result."""

    def submit(self, order: Order) -> Call:
        """Return the call that names the work, its parameters and its files."""
        body = {
            "parameters": dict(order.parameters),
            "inputs": {port: _plain(part) for port, part in order.inputs.items()},
            "take": order.take,
        }
        return Call("RUN", f"local:{order.binding.endpoint}", body)

    def read_submit(self, order: Order, answer: Answer) -> Done:
        """Return what was made, for its port.

        Raises:
            RefusedError: the work cannot be done on these inputs; trying again is no use.
        """
        if answer.status != 200:
            raise RefusedError(str(answer.body))
        return Done(tuple(_output(port, made) for port, made in answer.body.items()))

    def poll(self, job: Job) -> Call:
        """Local work has no jobs."""
        raise BadReplyError(f"local work has no job {job.id}")

    def read_poll(self, job: Job, answer: Answer) -> Pending | Done:
        """Local work has no jobs."""
        raise BadReplyError(f"local work has no job {job.id}")

    def cancel(self, job: Job) -> Call | None:
        """Local work is not cancelled: it is short and free."""
        return None

    def upload(self, material: Material) -> Upload | None:
        """Local files are where they are."""
        return None


class LocalWire:
    """Does the work in threads, as many as there are cores, never in the event loop."""

    async def send(self, call: Call) -> Answer:
        """Return 200 with the bytes or the text for each port, or 422 with the reason."""
        work = call.url.removeprefix("local:")
        loop = asyncio.get_running_loop()
        try:
            made = await loop.run_in_executor(workers(), _perform, work, call.body)
        except InputError as error:
            return Answer(422, str(error))
        return Answer(200, made)


@cache
def workers() -> ThreadPoolExecutor:
    """Return the threads that all media work of this process shares."""
    return ThreadPoolExecutor(max_workers=os.cpu_count() or 1, thread_name_prefix="media")


def _output(port: str, made: bytes | str) -> Output:
    return Output(port, text=made) if isinstance(made, str) else Output(port, data=made)


def _perform(work: str, body: Mapping[str, Any]) -> dict[str, bytes | str]:
    from providers.local.work import WORK

    found = WORK[work]
    return {found.port: found.make(body["parameters"], body["inputs"], body["take"])}


def _plain(part: Part) -> Any:
    if isinstance(part, Material):
        return Path(part.path)
    if isinstance(part, tuple):
        return [_plain(item) for item in part]
    return part
