"""The URLs of a job's files, and what is served there: the file, or what a fault makes of it.

One form for all vendors: `{vendor}/files/{job}/{index}/{name}`.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

from PIL import Image

from providers.sandbox.desk import Desk, endpoint_of
from providers.sandbox.dice import Fault
from providers.sandbox.inputs import Fetch, own_path
from providers.sandbox.jobs import Job
from providers.sandbox.made import FORMATS, TYPES
from providers.sandbox.replies import Reply, refusal
from providers.sandbox.visit import Visit

# How long a URL is good for: fal's least, Replicate's and BFL's own; Bria states nothing.
URL_LIFE_SECONDS = {"fal": 7 * 86400.0, "replicate": 3600.0, "bfl": 600.0, "bria": 86400.0}
PRIVATE_URL = "http://169.254.169.254/latest/meta-data/"
_CHUNK = bytes(65536)
_PIECE = 200_000  # bytes
_ENDLESS_BYTES = 4 << 30  # far above any sensible cap, and still an end
_BOMB_SIDE = 30_000  # 900 million grey pixels in less than a megabyte


def urls_of(job: Job, base: str) -> list[str]:
    """Return the URLs of the job's files as its answers name them."""
    if job.fault("empty_output"):
        return []
    if fault := job.fault("private_url"):
        return [str(fault.options.get("url", PRIVATE_URL))] * job.count
    name = f"{job.number:05d}.{job.format}"
    return [f"{base}/files/{job.id}/{index}/{name}" for index in range(job.count)]


async def download(desk: Desk, visit: Visit, gone_status: int) -> Reply:
    """Return the file at a `/files/...` path.

    Raises:
        AnswerNowError: no such file, or its URL has expired.
    """
    parts = visit.path.split("/")
    upload = desk.uploads.get(parts[2]) if len(parts) > 2 else None
    if upload is not None:
        return Reply(200, desk.uploads.bytes_of(upload), {"content-type": upload.type})
    job = desk.jobs.get(parts[2]) if len(parts) > 4 and parts[3].isdigit() else None
    if job is None or job.provider != visit.vendor or int(parts[3]) >= job.count:
        raise refusal(404, {"detail": "Not Found"})
    visit.strike("download", job)
    if job.fault("expired_url") or not _is_there(desk, job):
        raise refusal(gone_status, _GONE, {"content-type": "application/xml"})
    return await _file(desk, job, int(parts[3]))


_GONE = b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>'


def _is_there(desk: Desk, job: Job) -> bool:
    now = desk.clock()
    life = desk.profile.url_seconds.get(job.provider, URL_LIFE_SECONDS[job.provider])
    return job.outcome(now) == "succeeded" and now <= job.ends_at + life


def fetcher(desk: Desk, visit: Visit) -> Fetch:
    """Return what gets an input by its URL: uploads and outputs of this sandbox only."""

    async def fetch(url: str) -> bytes | None:
        path = own_path(url, (visit.origin.partition("//")[2], desk.host))
        parts = (path or "").split("/")
        if parts[2:4] == ["v1", "files"] and len(parts) > 4:  # Replicate's own form
            parts = [*parts[:2], *parts[3:]]
        if len(parts) < 4 or parts[2] != "files":
            return None
        upload, job = desk.uploads.get(parts[3]), desk.jobs.get(parts[3])
        if upload is not None:
            return desk.uploads.bytes_of(upload)
        if job is None or not parts[4].isdigit() or not _is_there(desk, job):
            return None
        return await desk.gallery.bytes_of(job, min(int(parts[4]), job.count - 1))

    return fetch


