"""A sheet of labelled pictures, for a template: what several models or scenes gave, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw

from providers.errors import InputError
from providers.local.contact import checkerboard, font_of, wrap_text
from providers.local.edit import MAX_PIXELS
from providers.local.image import open_thumbnail

_PAPER, _INK, _EMPTY = "#ffffff", "#1c1f24", "#eceef1"
_ACROSS = 4  # pictures in a line, unless it is said
_MOST_LINES = 2  # of a label


def labelled_sheet(
    files: Sequence[Path], labels: Sequence[str] = (), *, columns: int | None = None, tile: int
) -> Image.Image:
    """Return one RGB picture with every picture in order, each in a field of a grid.

    No picture's side is longer than `tile`, and the widest makes the width of the fields.

    Under each stands its label, or its number where it has none. Pictures keep their shape, a line
    is as high as its highest, and what is transparent lies on a checkerboard.

    Raises:
        InputError: a file is no picture that can be read, or the sheet is above MAX_PIXELS.
    """
    if not files:
        raise InputError("a sheet of no pictures: give at least one.")
    pictures = [_opaque(open_thumbnail(file, tile)) for file in files]
    words = [_legible(label) for label in labels]
    named = [*words, *[""] * (len(pictures) - len(words))][: len(pictures)]
    font, gap = font_of(max(12, round(tile / 20))), max(8, tile // 16)
    field = max(tile // 2, *(picture.width for picture in pictures))
    captions = [
        "\n".join(wrap_text(label or str(number), font, field, _MOST_LINES))
        for number, label in enumerate(named, 1)
    ]
    below = round(font.size * (1.35 * max(text.count("\n") + 1 for text in captions) + 0.6))
    across = columns or _columns(len(pictures))
    cells = list(zip(pictures, captions, strict=True))
    lines = [cells[start : start + across] for start in range(0, len(cells), across)]
    heights = [max(picture.height for picture, _ in line) for line in lines]
    size = (
        gap + min(across, len(pictures)) * (field + gap),
        gap + sum(heights) + len(lines) * (below + gap),
    )
    if size[0] * size[1] > MAX_PIXELS:
        raise InputError(
            f"a sheet of {len(pictures)} pictures would be {size[0]}x{size[1]} pixels. Make its "
            "tile smaller."
        )
    sheet = Image.new("RGB", size, _PAPER)
    draw, top = ImageDraw.Draw(sheet), gap
    for line, height in zip(lines, heights, strict=True):
        for place, (picture, caption) in enumerate(line):
            left = gap + place * (field + gap)
            draw.rectangle((left, top, left + field - 1, top + height - 1), _EMPTY)
            corner = left + (field - picture.width) // 2, top + (height - picture.height) // 2
            sheet.paste(picture, corner)
            below_it = (left, top + height + font.size * 0.4)
            draw.multiline_text(below_it, caption, _INK, font, spacing=font.size * 0.3)
        top += height + below + gap
    return sheet


def _columns(count: int) -> int:
    """Return how many stand in a line so that lines are about equally long."""
    lines = -(-count // _ACROSS)
    return -(-count // lines)


def _opaque(picture: Image.Image) -> Image.Image:
    if picture.mode != "RGBA":
        return picture
    board = checkerboard(picture.width, picture.height)
    board.paste(picture, mask=picture.getchannel("A"))
    return board


def _legible(label: str) -> str:
    """Return what the built-in font can show, which is Latin letters; others would be boxes."""
    return " ".join("".join(letter for letter in label if letter < "ɐ").split())
