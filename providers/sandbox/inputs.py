"""Input media: data URIs, base64 and URLs of this very sandbox; never any other host.

Each is stored under its digest and looked at, so that a vendor can say what is wrong with it.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from providers.errors import InputError
from providers.local.facts import MediaFacts
from providers.local.probe import probe_media
from providers.sandbox.endpoints import Endpoint, Limit
from providers.sandbox.limits import beyond, too_heavy, unreadable
from providers.sandbox.problems import Problem

Fetch = Callable[[str], Awaitable[bytes | None]]
_LONGEST_ECHO = 2000  # characters of inline media that an answer repeats
_WORDS = {"picture": "image", "clip": "video", "sound": "audio"}


@dataclass(frozen=True, slots=True)
class Medium:
    """A stored input picture, clip or sound; `name` is its digest, a sound has no `size`."""

    name: str
    kind: str
    size: tuple[int, int] | None
    seconds: float = 0.0
    fps: float = 0.0


async def media_in(
    endpoint: Endpoint, given: Mapping[str, Any], folder: Path, fetch: Fetch
) -> tuple[list[Medium], list[Problem]]:
    """Return the input media in the order of the fields, and what is wrong with any."""
    media: list[Medium] = []
    problems: list[Problem] = []
    for name in endpoint.media_fields:
        value = given.get(name)
        what = endpoint.fields[name].type.removesuffix("s")
        limit = endpoint.limits.get(what, Limit())
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, str) and one:
                found = await _medium(name, what, one, limit, folder, fetch)
                if isinstance(found, Medium):
                    media.append(found)
                else:
                    problems.append(found)
    return media, problems


async def _medium(
    field: str, what: str, value: str, limit: Limit, folder: Path, fetch: Fetch
) -> Medium | Problem:
    inline = not value.startswith(("http://", "https://"))
    data = _decoded(value) if inline else await fetch(value)
    if data is None:
        if inline:
            return unreadable(field, what)
        return Problem(field, "file_download_error", "Failed to download the file.", {"url": value})
    if heavy := too_heavy(field, limit, len(data)):
        return heavy
    name = stored(folder, data)
    try:
        facts = await _probed(what, folder / name, data)
    except InputError as error:
        if what == "picture" and "too large" in str(error):
            return Problem(field, "image_too_large", "Failed to load the image.")
        return unreadable(field, what)
    if facts.kind != _WORDS[what]:
        return unreadable(field, what)
    return beyond(field, what, limit, facts) or _kept(name, facts)


async def _probed(what: str, path: Path, data: bytes) -> MediaFacts:
    """Return the facts; a clip is looked at beside the loop, for a frame of it is decoded."""
    if what == "picture":
        return probe_media(path, data)
    return await asyncio.to_thread(probe_media, path, data)


def _kept(name: str, facts: MediaFacts) -> Medium:
    size = (facts.width, facts.height) if facts.width and facts.height else None
    return Medium(name, facts.kind, size, facts.seconds or 0.0, facts.fps or 0.0)


def stored(folder: Path, data: bytes) -> str:
    """Write `data` under its digest, unless it is there, and return the digest."""
    name = hashlib.sha256(data).hexdigest()
    if not (folder / name).exists():
        part = folder / f"{name}.part"
        part.write_bytes(data)
        part.replace(folder / name)
    return name


def _decoded(value: str) -> bytes | None:
    text = value.partition(",")[2] if value.startswith("data:") else value
    if value.startswith("data:") and ";base64" not in value.partition(",")[0]:
        return None
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


def own_path(url: str, hosts: tuple[str, ...]) -> str | None:
    """Return the path of a URL at this sandbox, or None for any other."""
    parts = urlsplit(url)
    return parts.path if parts.netloc in hosts and parts.scheme in ("http", "https") else None


def echo(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the input as it is kept and repeated: inline pictures are cut short."""
    return {name: _short(value) for name, value in given.items()}


def _short(value: Any) -> Any:
    if isinstance(value, list):
        return [_short(item) for item in value]
    if isinstance(value, str) and len(value) > _LONGEST_ECHO and " " not in value[:200]:
        return f"{value[:60]}... ({len(value)} characters)"
    return value
