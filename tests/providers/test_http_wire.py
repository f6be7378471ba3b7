"""The wire: who gets the key, what is never followed, and hostile answers that end in an error."""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
import socket
import tracemalloc
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from providers import http_client, http_wire, trusted_urls
from providers.adapter import Call
from providers.driver import Driver
from providers.errors import (
    BadReplyError,
    ExpiredError,
    MediaflowsError,
    ParkedError,
    SetupError,
    UnavailableError,
    UncertainError,
)
from providers.fal import FalAdapter
from providers.http_client import close_client
from providers.http_wire import HttpWire
from providers.registry import PROVIDERS
from providers.trusted_urls import Site, is_public, shown
from tasks.store import Store
from tests.providers.replies import SITES
from tests.providers.server import Asked, Said, Server, serving

FAL = next(site for site in SITES if site.name == "fal")
REPLICATE = next(site for site in SITES if site.name == "replicate")
KEY = "key-of-fal:very-secret"
SUBMIT = Call("POST", "https://queue.fal.run/fal-ai/flux-2-pro", {"prompt": "a mug"})
POLL = Call("GET", "https://queue.fal.run/fal-ai/flux-2-pro/requests/1/status?logs=0")


@pytest.fixture(autouse=True)
async def own_client() -> AsyncIterator[None]:
    yield
    await close_client()


@pytest.fixture
def moved(monkeypatch: pytest.MonkeyPatch) -> Callable[[Server], HttpWire]:
    """Move fal to a server, below a prefix, with a key set."""

    def move(server: Server) -> HttpWire:
        monkeypatch.setenv("FAL_BASE_URL", f"{server.url}/fal/")
        monkeypatch.setenv("FAL_KEY", KEY)
        return HttpWire(FAL)

    return move


Moved = Callable[[Server], HttpWire]


async def fetched(wire: HttpWire, url: str, max_bytes: int = 1 << 20) -> bytes:
    return b"".join([piece async for piece in wire.fetch(url, max_bytes=max_bytes)])


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


async def test_a_moved_provider_keeps_its_paths_and_gets_its_key(moved: Moved) -> None:
    async with serving(lambda asked: Said(200, {"ok": True}, {"X-Fal-Request-Id": "7"})) as server:
        wire = moved(server)
        answer = await wire.send(SUBMIT)
        await wire.send(Call("GET", "https://rest.fal.ai/a/b?c=d"))
        await wire.send(Call("GET", f"{server.url}/anywhere"))
    assert answer.status == 200
    assert answer.body == {"ok": True}
    assert answer.headers["x-fal-request-id"] == "7"
    first, second, third = server.asked
    assert (first.method, first.path) == ("POST", "/fal/fal-ai/flux-2-pro")
    assert first.json() == {"prompt": "a mug"}
    assert first.body == SUBMIT.encoded()
    assert second.path == "/fal/a/b?c=d"
    assert third.path == "/anywhere"
    assert {asked.headers["authorization"] for asked in server.asked} == {f"Key {KEY}"}


async def test_the_key_follows_no_redirect(moved: Moved) -> None:
    def say(asked: Asked) -> Said:
        if asked.path == "/one":
            return Said(302, b"", {"location": "/two"})
        return Said(200, b"bytes", {"content-type": "image/png"})

    async with serving(say) as server:
        assert await fetched(moved(server), f"{server.url}/one") == b"bytes"
    assert "authorization" in server.asked[0].headers
    assert "authorization" not in server.asked[1].headers


