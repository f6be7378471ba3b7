"""Results that are not what they say they are: each ends in a typed error before it is used."""

from __future__ import annotations

import struct
import zlib
from collections.abc import AsyncIterator
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from providers.adapter import Done, Output
from providers.driver import Driver
from providers.errors import BadReplyError, ExpiredError, RejectedError
from providers.fal import FalAdapter
from providers.http_client import close_client
from providers.http_wire import HttpWire
from providers.media import Media
from tasks.keep import fetch_outputs, keep_outputs
from tasks.store import Store
from tests.providers.replies import SITES
from tests.providers.server import Said, serving

FAL = next(site for site in SITES if site.name == "fal")
PORTS = {"image": "image"}


@pytest.fixture
async def kept(
    home: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[object]:
    """Keep what a server says as a result, and look at it as an attempt does."""
    store = Store(tmp_path / "store")

    async def keep(said: Said) -> Media:
        async with serving(lambda asked: said) as server:
            monkeypatch.setenv("FAL_BASE_URL", server.url)
            driver = Driver(FalAdapter(), HttpWire(FAL))
            done = Done((Output("image", url=f"{server.url}/out.png"),))
            values = await keep_outputs(store, await fetch_outputs(store, driver, done, PORTS))
        found = values["image"]
        assert isinstance(found, Media)
        return found

    yield keep
    await close_client()


def encoded(form: str) -> bytes:
    file = BytesIO()
    Image.effect_noise((64, 48), 80).save(file, format=form)
    return file.getvalue()


def bomb(side: int) -> bytes:
    """A PNG of a few kilobytes that asks for `side` x `side` pixels."""
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)),
        (b"IDAT", zlib.compress(bytes(1 << 22), 9)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in chunks
    )


async def test_the_media_type_is_that_of_the_bytes_and_not_of_the_header(kept) -> None:
    found = await kept(Said(200, encoded("JPEG"), {"content-type": "image/png"}))
    assert (found.media_type, found.width, found.height) == ("image/jpeg", 64, 48)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<html>Sign in</html>",
        b'{"detail": "expired"}',
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"\x89PNG\r\n\x1a\n",
        bytes(5000),
        encoded("PNG")[:-1500],
        encoded("JPEG")[:-900],
        bomb(30_000),
    ],
    ids=["empty", "page", "json", "svg", "head", "zeros", "cut", "cut-jpeg", "bomb"],
)
async def test_what_is_no_picture_is_rejected_whatever_its_header_says(kept, data: bytes) -> None:
    with pytest.raises(RejectedError, match="the image that came cannot be used"):
        await kept(Said(200, data, {"content-type": "image/png"}))


async def test_a_result_that_is_gone_is_parked_and_never_rejected(kept) -> None:
    with pytest.raises(ExpiredError):
        await kept(Said(404, b""))


async def test_a_result_at_a_private_address_is_a_bad_reply(kept) -> None:
    with pytest.raises(BadReplyError):
        await kept(Said(302, b"", {"location": "https://169.254.169.254/latest/meta-data"}))


async def test_what_comes_again_replaces_what_was_damaged(tmp_path: Path) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"pic"
        yield b"ture"

    store = Store(tmp_path)
    sha256, size = await store.receive(pieces())
    store.path(sha256).write_bytes(b"damaged")
    assert await Store(tmp_path).receive(pieces()) == (sha256, size) == (sha256, 7)
    assert Store(tmp_path).verified(sha256).read_bytes() == b"picture"
