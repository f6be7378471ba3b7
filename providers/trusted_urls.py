"""Which URLs are a provider's own, which of them get its key, and which are never followed.

A URL out of an answer is data from outside: it is checked before anything is sent to it, and a key
goes only to the hosts that are written down for its provider, or where `<NAME>_BASE_URL` points.
"""

from __future__ import annotations

import asyncio
import ipaddress
import os
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from providers.errors import BadReplyError, SetupError, UnavailableError

if TYPE_CHECKING:
    import httpx

LOOPBACK_NAME = "localhost"
_HOST = re.compile(r"[A-Za-z0-9._:-]+")


def read_key(variable: str, environment: Mapping[str, str] = os.environ) -> str | None:
    """Return the key that `variable` holds, or None when none is set.

    Raises:
        SetupError: it holds characters that no header may hold; the message does not.
    """
    key = environment.get(variable, "").strip()
    if not (key.isascii() and key.isprintable()):
        raise SetupError(
            f"{variable} holds a line break or another character that no key has: set it again."
        )
    return key or None


@dataclass(frozen=True, slots=True)
class Site:
    """Where a provider is, and how it is told who asks; a `*` in a host stands for any part."""

    name: str
    key_variable: str
    base_url: str
    hosts: tuple[str, ...]
    """Its API: these get the key."""
    file_hosts: tuple[str, ...] = ()
    """Its files: they follow `<NAME>_BASE_URL`, too, and never get the key."""
    key_header: str = "Authorization"
    key_form: str = "{key}"

    def key(self, environment: Mapping[str, str] = os.environ) -> str | None:
        """Return the key in force, or None when none is set; as `read_key`."""
        return read_key(self.key_variable, environment)

    def moved_to(self, environment: Mapping[str, str] = os.environ) -> httpx.URL | None:
        """Return where `<NAME>_BASE_URL` moves the provider, or None at its own hosts.

        Raises:
            SetupError: the variable is no URL that a key may be sent to.
        """
        text = environment.get(f"{self.name.upper()}_BASE_URL", "").strip().rstrip("/")
        if text in ("", self.base_url):
            return None
        url = parsed_url(text)
        is_safe = url is not None and (
            url.scheme == "https" or (url.scheme == "http" and is_this_machine(url.host))
        )
        if url is None or not is_safe or url.userinfo:
            raise SetupError(
                f"{self.name.upper()}_BASE_URL is not a URL that a key may be sent to: give https, "
                "or http on this machine, with no user name in it."
            )
        return url

    def locate(self, text: str) -> Target:
        """Return where a call or a file goes, moved where the provider is moved.

        Raises:
            BadReplyError: it is not a URL that is followed.
        """
        moved, url = self.moved_to(), parsed_url(text)
        if url is None or url.userinfo:
            raise BadReplyError(f"{self.name} named a URL that cannot be followed: {shown(text)}")
        if moved is None:
            if url.scheme != "https":
                raise BadReplyError(f"{self.name} named a URL that is not https: {shown(text)}")
            gets_key = url.port in (None, 443) and _among(url, self.hosts)
            return Target(url, gets_key or _among(url, self.file_hosts), gets_key)
        if _among(url, (*self.hosts, *self.file_hosts)):
            path = moved.raw_path.rstrip(b"/") + url.raw_path
            url = moved.copy_with(raw_path=path)
        is_own = _origin(url) == _origin(moved)
        if not is_own and url.scheme != "https":
            raise BadReplyError(f"{self.name} named a URL that is not https: {shown(text)}")
        return Target(url, is_own=is_own, gets_key=is_own)


@dataclass(frozen=True, slots=True)
class Target:
    """A URL that may be asked; `is_own` where its provider is known, or was moved, to be."""

    url: httpx.URL
    is_own: bool
    gets_key: bool

    async def check_addresses(self) -> None:
        """Look the host up and make sure that it is out in the open.

        Raises:
            BadReplyError: one of its addresses is this machine's or a private network's.
            UnavailableError: the name is not known.
        """
        host = self.url.host
        if self.is_own or (self.is_proxied and not literal_address(host)):
            return  # written down by us or by the user; or the proxy looks the name up
        for address in await _addresses(host, self.url.port or 443):
            check_address(address, host)

    @property
    def is_proxied(self) -> bool:
        """True when the user's environment sends this through a proxy."""
        from urllib.request import getproxies, proxy_bypass  # loads ssl: 20 ms of every command

        proxies = getproxies()
        found = proxies.get(self.url.scheme) or proxies.get("all")
        return bool(found) and not proxy_bypass(self.url.host)


def check_address(address: str, host: str) -> None:
    """Make sure that one address of `host` is public.

    Raises:
        BadReplyError: it is not, so nothing is sent to it.
    """
    if not is_public(address):
        raise BadReplyError(
            f"a URL points at {host!r}, which is not a public address; it was not followed"
        )


def is_public(address: str) -> bool:
    """True for an address of the open internet, also when it is wrapped in an IPv6 address."""
    found = ipaddress.ip_address(address.split("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        wrapped = found.ipv4_mapped or found.sixtofour
        found = wrapped or found
    return found.is_global and not found.is_multicast


def is_this_machine(host: str) -> bool:
    """True for a loopback address and for `localhost`."""
    literal = literal_address(host)
    return host == LOOPBACK_NAME if literal is None else literal.is_loopback


def shown(text: str) -> str:
    """Return a URL as a message may show it: no query, since signatures and keys travel there."""
    plain = "".join(sign if sign.isprintable() else "?" for sign in text[:300])
    return repr(plain.split("?")[0].split("#")[0][:120])


async def _addresses(host: str, port: int) -> list[str]:
    if literal_address(host) is not None:
        return [host]
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise UnavailableError(f"the name {host!r} was not found: {type(error).__name__}") from None
    return sorted({str(entry[4][0]) for entry in found})


def parsed_url(text: str) -> httpx.URL | None:
    """Return a URL of http or https as the client reads it, or None: it is none."""
    import httpx

    if not (text.isascii() and text.isprintable()) or " " in text or "\\" in text:
        return None  # parsers disagree about these
    try:
        url = httpx.URL(text)
    except (httpx.InvalidURL, ValueError):
        return None
    is_plain = url.scheme in ("http", "https") and _HOST.fullmatch(url.host)
    return url if is_plain else None


def _among(url: httpx.URL, hosts: tuple[str, ...]) -> bool:
    return any(fnmatchcase(url.host, host) for host in hosts)


def _origin(url: httpx.URL) -> tuple[str, str, int]:
    return url.scheme, url.host, url.port or (443 if url.scheme == "https" else 80)


def literal_address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Return the address that a host is written as, or None: it is a name."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
