"""The connections of a process to the network, and what is true of every answer over them.

All that an event loop asks shares one client; no answer is trusted: its size, where its connection
led to and where it redirects are looked at here.
"""

from __future__ import annotations

import asyncio
import logging
import zlib
from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from providers.errors import BadReplyError
from providers.trusted_urls import Target, check_address

if TYPE_CHECKING:
    import httpx

CONNECT_SECONDS = 15.0
SILENCE_SECONDS = 60.0  # between two pieces of an answer
MAX_REDIRECTS = 3
PIECE_BYTES = 1 << 16
CONNECTIONS = 256
# Below the 5 s after which common servers hang up: a submit on a connection that is just being
# closed is lost in a way that cannot be told from one that arrived.
IDLE_SECONDS = 4.0

REDIRECTS = (301, 302, 303, 307, 308)

TIMEOUTS = {
    "connect": CONNECT_SECONDS,
    "read": SILENCE_SECONDS,
    "write": SILENCE_SECONDS,
    "pool": SILENCE_SECONDS,
}

_clients: WeakKeyDictionary[asyncio.AbstractEventLoop, httpx.AsyncClient] = WeakKeyDictionary()


async def close_client() -> None:
    """Close the connections of the running event loop; the next call opens new ones."""
    client = _clients.pop(asyncio.get_running_loop(), None)
    if client is not None:
        await client.aclose()


def client() -> httpx.AsyncClient:
    """Return the running event loop's client; it follows no redirect."""
    import httpx

    loop = asyncio.get_running_loop()
    found = _clients.get(loop)
    if found is None:
        # At INFO it logs whole URLs, with the signatures in them.
        logging.getLogger("httpx").setLevel(logging.WARNING)
        found = _clients[loop] = httpx.AsyncClient(
            limits=httpx.Limits(max_connections=CONNECTIONS, keepalive_expiry=IDLE_SECONDS),
            follow_redirects=False,
        )
    return found


def guard(target: Target) -> Any:
    """Look at the address a new connection has led to, before anything is sent over it.

    The name was looked up before; an answer that changes in between would get past that.
    """

    async def trace(event: str, info: Mapping[str, Any]) -> None:
        if event == "connection.connect_tcp.complete" and not target.is_proxied:
            stream = info["return_value"]
            try:
                check_address(stream.get_extra_info("server_addr")[0], target.url.host)
            except BadReplyError:
                await stream.aclose()
                raise

    return trace


async def pieces(response: httpx.Response, max_bytes: int) -> AsyncIterator[bytes]:
    """Give the body, unpacked where the server packed it unasked, and never more than the most.

    Raises:
        BadReplyError: it has more bytes, or is packed in another way.
    """
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("", "identity", "gzip", "deflate"):
        raise BadReplyError(f"the answer is packed as {encoding[:20]!r}, which was not asked for")
    unpacker = zlib.decompressobj(47) if encoding in ("gzip", "deflate") else None
    count = 0
    async for packed in response.aiter_raw():
        for piece in _unpacked(packed, unpacker):
            count += len(piece)
            if count > max_bytes:
                raise BadReplyError(f"the answer has more than {max_bytes:,} bytes")
            yield piece


def _unpacked(packed: bytes, unpacker: Any) -> Any:
    if unpacker is None:
        yield packed
        return
    while packed:  # a few kilobytes may unpack to gigabytes: never more than a piece at a time
        try:
            yield unpacker.decompress(packed, PIECE_BYTES)
        except zlib.error:
            raise BadReplyError("the answer is packed in a way that cannot be unpacked") from None
        packed = unpacker.unconsumed_tail


def next_url(target: Target, response: httpx.Response) -> str:
    """Return where a redirect leads, unchecked.

    Raises:
        BadReplyError: to no URL.
    """
    import httpx

    place = response.headers.get("location", "")
    try:
        return str(target.url.join(place))
    except (httpx.InvalidURL, ValueError):
        raise BadReplyError("a redirect to something that is no URL") from None
