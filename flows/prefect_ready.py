"""Have Prefect imported, quiet, and with a server: the configured one, or a temporary one."""

from __future__ import annotations

import atexit
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from flows.say import say
from flows.settings import quiet_console

_kept = ExitStack()
_kept_url: list[str] = []
# Registered before Prefect is imported, so that what Prefect sends at the end still has a server.
atexit.register(_kept.close)


@contextmanager
def prefect_ready() -> Iterator[None]:
    """Have a server for the block; a temporary one ends with it."""
    if _is_configured():
        yield
        return
    from flows.temporary_server import temporary_server

    say("starting a temporary Prefect server, about 10 s; `prefect server start` keeps one")
    with temporary_server():
        yield


def keep_prefect_ready() -> None:
    """Have a server from now on; a temporary one serves this process until it ends."""
    from flows.temporary_server import URL_VARIABLE, temporary_server

    if os.environ.get(URL_VARIABLE) in _kept_url or _is_configured():
        return
    say("starting a temporary Prefect server for this process, about 10 s")
    _kept_url.append(_kept.enter_context(temporary_server()))


def _is_configured() -> bool:
    quiet_console()
    from prefect.settings import PREFECT_API_URL

    url = PREFECT_API_URL.value()
    if url:
        say(f"Prefect server {url}")
    return bool(url)
