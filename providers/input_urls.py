"""URLs that a table or `--set` names files by: which of them are asked at all. Opens no socket.

A table may come from anybody, by mail or through a form, and what a URL in it gives goes on to
providers and into results. So whoever writes one must not be able to have this machine, or a worker
in somebody's cloud, read what only that can reach: the metadata service at 169.254.169.254, a
router, a page of the intranet. Hence https alone, no user name, no key and no cookie with it, and
public addresses alone: those a name has when it is looked up, and the one that the connection has
led to, since a name may have another answer a moment later. Every redirect is held to the same.
A proxy of the user's looks names up itself, and what it may reach is its own rule.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from providers.trusted_urls import (
    LOOPBACK_NAME,
    Target,
    is_public,
    is_this_machine,
    literal_address,
    parsed_url,
    shown,
)

if TYPE_CHECKING:
    import httpx

LOOPBACK_SETTING = "MEDIAFLOWS_LOOPBACK_INPUTS"
"""Set to 1, files may be fetched from this machine, over http as well: for tests, and only there."""

_DOWNLOAD = "Download it, give the path"


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a URL is not asked, and what to do instead."""

    problem: str
    fix: str


def input_target(text: str) -> Target | Refused:
    """Return where a file is asked for, or why it is not."""
    url = parsed_url(text)
    if url is None:
        return _no_url(text)
    if url.userinfo:
        return Refused(f"{_without_user(url)} holds a user name", "Give a URL that needs none")
    if is_this_machine(url.host) and os.environ.get(LOOPBACK_SETTING) == "1":
        return Target(url, is_own=True, gets_key=False)  # by its name: what is looked up is not
    if url.scheme != "https":
        return Refused(f"{shown(text)} is not https", f"Give its https address. {_DOWNLOAD} else")
    address = literal_address(url.host)
    if url.host == LOOPBACK_NAME or (address is not None and not is_public(str(address))):
        return Refused(f"{shown(text)} is not at a public address", _DOWNLOAD)
    return Target(url, is_own=False, gets_key=False)


def _no_url(text: str) -> Refused:
    scheme = text.partition("://")[0].lower()
    if scheme not in ("http", "https"):
        return Refused(f"{shown(text)} is not an https URL", _DOWNLOAD)
    return Refused(
        f"{shown(text)} is no URL that can be asked",
        "Write spaces and accents in it as %20, %C3%A9",
    )


def _without_user(url: httpx.URL) -> str:
    return shown(str(url.copy_with(userinfo=b"")))
