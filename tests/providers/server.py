"""A small HTTP server in the test's own event loop, that answers as the test says."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Asked:
    """One request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Said:
    """An answer; `raw` is written as it is instead, `then` writes whatever it wants."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    raw: bytes | None = None
    then: Callable[[asyncio.StreamWriter], Awaitable[None]] | None = None

    def encoded(self) -> bytes:
        if self.raw is not None:
            return self.raw
        data = self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()
        headers = {"content-type": "application/json", "content-length": str(len(data))}
        lines = [f"{name}: {value}" for name, value in {**headers, **self.headers}.items()]
        head = "\r\n".join([f"HTTP/1.1 {self.status} X", *lines])
        return head.encode() + b"\r\n\r\n" + data


class Server:
    """Keeps what was asked; `say` is called for each request."""

    def __init__(self, say: Callable[[Asked], Said]) -> None:
        self.say = say
        self.asked: list[Asked] = []
        self.url = ""
        self._talks: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._talks[task] = writer
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                asked = await _asked(head, reader)
                self.asked.append(asked)
                said = self.say(asked)
                writer.write(said.encoded())
                await writer.drain()
                if said.then is not None:
                    await said.then(writer)
                if said.raw is not None or said.then is not None:
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()
            with contextlib.suppress(Exception):
                await writer.wait_closed()
            del self._talks[task]

    async def hang_up(self) -> None:
        tasks = list(self._talks)
        for writer in self._talks.values():
            writer.transport.abort()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _asked(head: bytes, reader: asyncio.StreamReader) -> Asked:
    first, *lines = head.decode("latin-1").strip().split("\r\n")
    method, path, _ = first.split(" ")
    headers = {}
    for line in lines:
        name, _, value = line.partition(": ")
        headers[name.lower()] = value
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Asked(method, path, headers, body)


@asynccontextmanager
async def serving(say: Callable[[Asked], Said]) -> AsyncIterator[Server]:
    """Serve on a free loopback port for as long as the block lasts."""
    server = Server(say)
    listening = await asyncio.start_server(server.talk, "127.0.0.1", 0, limit=1 << 20)
    server.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    try:
        yield server
    finally:
        await asyncio.sleep(0.002)  # a connection that was just accepted begins to talk
        listening.close()
        await server.hang_up()
        await asyncio.sleep(0)
