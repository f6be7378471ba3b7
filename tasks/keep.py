"""Keep what a provider made: bytes into the store, looked at, and only then a result."""

from __future__ import annotations

import asyncio
import functools
import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import ParamSpec, TypeVar

from providers.adapter import Done, Output
from providers.driver import Driver
from providers.errors import BadReplyError, InputError, RejectedError
from providers.local.adapter import workers
from providers.local.probe import decodes, probe_image
from providers.media import Media, Value
from tasks.store import Store

P = ParamSpec("P")
T = TypeVar("T")


async def keep_outputs(
    store: Store, driver: Driver, done: Done, ports: Mapping[str, str]
) -> dict[str, Value]:
    """Return the value for each output port, its bytes fetched and durable in the store.

    Raises:
        BadReplyError: a port of the kind is missing in the answer, or its URL is not followed.
        ParkedError: the bytes could not be fetched for now, or are no longer there.
        RejectedError: they are not what the port holds.
    """
    values: dict[str, Value] = {}
    for output in done.outputs:
        if output.port in ports:
            values[output.port] = await _keep(store, driver, output)
    missing = [port for port in ports if port not in values]
    if missing:
        raise BadReplyError(f"the answer has no {missing[0]!r}")
    return values


async def check_outputs(store: Store, values: Mapping[str, Value]) -> None:
    """Decode every result once.

    Raises:
        RejectedError: a result that cannot be decoded; the next model must not be paid to use it.
    """
    for port, value in values.items():
        if isinstance(value, Media):
            try:
                await _in_thread(decodes, store.path(value.sha256))
            except InputError as error:
                raise RejectedError(f"the {port} that came cannot be used: {error}") from None


def describe_file(path: Path) -> Media:
    """Return what one of the user's pictures is, by its header and its bytes' digest.

    Raises:
        InputError: it is not a picture that can be read.
    """
    try:
        with path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from None
    return _media(sha256, path)


async def keep_file(store: Store, path: Path, described: Media) -> None:
    """Copy one of the user's pictures into the store and decode it whole.

    Raises:
        InputError: it cannot be decoded, or it is no longer the file that was described.
    """
    try:
        data = await _in_thread(path.read_bytes)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from None
    sha256 = await _in_thread(store.put, data)
    if sha256 != described.sha256:
        raise InputError(f"{path} was changed while the run was being prepared; run it again.")
    await _in_thread(decodes, store.path(sha256))


async def _keep(store: Store, driver: Driver, output: Output) -> Value:
    if output.text is not None:
        return output.text
    try:
        if output.url is not None:
            sha256, _ = await driver.download(output.url, store.receive)
            return await _in_thread(_media, sha256, store.path(sha256))
        if output.data is not None:
            return await _in_thread(_keep_bytes, store, output.data)
    except InputError as error:
        raise RejectedError(f"the {output.port} that came cannot be used: {error}") from None
    raise BadReplyError(f"the answer for {output.port!r} holds neither text nor bytes")


def _keep_bytes(store: Store, data: bytes) -> Media:
    sha256 = store.put(data)
    return _media(sha256, store.path(sha256))


def _media(sha256: str, path: Path) -> Media:
    facts = probe_image(path)
    return Media(
        kind="image",
        sha256=sha256,
        media_type=facts.media_type,
        size_bytes=facts.size_bytes,
        width=facts.width,
        height=facts.height,
        alpha=facts.alpha,
    )


async def _in_thread(function: Callable[P, T], *arguments: P.args, **keywords: P.kwargs) -> T:
    work = functools.partial(function, *arguments, **keywords)
    return await asyncio.get_running_loop().run_in_executor(workers(), work)