async def _file(desk: Desk, job: Job, index: int) -> Reply:
    headers = {"content-type": TYPES[job.format], "cache-control": "no-store"}
    kind = endpoint_of(job).output_kind
    for fault in job.faults:
        if fault.name in _PIXELS and kind == "clip":
            return Reply(200, await desk.gallery.spoiled_clip(job, _PIXELS[fault.name]), headers)
        if fault.name in _PIXELS and kind == "picture":
            form = _other_format(job.format) if fault.name == "wrong_format" else job.format
            spoil = _PIXELS[fault.name]
            data = await desk.gallery.spoiled(job, index, spoil, FORMATS[form])
            return Reply(200, data, headers)
        if fault.name in _FILES:
            return _FILES[fault.name](fault, headers)
    if job.fault("truncated"):
        data = await desk.gallery.bytes_of(job, index)
        return Reply(200, data, headers, cut_after=len(data) // 2)
    head, rest = await desk.gallery.parts_of(job, index)
    headers["content-length"] = str(len(head) + len(rest))
    return Reply(200, head, headers, stream=_pieces(rest))


async def _pieces(data: memoryview) -> AsyncIterator[memoryview]:
    """Yield `data` bit by bit: what a socket does not take at once is copied again and again."""
    for start in range(0, len(data), _PIECE):
        yield data[start : start + _PIECE]


def _black(image: Image.Image) -> Image.Image:
    return Image.new("RGB", image.size, (0, 0, 0))


def _half_size(image: Image.Image) -> Image.Image:
    return image.resize((max(1, image.width // 2), max(1, image.height // 2)))


_PIXELS: Mapping[str, Callable[[Image.Image], Image.Image]] = {
    "black": _black,
    "wrong_size": _half_size,
    "wrong_format": lambda image: image.copy(),
}


def _other_format(form: str) -> str:
    return "png" if FORMATS[form] == "JPEG" else "jpeg"


def _redirect(fault: Fault, headers: dict[str, str]) -> Reply:
    return Reply(302, b"", {"location": str(fault.options.get("url", PRIVATE_URL))})


def _endless(fault: Fault, headers: dict[str, str]) -> Reply:
    return Reply(200, b"\x89PNG\r\n\x1a\n", headers, stream=_zeros())


async def _zeros() -> AsyncIterator[bytes]:
    for _ in range(_ENDLESS_BYTES // len(_CHUNK)):
        yield _CHUNK


def _bomb(fault: Fault, headers: dict[str, str]) -> Reply:
    return Reply(200, bomb(int(fault.options.get("side", _BOMB_SIDE))), headers)


_FILES: Mapping[str, Callable[[Fault, dict[str, str]], Reply]] = {
    "redirect": _redirect,
    "endless": _endless,
    "bomb": _bomb,
}


def bomb(side: int) -> bytes:
    """Return a sound PNG of `side` x `side` black pixels, a thousandth of its size unpacked."""
    total, block = side * (side + 1), 1 << 20
    head = _chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0))
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = packer.compress(bytes(block)) + packer.flush(zlib.Z_FULL_FLUSH)
    last = packer.compress(bytes(total % block)) + packer.flush()
    # After a full flush a block stands alone, so the same bytes may be repeated.
    checksum = struct.pack(">I", (total % 65521) << 16 | 1)
    data = b"\x78\xda" + packed * (total // block) + last + checksum
    return b"\x89PNG\r\n\x1a\n" + head + _chunk(b"IDAT", data) + _chunk(b"IEND", b"")


def _chunk(name: bytes, data: bytes) -> bytes:
    body = name + data
    return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))


async def facts_of(desk: Desk, job: Job, index: int, url: str) -> dict[str, Any]:
    """Return a file as fal's answers describe it: of a clip or a sound neither size nor length."""
    facts: dict[str, Any] = {"url": url, "content_type": TYPES[job.format]}
    facts["file_name"] = url.rsplit("/", 1)[-1]
    endpoint = endpoint_of(job)
    if endpoint.output_kind != "picture":
        return facts | {"file_size": await desk.gallery.bytes_in(job, index)}
    measured = {"width": job.width, "height": job.height}
    return facts | (measured if endpoint.output["measured"] else {})