async def test_a_redirect_to_another_host_gets_no_key_and_is_checked(moved: Moved) -> None:
    async with (
        serving(lambda asked: Said(200, b"stolen")) as other,
        serving(lambda asked: Said(302, b"", {"location": f"{other.url}/latest"})) as server,
    ):
        with pytest.raises(BadReplyError, match="not https"):
            await fetched(moved(server), f"{server.url}/one")
    assert other.asked == []


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_call_follows_no_redirect(moved: Moved, method: str) -> None:
    async with serving(lambda asked: Said(307, {}, {"location": "/elsewhere"})) as server:
        answer = await moved(server).send(Call(method, "https://queue.fal.run/x", {}))
    assert answer.status == 307
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("site", "url", "gets_key"),
    [
        ("fal", "https://queue.fal.run/x", True),
        ("fal", "https://rest.fal.ai/x", True),
        ("fal", "https://queue.fal.run:8443/x", False),
        ("fal", "https://queue.fal.run.evil.example/x", False),
        ("fal", "https://evil.example/queue.fal.run", False),
        ("fal", "https://v3.fal.media/files/x.png", False),
        ("fal", "https://api.replicate.com/v1", False),
        ("replicate", "https://api.replicate.com/v1/predictions", True),
        ("replicate", "https://replicate.delivery/x", True),
        ("replicate", "https://pbxt.replicate.delivery/x", True),
        ("replicate", "https://notreplicate.delivery/x", False),
        ("bfl", "https://api.eu2.bfl.ai/v1/get_result?id=1", True),
        ("bfl", "https://api.us.bfl.ai/v1/get_result?id=1", True),
        ("bfl", "https://delivery-eu1.bfl.ai/x", False),
        ("bfl", "https://api.bfl.ai.evil.example/", False),
        ("bria", "https://engine.prod.bria-api.com/v2/status/1", True),
        ("bria", "https://bria-output.example/x", False),
    ],
)
def test_the_key_goes_to_its_providers_own_hosts_only(
    home: object, site: str, url: str, gets_key: bool
) -> None:
    found = next(one for one in SITES if one.name == site)
    assert found.locate(url).gets_key is gets_key


@pytest.mark.parametrize(
    "url",
    [
        "http://queue.fal.run/x",
        "file:///etc/passwd",
        "ftp://example.com/x",
        "data:image/png;base64,AAAA",
        "//queue.fal.run/x",
        "https://",
        "https://user:pass@queue.fal.run/x",
        "https://queue.fal.run@evil.example/x",
        "https://queue.fal.run\\@evil.example/x",
        "https://queue.fal.run /x",
        "https://queue.fal.run/\nx",
        "https://qu\u00e9ue.fal.run/x",
        "https://[::1/x",
        "javascript:alert(1)",
    ],
)
async def test_what_is_no_plain_https_url_is_not_followed(home: object, url: str) -> None:
    wire = HttpWire(FAL)
    with pytest.raises(BadReplyError):
        await fetched(wire, url)
    with pytest.raises(BadReplyError):
        await wire.send(Call("GET", url))


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "10.0.0.1",
        "192.168.1.1",
        "172.16.0.9",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "[::1]",
        "[fd00::1]",
        "[fe80::1]",
        "[::ffff:127.0.0.1]",
        "[2002:7f00:1::]",
        "localhost",
    ],
)
async def test_a_private_address_is_not_followed(home: object, host: str) -> None:
    with pytest.raises(BadReplyError, match="not a public address"):
        await fetched(HttpWire(FAL), f"https://{host}/x.png")


