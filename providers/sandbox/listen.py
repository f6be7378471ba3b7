"""Listen on this machine only, with uvicorn, and serve until told to stop."""

from __future__ import annotations

import socket
from typing import Any

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from providers.errors import SetupError
from providers.sandbox.server import TRANSPORT

HOST = "127.0.0.1"


class OpenProtocol(H11Protocol):
    """Uvicorn's protocol, with the connection in the scope: some faults cut it."""

    def connection_made(self, transport: Any) -> None:
        """Wrap the application for this one connection."""
        super().connection_made(transport)
        inner: Any = self.app

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
