"""Input pictures: data URIs, base64 and URLs of this very sandbox; never any other host.

Each is stored under its digest and looked at, so that a vendor can say what is wrong with it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from PIL import Image

from providers.sandbox.endpoints import Endpoint
from providers.sandbox.gallery import InputError, size_of_picture
from providers.sandbox.problems import Problem

Fetch = Callable[[str], Awaitable[bytes | None]]
_LONGEST_ECHO = 2000  # characters of an inline picture that an answer repeats


@dataclass(frozen=True, slots=True)
class Picture:
    """A stored input picture; `name` is its digest."""

    name: str
    size: tuple[int, int]
    bytes: int
    format: str
    inline: bool


async def pictures_in(
    endpoint: Endpoint, given: Mapping[str, Any], folder: Path, fetch: Fetch
) -> tuple[list[Picture], list[Problem]]:
    """Return the input pictures in the order of the fields, and what is wrong with any."""
    pictures: list[Picture] = []
    problems: list[Problem] = []
    for name in endpoint.picture_fields:
        value = given.get(name)
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, str) and one:
                found = await _picture(name, one, folder, fetch)
                (pictures if isinstance(found, Picture) else problems).append(found)  # type: ignore[arg-type]
    return pictures, problems


async def _picture(field: str, value: str, folder: Path, fetch: Fetch) -> Picture | Problem:
    inline = not value.startswith(("http://", "https://"))
    data = _decoded(value) if inline else await fetch(value)
    if data is None:
        if inline:
            return Problem(field, "image_load_error", "Failed to load the image.")
        return Problem(field, "file_download_error", "Failed to download the file.", {"url": value})
    name = stored(folder, data)
    try:
        size = size_of_picture(folder / name)
        with Image.open(folder / name) as image:
            form = image.format or ""
    except InputError as error:
        kind = "image_too_large" if "too large" in str(error) else "image_load_error"
        return Problem(field, kind, "Failed to load the image.", {"bytes": len(data)})
    return Picture(name, size, len(data), form, inline)


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