async def test_a_name_that_leads_to_a_private_address_is_not_followed(
    home: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def lookup(*_: Any, **__: Any) -> list[Any]:
        public = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("93.184.216.34", 443))
        return [public, (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.1.2.3", 443))]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", lookup)
    with pytest.raises(BadReplyError, match="not a public address"):
        await fetched(HttpWire(FAL), "https://rebinding.example/x.png")


async def test_an_address_that_changes_between_look_up_and_connection_is_caught(
    home: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name is public when it is looked up, and this machine when it is connected to."""

    async def nothing(self: object) -> None:
        return None

    monkeypatch.setattr(trusted_urls.Target, "check_addresses", nothing)
    async with serving(lambda asked: Said(200, b"secret")) as server:
        port = server.url.rpartition(":")[2]
        with pytest.raises(BadReplyError, match="not a public address"):
            await fetched(HttpWire(FAL), f"https://localhost:{port}/x.png")
    assert server.asked == []


async def test_a_call_to_a_foreign_host_is_not_made(home: object) -> None:
    with pytest.raises(BadReplyError, match="foreign host"):
        await HttpWire(FAL).send(Call("GET", "https://evil.example/status"))


@pytest.mark.parametrize(
    "url", ["http://10.0.0.1/", "ftp://x", "https://u:p@x.example", "nonsense", "http://x.example"]
)
async def test_a_base_url_that_no_key_may_go_to_is_a_setup_error(
    home: object, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("FAL_BASE_URL", url)
    with pytest.raises(SetupError, match="FAL_BASE_URL"):
        await HttpWire(FAL).send(POLL)


async def test_a_key_with_a_line_break_is_named_and_not_shown(
    home: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAL_KEY", "abc\ndef-secret")
    with pytest.raises(SetupError, match="FAL_KEY") as caught:
        await HttpWire(FAL).send(POLL)
    assert "secret" not in str(caught.value)


async def test_no_connection_is_unavailable_also_for_a_submit(moved: Moved) -> None:
    async with serving(lambda asked: Said()) as server:
        wire = moved(server)
    for call in (SUBMIT, POLL):
        with pytest.raises(UnavailableError, match="no connection"):
            await wire.send(call)
    with pytest.raises(UnavailableError, match="no connection"):
        await fetched(wire, f"{server.url}/x")


async def cut(writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


@pytest.mark.parametrize(
    "said",
    [
        Said(raw=b""),
        Said(raw=b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"),
        Said(raw=b"HTTP/1.1 200 OK\r\ncontent-le"),
        Said(raw=b"garbage\r\n\r\n"),
        Said(raw=b"HTTP/1.1 200 OK\r\n", then=cut),
    ],
)
async def test_a_lost_answer_is_uncertain_to_a_submit_and_not_to_a_poll(
    moved: Moved, said: Said
) -> None:
    async with serving(lambda asked: said) as server:
        wire = moved(server)
        with pytest.raises(UncertainError):
            await wire.send(SUBMIT)
        with pytest.raises(UnavailableError):
            await wire.send(POLL)
        with pytest.raises(UnavailableError):
            await fetched(wire, f"{server.url}/x")


async def test_an_answer_that_never_ends_is_lost(
    moved: Moved, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def drip(writer: asyncio.StreamWriter) -> None:
        for _ in range(1000):
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.01)

    monkeypatch.setattr(http_wire, "ANSWER_SECONDS", 0.1)
    said = Said(raw=b"HTTP/1.1 200 OK\r\ncontent-length: 5000\r\n\r\n", then=drip)
    async with serving(lambda asked: said) as server:
        with pytest.raises(UncertainError):
            await moved(server).send(SUBMIT)


PAGE = b"<!doctype html><html><body>Welcome</body></html>"
BOMB = gzip.compress(bytes(200 << 20), 9)


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (PAGE, {"content-type": "text/html"}),
        (PAGE, {}),
        (b"[" * 300 + b"]" * 300, {}),
        (b'{"a":' * 300 + b"1" + b"}" * 300, {}),
        (b"[" * 200_000 + b"]" * 200_000, {}),
        (b'{"a": NaN}', {}),
        (b"1" * 5000, {}),
        (b'{"a": 1', {}),
        (b"\xff\xfe\x00", {}),
        (b'"' + b"a" * ((32 << 20) + 1) + b'"', {}),
        (BOMB, {"content-encoding": "gzip"}),
        (b"not packed", {"content-encoding": "gzip"}),
        (b"{}", {"content-encoding": "br"}),
    ],
    ids=[
        "html",
        "page",
        "lists",
        "objects",
        "abyss",
        "nan",
        "digits",
        "cut",
        "bytes",
        "large",
        "bomb",
        "unpacked",
        "brotli",
    ],
)
async def test_a_hostile_answer_is_a_bad_reply(
    moved: Moved, body: bytes, headers: dict[str, str]
) -> None:
    async with serving(lambda asked: Said(200, body, headers)) as server:
        wire = moved(server)
        tracemalloc.start()
        try:
            for call in (SUBMIT, POLL):
                with pytest.raises(BadReplyError):
                    await wire.send(call)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert peak < 160 << 20


async def test_a_packed_answer_is_unpacked(moved: Moved) -> None:
    body = gzip.compress(json.dumps({"status": "IN_QUEUE"}).encode())
    async with serving(lambda asked: Said(200, body, {"content-encoding": "gzip"})) as server:
        assert (await moved(server).send(POLL)).body == {"status": "IN_QUEUE"}
    assert server.asked[0].headers["accept-encoding"] == "identity"


async def test_an_error_page_is_left_to_the_adapter_to_judge_by_its_status(moved: Moved) -> None:
    async with serving(lambda asked: Said(502, PAGE)) as server:
        answer = await moved(server).send(SUBMIT)
    assert answer.status == 502
    assert "Welcome" in answer.body


async def test_our_key_in_an_answer_is_struck_out(moved: Moved) -> None:
    async with serving(lambda asked: Said(403, {"detail": f"bad key {KEY}"})) as server:
        answer = await moved(server).send(SUBMIT)
    assert answer.body == {"detail": "bad key [key]"}


async def test_neither_errors_nor_logs_nor_reprs_hold_the_key_or_a_signature(
    moved: Moved, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    said = Said(401, {"detail": f"Incorrect key {KEY}"})
    texts = []
    async with serving(lambda asked: said) as server:
        wire = moved(server)
        answer = await wire.send(SUBMIT)
        try:
            FalAdapter().read_submit(None, answer)  # type: ignore[arg-type]
        except MediaflowsError as error:
            texts.append(f"{error!r} {error.__cause__!r} {error.__context__!r}")
        try:
            await fetched(wire, f"{server.url}/x.png?signature=s3cret")
        except ExpiredError as error:
            texts.append(repr(error))
        texts += [repr(wire), repr(wire.site), repr(PROVIDERS["fal"]), repr(answer)]
    assert texts[0].startswith("SetupError")
    shown_everywhere = "\n".join(
        [
            *texts,
            *(record.getMessage() for record in caplog.records if record.name.startswith("httpx")),
        ]
    )
    for secret in (KEY, "very-secret", "s3cret"):
        assert secret not in shown_everywhere


def test_a_url_is_shown_without_its_query() -> None:
    assert shown("https://a.example/b.png?sig=1#2") == "'https://a.example/b.png'"
    assert len(shown("https://a.example/" + "x" * 9999)) < 200


@pytest.mark.parametrize("status", [401, 403, 404, 410])
async def test_a_url_whose_file_is_gone_has_expired(moved: Moved, status: int) -> None:
    async with serving(lambda asked: Said(status, b"<Error/>")) as server:
        with pytest.raises(ExpiredError, match="has expired"):
            await fetched(moved(server), f"{server.url}/x.png?sig=1")


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_a_download_that_is_put_off_may_be_tried_again(moved: Moved, status: int) -> None:
    said = Said(status, b"", {"retry-after": "3"})
    async with serving(lambda asked: said) as server:
        with pytest.raises(UnavailableError) as caught:
            await fetched(moved(server), f"{server.url}/x.png")
    assert caught.value.retry_after_seconds == 3.0


async def flood(writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(bytes(1 << 16))
        await writer.drain()


ENDLESS = Said(raw=b"HTTP/1.1 200 OK\r\ncontent-type: image/png\r\n\r\n", then=flood)


@pytest.mark.parametrize(
    "said",
    [
        ENDLESS,
        Said(raw=b"HTTP/1.1 200 OK\r\ncontent-length: 2147483648\r\n\r\n", then=flood),
        Said(200, BOMB, {"content-encoding": "gzip"}),
        Said(204, b""),
        Said(302, b"", {"location": "/again"}),
        Said(302, b"", {}),
        Said(302, b"", {"location": "http://169.254.169.254/latest/meta-data"}),
        Said(302, b"", {"location": "https://169.254.169.254/latest/meta-data"}),
        Said(302, b"", {"location": "file:///etc/passwd"}),
        Said(302, b"", {"location": "https://[bad"}),
    ],
    ids=[
        "endless",
        "huge",
        "bomb",
        "nothing",
        "circle",
        "nowhere",
        "plain",
        "private",
        "file",
        "broken",
    ],
)
async def test_a_hostile_download_ends_in_a_typed_error_and_leaves_nothing(
    moved: Moved, said: Said, tmp_path: Path
) -> None:
    store = Store(tmp_path / "store")
    async with serving(lambda asked: said) as server:
        driver = Driver(FalAdapter(), moved(server))
        with pytest.raises(BadReplyError):
            await driver.download(f"{server.url}/x.png", store.receive, max_bytes=1 << 20)
        assert len(server.asked) <= 4
    assert files_in(tmp_path) == []


async def test_a_download_that_broke_off_begins_anew(
    moved: Moved, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("providers.driver.PAUSE_SECONDS", 0.01)
    turns = [
        Said(raw=b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc"),
        Said(503, b""),
        Said(200, b"abcdefghi"),
    ]
    store = Store(tmp_path)
    async with serving(lambda asked: turns.pop(0)) as server:
        driver = Driver(FalAdapter(), moved(server))
        sha256, size = await driver.download(f"{server.url}/x.png", store.receive)
    assert size == 9
    assert store.verified(sha256).read_bytes() == b"abcdefghi"
    assert [path.name for path in files_in(tmp_path)] == [sha256]


async def test_a_result_that_cannot_be_fetched_parks_what_is_paid_for(
    moved: Moved, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("providers.driver.PAUSE_SECONDS", 0.01)
    async with serving(lambda asked: Said(503, b"")) as server:
        driver = Driver(FalAdapter(), moved(server))
        with pytest.raises(ParkedError, match="paid for and could not be fetched"):
            await driver.download(f"{server.url}/x.png", Store(tmp_path).receive)
    assert len(server.asked) == 4


async def test_a_large_download_costs_little_memory(moved: Moved, tmp_path: Path) -> None:
    piece = bytes(range(256)) * 256

    async def much(writer: asyncio.StreamWriter) -> None:
        for _ in range(320):
            writer.write(piece)
            await writer.drain()

    head = b"HTTP/1.1 200 OK\r\ncontent-length: 20971520\r\n\r\n"
    store = Store(tmp_path)
    async with serving(lambda asked: Said(raw=head, then=much)) as server:
        driver = Driver(FalAdapter(), moved(server))
        await driver.download(f"{server.url}/warm.png", store.receive)
        tracemalloc.start()
        try:
            sha256, size = await driver.download(f"{server.url}/x.png", store.receive)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert size == 20 << 20
    assert store.verified(sha256)
    assert peak < 8 << 20


async def test_each_loop_has_a_client_of_its_own_and_closes_it(moved: Moved) -> None:
    async with serving(lambda asked: Said(200, {})) as server:
        wire = moved(server)
        await wire.send(POLL)
        loop = asyncio.get_running_loop()
        client = http_client._clients[loop]
        await wire.send(POLL)
        assert http_client._clients[loop] is client
        await close_client()
        assert client.is_closed
        await wire.send(POLL)
        assert http_client._clients[loop] is not client


async def test_an_upload_goes_where_the_answer_says_without_the_key(home: object) -> None:
    target = REPLICATE.locate("https://storage.example/put?sig=1")
    assert not target.gets_key
    assert not target.is_own


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:4700::1111"])
def test_an_address_of_the_open_internet_is_public(address: str) -> None:
    assert is_public(address)


def test_sites_name_every_paid_provider() -> None:
    paid = [name for name, provider in PROVIDERS.items() if provider.key_variable]
    assert [site.name for site in SITES] == paid
    for site in SITES:
        assert isinstance(site, Site)
        assert site.locate(f"{site.base_url}/x").gets_key
