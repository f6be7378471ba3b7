"""The wire to a vendor over HTTP.

It adds the key, moves URLs where `<NAME>_BASE_URL` says, and trusts no answer: sizes, nesting,
addresses and redirects are bounded here, and each breach is a typed error. A submit that may have
reached the vendor is an UncertainError, and only what provably did not is an UnavailableError.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, NoReturn

from providers.adapter import Answer, Call
from providers.errors import (
    BadReplyError,
    ExpiredError,
    MediaflowsError,
    UnavailableError,
    UncertainError,
)
from providers.http_client import (
    MAX_REDIRECTS,
    PIECE_BYTES,
    REDIRECTS,
    TIMEOUTS,
    client,
    guard,
    next_url,
    pieces,
)
from providers.replies import retry_after_seconds
from providers.trusted_urls import Site, Target, shown

if TYPE_CHECKING:
    import httpx

ANSWER_SECONDS = 120.0  # for an answer as a whole: one that drips in never ends otherwise
MAX_ANSWER_BYTES = 32 << 20  # results inside JSON are base64
MAX_LEVELS = 64

GONE = (401, 403, 404, 410)
REPEATABLE = ("GET", "PUT", "DELETE")  # doing it twice is doing it once


class HttpWire:
    """One vendor's wire; all wires of an event loop share its connections."""

    def __init__(self, site: Site) -> None:
        self.site = site

    async def send(self, call: Call) -> Answer:
        """Return the answer to one call; redirects are not followed.

        Raises:
            UnavailableError: no connection, so it was not accepted; or a lost answer to a GET.
            UncertainError: sent, and the answer was lost.
            BadReplyError: an answer that is too large, too deep or not JSON.
            SetupError: the key or the base URL cannot be used.
        """
        target = self.site.locate(call.url)
        if not target.is_own and call.content is None:  # only uploads go where an answer says
            raise BadReplyError(f"{self.site.name} named a foreign host: {shown(call.url)}")
        await target.check_addresses()
        headers = {"accept": "application/json", **call.headers}
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                async with self._asked(call.method, target, headers, call) as response:
                    data = b"".join([piece async for piece in pieces(response, MAX_ANSWER_BYTES)])
        except MediaflowsError:
            raise
        except Exception as error:
            _raise_lost(error, self.site.name, target, call.method)
        return self._answer(call, response, data)

    async def fetch(self, url: str, *, max_bytes: int) -> AsyncGenerator[bytes, None]:
        """Give the bytes at a URL out of an answer, piece by piece.

        Raises:
            BadReplyError: a URL that is not followed, or more bytes than `max_bytes`.
            ExpiredError: nothing is there any more.
            UnavailableError: no connection, or the bytes ended early; it may be tried again.
        """
        for hop in range(MAX_REDIRECTS + 1):
            target = self.site.locate(url)
            if hop:  # the key follows no redirect, not even one to the vendor's own host
                target = Target(target.url, target.is_own, gets_key=False)
            await target.check_addresses()
            try:
                async with self._asked("GET", target, {"accept": "*/*"}) as response:
                    if response.status_code not in REDIRECTS:
                        self._require_file(response, url, max_bytes)
                        async for piece in pieces(response, max_bytes):
                            yield piece
                        return
                    url = next_url(target, response)
            except MediaflowsError:
                raise
            except Exception as error:
                _raise_lost(error, self.site.name, target, "GET")
        raise BadReplyError(f"{self.site.name}'s result was redirected more than {MAX_REDIRECTS} x")

    @asynccontextmanager
    async def _asked(
        self, method: str, target: Target, headers: Mapping[str, str], call: Call | None = None
    ) -> AsyncIterator[httpx.Response]:
        import httpx

        own = {
            "user-agent": "mediaflows",
            "accept-encoding": "identity",
            **{name.lower(): value for name, value in headers.items()},
        }
        if target.gets_key and (key := self.site.key()):
            own[self.site.key_header.lower()] = self.site.key_form.format(key=key)
        content: dict[str, Any] = {}
        if call is not None and call.files is not None:
            content["files"] = call.files
        elif call is not None and (call.content is not None or call.body is not None):
            content["content"] = call.encoded()
            own.setdefault("content-type", "application/json")
        extensions = {} if target.is_own else {"trace": guard(target)}
        request = httpx.Request(method, target.url, headers=own, extensions=extensions, **content)
        request.extensions["timeout"] = TIMEOUTS
        response = await client().send(request, stream=True)
        try:
            yield response
        finally:
            await response.aclose()

    def _answer(self, call: Call, response: httpx.Response, data: bytes) -> Answer:
        key = (self.site.key() or "").encode()
        if len(key) >= 8 and key in data:  # a vendor that repeats our key in its complaint
            data = data.replace(key, b"[key]")
        headers = dict(response.headers)
        status = response.status_code
        try:
            return Answer(status, _parsed(data), headers)
        except BadReplyError as error:
            if response.is_success and call.content is None:
                raise BadReplyError(f"{self.site.name} answered {status} with {error}") from None
        return Answer(status, data[:PIECE_BYTES].decode("utf-8", "replace"), headers)

    def _require_file(self, response: httpx.Response, url: str, max_bytes: int) -> None:
        status, who = response.status_code, self.site.name
        if status in GONE:
            raise ExpiredError(f"the URL of {who}'s result has expired ({status}): {shown(url)}")
        if status >= 400:  # what was paid for is asked for again, whatever a file host says
            raise UnavailableError(
                f"{who} answered {status} to a download",
                retry_after_seconds=retry_after_seconds(response.headers),
            )
        if status != 200:
            raise BadReplyError(f"{who} answered {status} to a download: {shown(url)}")
        length = response.headers.get("content-length", "")
        if length.isdigit() and int(length) > max_bytes:
            raise BadReplyError(f"{who}'s result has {int(length):,} bytes, above {max_bytes:,}")


def _parsed(data: bytes) -> Any:
    if not data.strip():
        return None
    try:
        body = json.loads(data, parse_constant=_refuse_constant)
    except RecursionError:
        raise BadReplyError("JSON that is nested too deep") from None
    except ValueError:
        raise BadReplyError("something that is not JSON") from None
    if _levels(body) > MAX_LEVELS:
        raise BadReplyError(f"JSON of more than {MAX_LEVELS} levels")
    return body


def _refuse_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is not JSON")


def _levels(body: Any) -> int:
    """Count the levels of a document without recursion."""
    level, depth = [body], 0
    while level and depth <= MAX_LEVELS:
        depth += 1
        level = [
            child
            for item in level
            if isinstance(item, dict | list)
            for child in (item.values() if isinstance(item, dict) else item)
        ]
    return depth


def _raise_lost(error: Exception, who: str, target: Target, method: str) -> NoReturn:
    import httpx

    word, host = type(error).__name__, target.url.host
    unsent = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
    if isinstance(error, unsent):
        raise UnavailableError(f"no connection to {who} at {host} ({word})") from None
    if not isinstance(error, httpx.TransportError | httpx.StreamError | OSError):
        raise error
    message = f"the connection to {who} at {host} broke before the answer was whole ({word})"
    if method in REPEATABLE:
        raise UnavailableError(message) from None
    raise UncertainError(message) from None
