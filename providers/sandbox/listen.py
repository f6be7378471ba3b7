"""Listen on this machine only, with uvicorn, and serve until told to stop."""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from typing import Any

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from providers.errors import SetupError
from providers.sandbox.server import TRANSPORT

HOST = "127.0.0.1"
_SEND_BUFFER = 4 << 20  # bytes; a picture goes out in one piece instead of many
_JOINED = 65536  # bytes; what is larger is not copied to be joined


def _protocol() -> Any:
    """Return uvicorn's protocol: the one in C where it is installed, at half the cost."""
    with suppress(ImportError):
        from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

        return HttpToolsProtocol
    from uvicorn.protocols.http.h11_impl import H11Protocol

    return H11Protocol


_Protocol: Any = _protocol()


class JoinedTransport:
    """A connection that sends what is written within one turn of the loop in one packet.

    Uvicorn writes the head and the body apart, and sending is most of what an answer costs.
    """

    def __init__(self, transport: Any, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._waiting: list[bytes] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Keep `data` until this turn of the loop is over."""
        if not data:
            return
        if not self._waiting:
            self._loop.call_soon(self._flush)
        self._waiting.append(data)
        if len(data) > _JOINED or len(self._waiting) > 8:
            self._flush()  # so that a full connection is felt, and its sender waits

    def _flush(self) -> None:
        waiting, self._waiting = self._waiting, []
        if not waiting or self._transport.is_closing():
            return
        last = waiting.pop() if len(waiting[-1]) > _JOINED else b""
        self._transport.write(b"".join(waiting))
        if last:
            self._transport.write(last)

    def close(self) -> None:
        """Send what is kept, and close."""
        self._flush()
        self._transport.close()


class OpenProtocol(_Protocol):  # type: ignore[misc]
    """Uvicorn's protocol, with the connection in the scope: some faults cut it."""

    def connection_made(self, transport: Any) -> None:
        """Wrap the application for this one connection."""
        super().connection_made(transport)
        self.transport = transport = JoinedTransport(transport, self.loop)
        inner: Any = self.app  # type: ignore[has-type]

        async def outer(scope: Scope, receive: Receive, send: Send) -> None:
            scope[TRANSPORT] = transport
            await inner(scope, receive, send)

        self.app = outer


def bound_socket(port: int, last_port: int) -> socket.socket:
    """Return a listening place at `port`; 0 takes the last one again, if it is free, or any.

    Raises:
        SetupError: the port is taken.
    """
    for wanted in [last_port, 0] if port == 0 and last_port else [port]:
        # The protocol is named because asyncio sends small packets at once only on such sockets:
        # without it every answer waited 40 ms for the client's acknowledgement.
        place = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        place.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
        try:
            place.bind((HOST, wanted))
        except OSError:
            place.close()
            continue
        return place
    raise SetupError(f"port {port} on {HOST} is taken. Give another, or 0 for any.")


def server(
    app: ASGIApp, certificate: str | None = None, certificate_key: str | None = None
) -> uvicorn.Server:
    """Return the server of `app`, over TLS where a certificate is given."""
    config = uvicorn.Config(
        app,
        http=OpenProtocol,
        ws="none",
        lifespan="off",
        log_level="error",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=1,
        ssl_certfile=certificate,
        ssl_keyfile=certificate_key,
    )
    return uvicorn.Server(config)
