"""Keep what a provider made: bytes into the store, looked at, and only then a result."""

from __future__ import annotations

import asyncio
import functools
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import ParamSpec, TypeVar

from providers.adapter import Done, Output
from providers.catalog.size import ratio_of
from providers.driver import Driver
from providers.errors import BadReplyError, InputError, RejectedError
from providers.fit import cut_size
from providers.local.adapter import workers
from providers.local.crop_result import cropped_picture
from providers.local.ending import require_ending
from providers.local.probe import decodes, probe_media
from providers.media import Media, Value
from tasks.store import Store

NO_DATA: Mapping[str, bytes | None] = {}

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Fetched:
    """One output on this machine: text, bytes in hand, or the digest of bytes in the store.

    `word` is what its port holds: "image", "video", "audio", "mask", "text".
    """

    port: str
    word: str
    text: str | None = None
    data: bytes | None = None
    sha256: str | None = None


async def fetch_outputs(
    store: Store, driver: Driver, done: Done, ports: Mapping[str, str]
) -> list[Fetched]:
    """Return the outputs for the ports of a kind; what has a URL is downloaded into the store.

    Raises:
        BadReplyError: a port is missing in the answer, or its URL is not followed.
        ParkedError: the bytes could not be fetched for now, or are no longer there.
    """
    fetched = [
        await _fetch(store, driver, output, ports[output.port])
        for output in done.outputs
        if output.port in ports
    ]
    for port in ports:
        if port not in {one.port for one in fetched}:
            raise BadReplyError(f"the answer has no {port!r}")
    return fetched


async def keep_outputs(
    store: Store,
    fetched: Sequence[Fetched],
    note: Callable[[dict[str, Value]], None] = lambda values: None,
    aspect: str | None = None,
) -> dict[str, Value]:
    """Return the value on each port: its bytes durable in the store, noted, and then decoded.

    One that is a few pixels off the `aspect` that was asked for, as "16:9", is cut to it.

    All of it is one piece of work in one thread: hops cost more than the work on a small picture.
    `note` is called when the bytes are kept and before they are looked at.

    Raises:
        RejectedError: a result is not what its port holds, or cannot be decoded; the next model
            must not be paid to use it.
    """
    return await in_thread(_keep_all, store, fetched, note, aspect)


async def check_outputs(
    store: Store, values: Mapping[str, Value], aspect: str | None = None
) -> dict[str, Value]:
    """Decode every result once, and return them cut to the aspect as `keep_outputs` does.

    Raises:
        RejectedError: a result that cannot be decoded.
    """

    def work() -> dict[str, Value]:
        _decode_all(store, values)
        return _all_cut(store, values, aspect)

    return await in_thread(work)


def _keep_all(
    store: Store,
    fetched: Sequence[Fetched],
    note: Callable[[dict[str, Value]], None],
    aspect: str | None,
) -> dict[str, Value]:
    values = {one.port: _kept(store, one) for one in fetched}
    note(values)
    _decode_all(store, values, {one.port: one.data for one in fetched})
    return _all_cut(store, values, aspect)


def _kept(store: Store, one: Fetched) -> Value:
    if one.text is not None:
        return one.text
    try:
        sha256 = one.sha256 or store.put(one.data or b"")
        found = media_of(sha256, store.path(sha256), one.data)
    except InputError as error:
        raise RejectedError(f"the {one.port} that came cannot be used: {error}") from None
    if not holds(one.word, found):
        article = "a" if found.kind == "video" else "an"
        raise RejectedError(f"the {one.port} that came is {article} {found.media_type}")
    return replace(found, kind="mask") if one.word == "mask" else found


def holds(word: str, media: Media) -> bool:
    """Return whether a port of that word takes such a file; a mask is stored as a picture."""
    return media.kind == ("image" if word == "mask" else word)


def _decode_all(
    store: Store, values: Mapping[str, Value], data: Mapping[str, bytes | None] = NO_DATA
) -> None:
    for port, value in values.items():
        if isinstance(value, Media):
            try:
                decodes(store.path(value.sha256), data.get(port))
            except InputError as error:
                raise RejectedError(f"the {port} that came cannot be used: {error}") from None


def _all_cut(store: Store, values: Mapping[str, Value], aspect: str | None) -> dict[str, Value]:
    if aspect is None:
        return dict(values)
    ratio = ratio_of(aspect)
    return {
        port: _cut(store, value, ratio) if isinstance(value, Media) else value
        for port, value in values.items()
    }


def _cut(store: Store, media: Media, ratio: Fraction) -> Media:
    if media.width is None or media.height is None:
        return media
    is_clip = media.kind == "video"
    size = cut_size((media.width, media.height), ratio, 2 if is_clip else 1)
    if size is None:
        return media
    path = store.path(media.sha256)
    if is_clip:
        # A plan keeps nothing, and FFmpeg takes long to load.
        from providers.local.crop_clip import cropped_clip

        data = cropped_clip(path, size)
    else:
        data = cropped_picture(path, size)
    if data is None:
        return media
    sha256 = store.put(data)
    cut = media_of(sha256, store.path(sha256), data)
    return replace(cut, kind=media.kind, cut_from=media.sha256)


def describe_file(path: Path) -> Media:
    """Return what one of the user's files is, by its header, its end and its bytes' digest.

    Raises:
        InputError: it was cut short, or is neither a picture, a clip nor a sound that can be read.
    """
    try:
        with path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from None
    media = media_of(sha256, path)
    require_ending(path, media.media_type)
    return media


async def keep_file(store: Store, path: Path, described: Media) -> None:
    """Copy one of the user's files into the store and decode it whole.

    Raises:
        InputError: it cannot be decoded, or it is no longer the file that was described.
    """
    try:
        data = await in_thread(path.read_bytes)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from None
    sha256 = await in_thread(store.put, data)
    if sha256 != described.sha256:
        raise InputError(f"{path} was changed while the run was being prepared; run it again.")
    await in_thread(decodes, store.path(sha256))


async def _fetch(store: Store, driver: Driver, output: Output, word: str) -> Fetched:
    if output.url is not None:
        sha256, _ = await driver.download(output.url, store.receive)
        return Fetched(output.port, word, sha256=sha256)
    if output.text is None and output.data is None:
        raise BadReplyError(f"the answer for {output.port!r} holds neither text nor bytes")
    return Fetched(output.port, word, text=output.text, data=output.data)


def media_of(sha256: str, path: Path, data: bytes | None = None) -> Media:
    """Return the reference to bytes of that digest, with the facts that they tell.

    Raises:
        InputError: they are no picture, clip or sound.
    """
    facts = probe_media(path, data)
    return Media(sha256=sha256, **{name: getattr(facts, name) for name in facts.__slots__})


async def in_thread(function: Callable[P, T], *arguments: P.args, **keywords: P.kwargs) -> T:
    """Return what the function returns in one of the threads that media are worked on in."""
    work = functools.partial(function, *arguments, **keywords)
    return await asyncio.get_running_loop().run_in_executor(workers(), work)
