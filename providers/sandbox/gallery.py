"""The pictures that jobs make: rendered once per request, kept in the state folder.

Everything here that takes time runs in one thread of its own, so that the server answers on.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from PIL import Image

from providers.errors import InputError
from providers.local.cutout import remove_background
from providers.local.edit import MAX_PIXELS, crop, resize
from providers.local.image import open_image, opened
from providers.local.standin import draw_photo
from providers.sandbox.endpoints import Endpoint, endpoints
from providers.sandbox.jobs import Job
from providers.sandbox.plain import BUCKETS, encoded, marked, plain_picture, split_marked

FORMATS = {"jpg": "JPEG", "jpeg": "JPEG", "png": "PNG", "webp": "WEBP", "gif": "GIF"}
_KEPT_IN_MEMORY = 32  # plain pictures; a few sizes are in use at a time
Spoil = Callable[[Image.Image], Image.Image]


class Gallery:
    """Renders and keeps pictures, drawn for real or plain."""

    def __init__(self, folder: Path, style: str, at_least: int) -> None:
        self._folder = folder
        self._plain = style == "plain"
        self._at_least = at_least
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="pictures")
        self._busy: dict[str, asyncio.Future[None]] = {}
        self._bases: dict[tuple[int, int, int, bool, str], bytes] = {}

    def is_ready(self, job: Job) -> bool:
        """True when the job's pictures can be had at once."""
        return self._plain or all(self._path(job, index).exists() for index in range(job.count))

    async def render(self, job: Job) -> None:
        """Make the job's pictures unless they are there; two callers share one rendering.

        Raises:
            InputError: an input picture turns out to be broken.
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
        """Return one of the job's pictures in two parts; the large one is not copied for it."""
        if not self._plain:
            return await self.bytes_of(job, index), memoryview(b"")
        base, name = await self._plain_of(job, index)
        return split_marked(base, name)

    async def bytes_of(self, job: Job, index: int) -> bytes:
        """Return one of the job's pictures as it is downloaded."""
        if not self._plain:
            await self.render(job)
            return self._path(job, index).read_bytes()
        return marked(*await self._plain_of(job, index))

    async def _plain_of(self, job: Job, index: int) -> tuple[bytes, str]:
        cut_out = endpoints(job.provider)[job.endpoint].kind == "remove-background"
        name = self._name(job, index)
        bucket = int(name[:8], 16) % BUCKETS
        wanted = (bucket, job.width, job.height, cut_out, FORMATS[job.format])
        if wanted not in self._bases:
            loop = asyncio.get_running_loop()
            work = partial(_plain_file, *wanted, self._at_least)
            self._bases[wanted] = await loop.run_in_executor(self._worker, work)
            if len(self._bases) > _KEPT_IN_MEMORY:
                self._bases.pop(next(iter(self._bases)))
        return self._bases[wanted], name

    async def spoiled(self, job: Job, index: int, spoil: Spoil, format_name: str) -> bytes:
        """Return the picture changed by `spoil` and written as `format_name`."""
        data = await self.bytes_of(job, index)

        def work() -> bytes:
            with Image.open(io.BytesIO(data)) as image:
                return encoded(spoil(image), format_name)

        return await asyncio.get_running_loop().run_in_executor(self._worker, work)

    def close(self) -> None:
        """Stop after the picture that is being made."""
        self._worker.shutdown(cancel_futures=True)

    def _name(self, job: Job, index: int) -> str:
        parts = (job.provider, job.endpoint, job.body_sha256, job.repeat, index)
        return hashlib.sha256("|".join(str(part) for part in parts).encode()).hexdigest()[:32]

    def _path(self, job: Job, index: int) -> Path:
        return self._folder / "pictures" / f"{self._name(job, index)}.{job.format}"

    def _draw_all(self, job: Job) -> None:
        endpoint = endpoints(job.provider)[job.endpoint]
        inputs = [self._folder / "uploads" / name for name in job.pictures]
        for index in range(job.count):
            path = self._path(job, index)
            if not path.exists():
                image = _drawn(endpoint, job, index, inputs)
                part = path.with_suffix(".part")
                part.write_bytes(marked(encoded(image, FORMATS[job.format]), path.stem))
                part.replace(path)


def _plain_file(
    bucket: int, width: int, height: int, cut_out: bool, form: str, at_least: int
) -> bytes:
    return marked(encoded(plain_picture(bucket, width, height, cut_out), form), "", at_least)


def _drawn(endpoint: Endpoint, job: Job, index: int, inputs: list[Path]) -> Image.Image:
    if endpoint.kind == "remove-background":
        return remove_background(open_image(inputs[0]))
    if endpoint.kind == "upscale":
        return resize(open_image(inputs[0]), job.width, job.height)
    prompt = str(job.given.get("prompt") or endpoint.fields["prompt"].default or "anything")
    if inputs:
        return _edited(open_image(inputs[0]), prompt, job.width, job.height)
    # Without a seed of the caller's, asking again gives another picture, as it does at a vendor.
    seed = job.given.get("seed")
    start = job.repeat if seed is None else int(seed)
    return draw_photo(prompt, job.width, job.height, start + 1000 * index)


def _edited(image: Image.Image, prompt: str, width: int, height: int) -> Image.Image:
    """Return the picture at its new size in a light that depends on the prompt."""
    wide, high = image.size
    ratio = width / height
    inside = (min(wide, max(1, round(high * ratio))), min(high, max(1, round(wide / ratio))))
    fitted = resize(crop(image, width=inside[0], height=inside[1]), width, height).convert("RGB")
    red, green, blue = hashlib.sha256(prompt.encode()).digest()[:3]
    return Image.blend(fitted, Image.new("RGB", fitted.size, (red, green, blue)), 0.15)


def size_of_picture(path: Path) -> tuple[int, int]:
    """Return (width, height) of a stored picture from its header.

    Raises:
        InputError: it is no picture, or too large to be worked on.
    """
    with opened(path) as image:
        return image.size


def is_too_large(width: int, height: int) -> bool:
    """True when no picture of that size can be made here."""
    return width * height > MAX_PIXELS


__all__ = ["FORMATS", "Gallery", "InputError", "is_too_large", "size_of_picture"]
