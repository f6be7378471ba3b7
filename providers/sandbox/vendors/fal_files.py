"""fal's storage and file hosts, its inline outputs and its stream of statuses."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from providers.sandbox.desk import Desk
from providers.sandbox.jobs import Job
from providers.sandbox.made import TYPES
from providers.sandbox.replies import Reply, refusal
from providers.sandbox.visit import Visit

_TOKEN_SECONDS = 3600
_parts: dict[str, dict[int, bytes]] = {}


async def storage(desk: Desk, visit: Visit) -> Reply:
    """Answer at the storage API: a token for the file host, or a place to put one file."""
    if visit.method != "POST":
        raise refusal(405, {"detail": "Method Not Allowed"})
    if visit.path == "/storage/auth/token":
        until = datetime.now(UTC) + timedelta(seconds=_TOKEN_SECONDS)
        return Reply(
            200,
            {
                "token": _token(desk),
                "token_type": "Bearer",
                "base_url": visit.base,
                "expires_at": until.isoformat(),
            },
        )
    if visit.path == "/storage/upload/initiate":
        bad = Reply(422, {"detail": [{"loc": ["body"], "msg": "not JSON", "type": "json_invalid"}]})
        asked = await visit.json_object(bad)
        name, kind = str(asked.get("file_name") or "file"), str(asked.get("content_type"))
        id = desk.uploads.announce("fal", name, kind)
        url = f"{visit.base}/files/{id}/{name}"
        return Reply(200, {"upload_url": url, "file_url": url})
    raise refusal(404, {"detail": "Not Found"})


def _token(desk: Desk) -> str:
    return hashlib.sha256(f"{desk.folder.id}|file host".encode()).hexdigest()[:32]


async def upload(desk: Desk, visit: Visit) -> Reply:
    """Answer an upload: whole, in parts, or to a place that was given out before."""
    parts = visit.path.split("/")
    data = await visit.request.body()
    announced = desk.uploads.announced(parts[2])
    if visit.method == "PUT" and announced is not None and len(parts) == 4:
        vendor, name, kind = announced
        desk.uploads.add(vendor, name, kind, data, parts[2])
        return Reply(200, {})
    if visit.headers.get("authorization", "").partition(" ")[2] != _token(desk):
        raise refusal(401, {"detail": "Invalid token"})
    if visit.path == "/files/upload":
        return Reply(200, {"access_url": _access(visit, _added(desk, visit, data))})
    if visit.path == "/files/upload/multipart":
        id = desk.uploads.announce("fal", _name(visit), _type(visit))
        _parts[id] = {}
        return Reply(200, {"access_url": f"{visit.base}/files/{id}/{_name(visit)}", "uploadId": id})
    return _part(desk, visit, data, parts)


def _part(desk: Desk, visit: Visit, data: bytes, parts: list[str]) -> Reply:
    """Take in `/files/{id}/{name}/multipart/{id}/{number}`, or put the parts together."""
    if len(parts) < 7 or parts[4] != "multipart" or parts[2] not in _parts:
        raise refusal(404, {"detail": "Not Found"})
    if parts[6] == "complete":
        vendor, name, kind = desk.uploads.announced(parts[2]) or ("fal", parts[3], "")
        whole = b"".join(chunk for _, chunk in sorted(_parts.pop(parts[2]).items()))
        desk.uploads.add(vendor, name, kind, whole, parts[2])
        return Reply(200, {})
    _parts[parts[2]][int(parts[6])] = data
    return Reply(200, b"", {"etag": hashlib.md5(data).hexdigest()})


def _added(desk: Desk, visit: Visit, data: bytes) -> tuple[str, str]:
    kept = desk.uploads.add("fal", _name(visit), _type(visit), data)
    return kept.id, kept.name


def _access(visit: Visit, kept: tuple[str, str]) -> str:
    return f"{visit.base}/files/{kept[0]}/{kept[1]}"


def _name(visit: Visit) -> str:
    return visit.headers.get("x-fal-file-name", "file").replace("/", "_")


def _type(visit: Visit) -> str:
    return visit.headers.get("content-type", "application/octet-stream")


async def data_uris(desk: Desk, job: Job) -> list[str]:
    """Return the job's files inline, as `sync_mode` asks."""
    found = []
    for index in range(job.count):
        text = base64.b64encode(await desk.gallery.bytes_of(job, index)).decode()
        found.append(f"data:{TYPES[job.format]};base64,{text}")
    return found


def events(desk: Desk, job: Job, status: Callable[[], dict[str, Any]]) -> Reply:
    """Return a stream of statuses that ends when the job is done."""
    return Reply(200, b"", {"content-type": "text/event-stream"}, stream=_events(desk, job, status))


async def _events(
    desk: Desk, job: Job, status: Callable[[], dict[str, Any]]
) -> AsyncIterator[bytes]:
    while True:
        done = desk.is_done(job, desk.clock())
        yield f"data: {json.dumps(status())}\n\n".encode()
        if done:
            return
        await asyncio.sleep(0.1)
