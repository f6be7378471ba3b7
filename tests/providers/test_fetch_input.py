"""A file behind a URL of a table is fetched with care: nothing private is asked, nothing endless read."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator

import httpx
import pytest

from providers import fetch_input as module
from providers import trusted_urls
from providers.errors import InputError
from providers.fetch_input import fetch_input
from providers.http_client import close_client
from providers.input_urls import LOOPBACK_SETTING, input_target
from providers.trusted_urls import Target
from tests.providers.server import Asked, Said, serving


@pytest.fixture(autouse=True)
async def quick(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    monkeypatch.setenv(LOOPBACK_SETTING, "1")
    monkeypatch.setattr("providers.driver.PAUSE_SECONDS", 0.01)
    yield
    await close_client()


async def whole(pieces: AsyncIterator[bytes]) -> bytes:
    return b"".join([piece async for piece in pieces])


async def refused(url: str) -> str:
    with pytest.raises(InputError) as raised:
        await fetch_input(url, whole)
    assert "secret" not in str(raised.value)
    return str(raised.value)


def picture(asked: Asked) -> Said:
    return Said(body=b"bytes", headers={"content-type": "image/png; x=y"})


async def test_bytes_come_with_their_media_type_and_nothing_of_ours_goes_out() -> None:
    async with serving(picture) as server:
        assert await fetch_input(f"{server.url}/a.png?sig=secret", whole) == (b"bytes", "image/png")
    (asked,) = server.asked
    assert asked.path == "/a.png?sig=secret"
    assert set(asked.headers) == {"host", "user-agent", "accept", "accept-encoding"}


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (401, "is not open to everybody (401). Give a URL that needs no login"),
        (403, "is not open to everybody (403)"),
        (404, "is not there (404). Mend the URL."),
        (410, "is not there (410)"),
        (204, "could not be fetched (204). Download it, give the path."),
        (418, "could not be fetched (418)"),
    ],
)
async def test_a_status_is_told_at_once_and_in_one_line(status: int, said: str) -> None:
    async with serving(lambda asked: Said(status, b"")) as server:
        line = await refused(f"{server.url}/a.png?sig=secret")
    assert line.startswith(f"'{server.url}/a.png' ") and said in line
    assert len(server.asked) == 1


async def test_a_busy_server_is_asked_again() -> None:
    turns = [Said(503, b""), Said(429, b"", {"retry-after": "0"})]
    async with serving(lambda asked: turns.pop(0) if turns else picture(asked)) as server:
        assert (await fetch_input(f"{server.url}/a.png", whole))[0] == b"bytes"
    assert len(server.asked) == 3


async def test_a_server_that_stays_busy_is_given_up() -> None:
    async with serving(lambda asked: Said(503, b"")) as server:
        line = await refused(f"{server.url}/a.png?secret")
    assert "could not be fetched: the server answered 503. Go on later with `resume`" in line
    assert len(server.asked) == 4


async def test_bytes_that_end_early_and_servers_that_are_not_there_are_told() -> None:
    raw = b"HTTP/1.1 200 X\r\ncontent-length: 100\r\n\r\nshort"
    async with serving(lambda asked: Said(raw=raw)) as server:
        url = f"{server.url}/a.png?secret"
        assert "the connection broke to 127.0.0.1 (RemoteProtocolError)" in await refused(url)
    await close_client()
    assert "no connection to 127.0.0.1 (ConnectError)" in await refused(url)


@pytest.mark.parametrize("says_so", [True, False])
async def test_more_bytes_than_are_taken(monkeypatch: pytest.MonkeyPatch, says_so: bool) -> None:
    monkeypatch.setattr(module, "MAX_INPUT_BYTES", 10)
    raw = b"HTTP/1.1 200 X\r\nconnection: close\r\n\r\n" + b"x" * 11
    said = Said(body=b"x" * 11) if says_so else Said(raw=raw)
    async with serving(lambda asked: said) as server:
        line = await refused(f"{server.url}/a.png?secret")
    assert ("it has 11 bytes, and 10 are taken" if says_so else "more than 10 bytes") in line
    assert len(server.asked) == 1


async def test_a_server_that_drips_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "INPUT_SECONDS", 0.1)

    async def drip(writer: asyncio.StreamWriter) -> None:
        for _ in range(50):
            writer.write(b"x")
            await asyncio.sleep(0.02)

    head = b"HTTP/1.1 200 X\r\ncontent-length: 1000\r\n\r\n"
    async with serving(lambda asked: Said(raw=head, then=drip)) as server:
        line = await refused(f"{server.url}/a.png?secret")
    assert "did not come within 0.1 s" in line


def led_to(place: str) -> Said:
    return Said(302, b"", {"location": place})


async def test_a_redirect_is_followed_and_its_end_named_by_the_first_url() -> None:
    def say(asked: Asked) -> Said:
        return led_to("/there?secret") if asked.path == "/a" else Said(404, b"")

    async with serving(say) as server:
        assert await refused(f"{server.url}/a") == (
            f"'{server.url}/a' is not there (404). Mend the URL."
        )


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("http://example.com/a?secret", "'http://example.com/a' is not https"),
        ("file:///etc/passwd", "is not an https URL"),
        ("https://169.254.169.254/latest", "is not at a public address"),
        ("https://[::1]:1/", "no connection to ::1"),  # allowed here, and nobody is there
        ("https://me:secret@example.com/", "'https://example.com/' holds a user name"),
    ],
)
async def test_a_redirect_is_held_to_what_a_url_is(place: str, said: str) -> None:
    async with serving(lambda asked: led_to(place)) as server:
        line = await refused(f"{server.url}/a?secret")
    assert said in line
    assert all(asked.path == "/a?secret" for asked in server.asked)


async def test_redirects_in_a_circle_end() -> None:
    async with serving(lambda asked: led_to("/a")) as server:
        assert "is redirected more than 3 times" in await refused(f"{server.url}/a")
    assert len(server.asked) == 4


async def test_a_name_that_leads_into_a_private_network_is_not_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def lookup(host: str, *args: object, **kwargs: object) -> list[tuple[object, ...]]:
        return [(socket.AF_INET, 0, 0, "", (a, 443)) for a in ("93.184.216.34", "10.0.0.7")]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", lookup)
    line = await refused("https://intranet.example/a?secret")
    assert "a URL points at 'intranet.example', which is not a public address" in line


async def test_a_connection_that_has_led_to_this_machine_is_dropped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def nothing(self: Target) -> None:
        """The name had a public address a moment before."""

    monkeypatch.setattr(trusted_urls.Target, "check_addresses", nothing)
    monkeypatch.delenv(LOOPBACK_SETTING)

    def as_if_public(text: str) -> object:
        target = input_target(text.replace("http:", "https:"))
        assert not isinstance(target, Target)  # by its address it is refused at once
        return Target(httpx.URL(text), is_own=False, gets_key=False)

    monkeypatch.setattr(module, "input_target", as_if_public)
    async with serving(picture) as server:
        assert "not a public address" in await refused(f"{server.url}/a?secret")
    assert server.asked == []


async def test_a_cookie_is_not_kept() -> None:
    def say(asked: Asked) -> Said:
        return Said(body=b"x", headers={"set-cookie": "who=me"})

    async with serving(say) as server:
        for _ in range(2):
            await fetch_input(f"{server.url}/a", whole)
    assert all("cookie" not in asked.headers for asked in server.asked)
