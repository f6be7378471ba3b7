"""The files that jobs make: rendered once per request, kept in the state folder.

Everything here that takes time runs in one thread of its own, so that the server answers on.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from providers.errors import InputError
from providers.local.edit import MAX_PIXELS
from providers.sandbox.drawing import drawn
from providers.sandbox.endpoints import COMPOSING, endpoints
from providers.sandbox.films import plain_clip, plain_sound, still_clip
from providers.sandbox.jobs import Job
from providers.sandbox.made import FORMATS, is_heard, sound_rate
from providers.sandbox.marks import marked, split_marked
from providers.sandbox.plain import BUCKETS, encoded, plain_picture

_KEPT_IN_MEMORY = 32  # plain files; a few sizes are in use at a time
_COSTLY_BUCKETS = 2  # a clip takes a moment to make
Spoil = Callable[[Image.Image], Image.Image]


@dataclass(frozen=True, slots=True)
class Plain:
    """What tells one plain file from another, but for its mark."""

    kind: str
    bucket: int
    format: str
    width: int = 0
    height: int = 0
    seconds: float = 0.0
    fps: float = 0.0
    is_heard: bool = False
    is_cut_out: bool = False
    rate: int = 0


class Gallery:
    """Renders and keeps pictures, clips and sounds, drawn for real or plain."""

    def __init__(self, folder: Path, style: str, at_least: int) -> None:
        self._folder = folder
        self._plain = style == "plain"
        self._at_least = at_least
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="gallery")
        self._busy: dict[str, asyncio.Future[None]] = {}
        self._bases: dict[Plain, bytes] = {}

    def is_ready(self, job: Job) -> bool:
        """True when the job's files can be had at once."""
        return self._is_plain(job) or all(
            self._path(job, index).exists() for index in range(job.count)
        )

    async def render(self, job: Job) -> None:
        """Make the job's files unless they are there; two callers share one rendering.

        Raises:
            InputError: an input turns out to be broken.
        """
        if self.is_ready(job):
            return
        key = self._name(job, 0)
        if key not in self._busy:
            loop = asyncio.get_running_loop()
            self._busy[key] = loop.run_in_executor(self._worker, self._draw_all, job)
            self._busy[key].add_done_callback(lambda _: self._busy.pop(key, None))
        await asyncio.shield(self._busy[key])

    async def parts_of(self, job: Job, index: int) -> tuple[bytes, memoryview]:
        """Return one of the job's files in two parts; the large one is not copied for it."""
        if not self._is_plain(job):
            return await self.bytes_of(job, index), memoryview(b"")
        base, name = await self._plain_of(job, index)
        return split_marked(base, name)

    async def bytes_of(self, job: Job, index: int) -> bytes:
        """Return one of the job's files as it is downloaded."""
        if not self._is_plain(job):
            await self.render(job)
            return self._path(job, index).read_bytes()
        return marked(*await self._plain_of(job, index))

    async def bytes_in(self, job: Job, index: int) -> int:
        """Return how large one of the job's files is."""
        return sum(len(part) for part in await self.parts_of(job, index))

    async def _plain_of(self, job: Job, index: int) -> tuple[bytes, str]:
        name = self._name(job, index)
        wanted = _wanted(job, name)
        base = self._bases.get(wanted)
        if base is None:
            loop = asyncio.get_running_loop()
            base = await loop.run_in_executor(self._worker, self._base, wanted)
        return base, name

    def _base(self, wanted: Plain) -> bytes:
        """Return the plain file, which another request may have waited for as well."""
        base = self._bases.get(wanted)
        if base is None:
            base = self._bases[wanted] = _plain_file(wanted, self._at_least)
            if len(self._bases) > _KEPT_IN_MEMORY:
                self._bases.pop(next(iter(self._bases)))
        return base

    async def spoiled(self, job: Job, index: int, spoil: Spoil, format_name: str) -> bytes:
        """Return the picture changed by `spoil` and written as `format_name`."""
        data = await self.bytes_of(job, index)

        def work() -> bytes:
            with Image.open(io.BytesIO(data)) as image:
                return encoded(spoil(image), format_name)

        return await asyncio.get_running_loop().run_in_executor(self._worker, work)

    async def spoiled_clip(self, job: Job, spoil: Spoil) -> bytes:
        """Return a clip of the job's length that shows one still, changed by `spoil`."""

        def work() -> bytes:
            image = spoil(plain_picture(0, job.width, job.height, False))
            even = (max(16, image.width // 2 * 2), max(16, image.height // 2 * 2))
            return still_clip(image.resize(even), job.lasts_seconds, job.fps)

        return await asyncio.get_running_loop().run_in_executor(self._worker, work)

    def close(self) -> None:
        """Stop after the picture that is being made."""
        self._worker.shutdown(cancel_futures=True)

    def _is_plain(self, job: Job) -> bool:
        """True when the output need not be made of the input; what is composed always is.

        A text has no file at all: it stands in the answer.
        """
        endpoint = endpoints(job.provider)[job.endpoint]
        is_text = endpoint.output_kind == "text"
        return is_text or (self._plain and endpoint.kind not in COMPOSING)

    def _name(self, job: Job, index: int) -> str:
        parts = (job.provider, job.endpoint, job.body_sha256, job.repeat, index)
        return hashlib.sha256("|".join(str(part) for part in parts).encode()).hexdigest()[:32]

    def _path(self, job: Job, index: int) -> Path:
        return self._folder / "pictures" / f"{self._name(job, index)}.{job.format}"

    def _draw_all(self, job: Job) -> None:
        endpoint = endpoints(job.provider)[job.endpoint]
        inputs = [self._folder / "uploads" / name for name in job.media]
        for index in range(job.count):
            path = self._path(job, index)
            if not path.exists():
                data = drawn(endpoint, job, index, inputs)
                part = path.with_suffix(".part")
                part.write_bytes(marked(data, path.stem))
                part.replace(path)


def _plain_file(wanted: Plain, at_least: int) -> bytes:
    size = (wanted.width, wanted.height)
    if wanted.kind == "clip":
        data = plain_clip(wanted.bucket, *size, wanted.seconds, wanted.fps, wanted.is_heard)
    elif wanted.kind == "sound":
        data = plain_sound(wanted.bucket, wanted.seconds, wanted.format, wanted.rate)
    else:
        ball = plain_picture(wanted.bucket, *size, wanted.is_cut_out)
        data = encoded(ball, FORMATS[wanted.format])
    return marked(data, "", at_least)


def _wanted(job: Job, name: str) -> Plain:
    endpoint, number = endpoints(job.provider)[job.endpoint], int(name[:8], 16)
    kind = endpoint.output_kind
    if kind == "picture":
        cut_out = endpoint.kind == "remove-background"
        size = (job.width, job.height)
        return Plain(kind, number % BUCKETS, job.format, *size, is_cut_out=cut_out)
    bucket = number % _COSTLY_BUCKETS
    if kind == "sound":
        rate = sound_rate(endpoint, job.given)
        return Plain(kind, bucket, job.format, seconds=job.lasts_seconds, rate=rate)
    heard = is_heard(endpoint, job.given)
    length = (job.lasts_seconds, job.fps)
    return Plain(kind, bucket, job.format, job.width, job.height, *length, is_heard=heard)


def is_too_large(width: int, height: int) -> bool:
    """True when no picture of that size can be made here."""
    return width * height > MAX_PIXELS


__all__ = ["Gallery", "InputError", "is_too_large"]
