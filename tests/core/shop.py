"""A shop of pictures on this machine, for rows that name theirs by URL."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image

from tests.core.plain import write_table
from tests.providers.server import Said, Server


def png(colour: str = "red", size: tuple[int, int] = (24, 16)) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, colour).save(file, format="PNG")
    return file.getvalue()


PAGES: dict[str, Said] = {
    "/mug.png": Said(body=png("red"), headers={"content-type": "image/png"}),
    "/mug": Said(body=png("red"), headers={"content-type": "application/octet-stream"}),
    "/vase.png": Said(body=png("blue")),
    "/large.png": Said(body=png("green", (1000, 1000))),
    "/page.png": Said(body=b"<!DOCTYPE html><p>Log in", headers={"content-type": "text/html"}),
    "/text.png": Said(body=b"nothing that is media"),
    "/cut.png": Said(body=png("red", (400, 300))[:-40]),
    "/busy.png": Said(503, b""),
}


def table_of(folder: Path, shop: Server, **rows: str) -> Path:
    """A table with one picture of the shop in each row."""
    cells = {row: f"{shop.url}/{name}" for row, name in rows.items()}
    return write_table(folder / "urls.csv", cells, "id,image")


def asked(shop: Server) -> list[str]:
    return sorted(request.path for request in shop.asked)
