"""The ASGI application: finds the vendor, checks its key, lets it answer, and sends what comes out.

Everything that is sent passes here, so faults of the connection and crash points are here, too.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import struct
import time
from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from types import ModuleType
from typing import Any

from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from providers.errors import RequestError
from providers.sandbox.desk import Desk
from providers.sandbox.replies import AnswerNowError, Reply
from providers.sandbox.spoil import Spoiler
from providers.sandbox.vendors import bfl, bria, fal, replicate
from providers.sandbox.visit import Visit
from providers.sandbox.watch import Watches

FACES: Mapping[str, ModuleType] = {"bfl": bfl, "bria": bria, "fal": fal, "replicate": replicate}
TRANSPORT = "sandbox.transport"  # where `listen` puts the connection, for those that are cut


class Application:
    """One sandbox as an ASGI application.

    `roots` maps a host, with or without its port, to a path: what is asked for at the root of that host is found there, so
    that a vendor can have a host of its own. URLs in answers always name the vendor's prefix.
    """

    def __init__(self, desk: Desk, roots: Mapping[str, str] | None = None) -> None:
        self._desk = desk
        self._roots = dict(roots or {})
        self._spoiler = Spoiler()
        self._watches = Watches()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        host = next((value.decode() for name, value in scope["headers"] if name == b"host"), "")
        vendor, path = self._place(scope["path"], host)
        if vendor not in FACES:
            reply = await self._own(request, vendor)
            await _send(reply, scope, send)
            return
        face = FACES[vendor]
        visit = Visit(request, vendor, path)
        visit.origin = f"{visit.headers.get('x-forwarded-proto', scope['scheme'])}://{host}"
        visit.gate = lambda: self._spoiler.turned_away(visit, face)
        reply = await self._answer(visit, face)
        await self._deliver(visit, reply, scope, send)

    def _place(self, path: str, host: str) -> tuple[str, str]:
        vendor, slash, rest = path[1:].partition("/")
        root = self._roots.get(host) or self._roots.get(host.rpartition(":")[0])
        if vendor not in FACES and vendor not in _OWN and root:
            vendor, slash, rest = f"{root}{path}".partition("/")
        return vendor, slash + rest

    async def _answer(self, visit: Visit, face: ModuleType) -> Reply:
        try:
            key = self._desk.folder.keys[visit.vendor]
            if not face.is_public(visit) and face.key_of(visit.headers) != key:
                return face.unauthorised()  # type: ignore[no-any-return]
            reply: Reply = await face.answer(self._desk, visit)
        except AnswerNowError as stop:
            reply = stop.reply
        if visit.phase == "submit":
            self._desk.turned_away(visit)
        return self._spoiler.spoiled(visit, reply, face)

    async def _deliver(self, visit: Visit, reply: Reply, scope: Scope, send: Send) -> None:
        accepted = visit.phase == "submit" and visit.job is not None
        if accepted:
            self._watches.reached("before_reply", visit.vendor)
        elif visit.phase == "poll":
            self._watches.reached("poll", visit.vendor)
        halfway = None
        if visit.phase == "download" and self._watches.awaits("download"):
            halfway = partial(self._watches.reached, "download", visit.vendor)
        await _send(reply, scope, send, halfway)
        if accepted and self._watches.awaits("after_reply"):
            await asyncio.sleep(0.02)  # the answer is on its way before the signal is
            self._watches.reached("after_reply", visit.vendor)

    # What is the sandbox's own

    async def _own(self, request: Request, name: str) -> Reply:
        desk = self._desk
        if request.url.hostname not in ("127.0.0.1", "localhost", "::1"):
            return Reply(403, {"detail": "Only from this machine."})
        if name == "invoice":
            lines = "".join(json.dumps(line) + "\n" for line in desk.invoice())
            return Reply(200, lines.encode(), {"content-type": "application/x-ndjson"})
        if name == "jobs":
            return Reply(200, [_job(job) for job in desk.jobs.values()])
        if name == "sandbox":
            facts = {"id": desk.folder.id, "profile": desk.profile.name, "seed": desk.seed}
            return Reply(200, facts | {"pid": os.getpid()})
        if name == "control" and request.url.path == "/control/watch":
            return await self._watch(request)
        return Reply(404, {"detail": "Not Found"})

    async def _watch(self, request: Request) -> Reply:
        if request.method == "GET":
            return Reply(200, [asdict(watch) for watch in self._watches.all])
        if not request.headers.get("content-type", "").startswith("application/json"):
            return Reply(415, {"detail": "Send JSON."})  # which no web page may, unasked
        try:
            watch = self._watches.add(json.loads(await request.body()))
        except (RequestError, ValueError, AttributeError) as error:
            return Reply(422, {"detail": str(error)})
        return Reply(201, asdict(watch))


_OWN = ("invoice", "jobs", "sandbox", "control")


def _job(job: Any) -> dict[str, Any]:
    now = time.time()
    return {
        "id": job.id,
        "provider": job.provider,
        "endpoint": job.endpoint,
        "number": job.number,
        "stage": job.stage(now),
        "outcome": job.outcome(now),
        "faults": [fault.name for fault in job.faults],
    }


async def _send(reply: Reply, scope: Scope, send: Send, halfway: Any = None) -> None:
    transport: asyncio.Transport | None = scope.get(TRANSPORT)
    if reply.cut:
        await _cut(transport, reply.cut)
        return
    body = reply.encoded()
    headers = [(name.encode(), value.encode()) for name, value in reply.headers.items()]
    if "content-type" not in reply.headers:
        headers.append((b"content-type", reply.content_type().encode()))
    if reply.stream is None and reply.status != 204:
        headers.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    if scope["method"] == "HEAD":
        body = b""
    if reply.cut_after is not None:
        await send(_part(body[: reply.cut_after], more=True))
        await asyncio.sleep(0.01)
        await _cut(transport, "close")
        return
    if halfway is not None:
        await send(_part(body[: len(body) // 2], more=True))
        await asyncio.sleep(0.02)
        halfway()
        body = body[len(body) // 2 :]
    if reply.stream is not None:
        await send(_part(body, more=True))
        async for chunk in reply.stream:
            if transport is not None and transport.is_closing():
                return
            await send(_part(chunk, more=True))
        body = b""
    await send(_part(body, more=False))


def _part(body: bytes, more: bool) -> dict[str, Any]:
    return {"type": "http.response.body", "body": body, "more_body": more}


async def _cut(transport: asyncio.Transport | None, how: str) -> None:
    """End the connection: closed in good order, or reset so that the client sees an error."""
    if transport is None:
        raise RuntimeError("this server does not hand out its connections")
    if how == "reset":
        connection = transport.get_extra_info("socket")
        with contextlib.suppress(OSError):
            linger = struct.pack("ii", 1, 0)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        transport.abort()
    else:
        transport.close()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
