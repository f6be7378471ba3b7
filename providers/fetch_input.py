"""Fetch a file that a table names by its URL: bounded in bytes and in time, and without any key."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, NoReturn, TypeVar

from providers.driver import MAX_RESULT_BYTES, repeated
from providers.errors import BadReplyError, InputError, MediaflowsError, UnavailableError
from providers.http_client import (
    MAX_REDIRECTS,
    REDIRECTS,
    TIMEOUTS,
    client,
    guard,
    next_url,
    pieces,
)
from providers.input_urls import input_target
from providers.replies import retry_after_seconds
from providers.trusted_urls import Target, shown

if TYPE_CHECKING:
    import httpx

MAX_INPUT_BYTES = MAX_RESULT_BYTES  # as much as one step hands to the next
INPUT_SECONDS = 120.0  # for all tries together: a row waits, and others behind it

T = TypeVar("T")


async def fetch_input(
    url: str, receive: Callable[[AsyncIterator[bytes]], Awaitable[T]]
) -> tuple[T, str]:
    """Return what `receive` makes of the bytes at `url`, and the media type that came with them.

    Raises:
        InputError: they could not be had; one line without the URL's query, and what to do.
    """
    try:
        async with asyncio.timeout(INPUT_SECONDS):
            return await repeated(lambda: _fetched(url, receive))
    except TimeoutError:
        problem = f"did not come within {INPUT_SECONDS:g} s"
    except UnavailableError as error:
        problem = f"could not be fetched: {error}"
    raise InputError(
        f"{shown(url)} {problem}. Go on later with `resume`, or give a file."
    ) from None


async def _fetched(
    url: str, receive: Callable[[AsyncIterator[bytes]], Awaitable[T]]
) -> tuple[T, str]:
    asked = url
    for _ in range(MAX_REDIRECTS + 1):
        target = _require_target(asked, url)
        try:
            await target.check_addresses()
            response = await client().send(_request(target), stream=True)
            try:
                if response.status_code not in REDIRECTS:
                    _require_file(response, url)
                    most = MAX_INPUT_BYTES
                    media_type = response.headers.get("content-type", "").partition(";")[0]
                    return await receive(pieces(response, most)), media_type.strip().lower()
                asked = next_url(target, response)
            finally:
                await response.aclose()
        except BadReplyError as error:
            raise InputError(f"{shown(url)}: {error}. Download it, give the path.") from None
        except MediaflowsError:
            raise
        except Exception as error:
            _raise_lost(error, target)
    raise InputError(
        f"{shown(url)} is redirected more than {MAX_REDIRECTS} times. Give the address it ends at."
    )


def _require_target(asked: str, url: str) -> Target:
    target = input_target(asked)
    if isinstance(target, Target):
        return target
    led = f"{shown(url)} leads elsewhere: " if asked != url else ""
    raise InputError(f"{led}{target.problem}. {target.fix}.")


def _request(target: Target) -> httpx.Request:
    import httpx

    headers = {"user-agent": "mediaflows", "accept": "*/*", "accept-encoding": "identity"}
    trace = {} if target.is_own else {"trace": guard(target)}
    return httpx.Request(
        "GET", target.url, headers=headers, extensions={**trace, "timeout": TIMEOUTS}
    )


def _require_file(response: httpx.Response, url: str) -> None:
    status = response.status_code
    if status == 429 or status >= 500:
        raise UnavailableError(
            f"the server answered {status}",
            retry_after_seconds=retry_after_seconds(response.headers),
        )
    if status != 200:
        problem, fix = _STATUSES.get(status, ("could not be fetched", "Download it, give the path"))
        raise InputError(f"{shown(url)} {problem} ({status}). {fix}.")
    length = response.headers.get("content-length", "")
    if length.isdigit() and int(length) > MAX_INPUT_BYTES:
        raise BadReplyError(f"it has {int(length):,} bytes, and {MAX_INPUT_BYTES:,} are taken")


_OPEN = (
    "is not open to everybody",
    "Give a URL that needs no login; a signed one may have expired",
)
_GONE = ("is not there", "Mend the URL")
_STATUSES = {401: _OPEN, 403: _OPEN, 404: _GONE, 410: _GONE}


def _raise_lost(error: Exception, target: Target) -> NoReturn:
    """Name what went wrong on the way; it may be tried again."""
    import httpx

    if not isinstance(error, httpx.TransportError | httpx.StreamError):
        raise error  # a full disk, a bug: not the server's doing
    word, host = type(error).__name__, target.url.host
    unsent = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
    how = "no connection to" if isinstance(error, unsent) else "the connection broke to"
    raise UnavailableError(f"{how} {host} ({word})") from None
