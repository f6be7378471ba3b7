"""A contact sheet: what went in and what came out, row by row, on one picture.

Draws what it is given. Which rows are shown, and what their notes say, is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from providers.errors import InputError
from providers.local.image import open_thumbnail

TILE = 232  # a picture's side; three pairs of them fill a laptop's screen
_GAP = 24
_SEAM = 4  # between the pictures of one row
_CAPTION = 46
_PAPER = "#ffffff"
_INK = "#1c1f24"
_FAINT = "#6b7280"
_EMPTY = "#eceef1"
_LIGHT, _DARK, _CHECK = (255, 255, 255), (222, 225, 230), 10


@dataclass(frozen=True, slots=True)
class ContactRow:
    """One row of a run: its name, a few words on how it went, its pictures in order."""

    label: str
    note: str
    images: tuple[Path, ...]


def contact_sheet(
    rows: Sequence[ContactRow], *, limit: int = 60, columns: int | None = None
) -> Image.Image:
    """Return one RGB picture with the pictures of each row side by side, in a grid.

    Pictures keep their shape; transparent ones lie on a checkerboard. Where a row has fewer
    pictures than others, or one cannot be read, a grey tile bears the row's note. At most `limit`
    rows are drawn, and a last line says how many more there are.
    """
    shown = list(rows[:limit])
    pictures = max((len(row.images) for row in shown), default=1) or 1
    wide = columns or _columns(len(shown), pictures)
    cell = (pictures * TILE + (pictures - 1) * _SEAM, TILE + _CAPTION)
    deep = -(-len(shown) // wide)
    footer = "" if len(rows) <= limit else f"and {len(rows) - limit:,} more"
    sheet = Image.new(
        "RGB",
        (
            wide * (cell[0] + _GAP) + _GAP,
            max(1, deep) * (cell[1] + _GAP) + _GAP + (_GAP if footer else 0),
        ),
        _PAPER,
    )
    for number, row in enumerate(shown):
        left = _GAP + number % wide * (cell[0] + _GAP)
        top = _GAP + number // wide * (cell[1] + _GAP)
        _draw_row(sheet, row, pictures, left, top)
    if footer:
        draw = ImageDraw.Draw(sheet)
        draw.text((_GAP, sheet.height - _GAP), footer, _FAINT, font_of(15), anchor="ls")
    return sheet


def _columns(rows: int, pictures: int) -> int:
    """Return how many rows stand next to each other: about six pictures across, if so many."""
    return max(1, min(rows, max(1, 6 // pictures)))


def _draw_row(sheet: Image.Image, row: ContactRow, pictures: int, left: int, top: int) -> None:
    draw = ImageDraw.Draw(sheet)
    width = pictures * TILE + (pictures - 1) * _SEAM
    if not row.images:  # one wide tile: the note need not be read twice
        sheet.paste(_grey(row.note or "no picture", width), (left, top))
    for place in range(pictures if row.images else 0):
        x = left + place * (TILE + _SEAM)
        path = row.images[place] if place < len(row.images) else None
        if path is not None or row.note:  # a row may well have one picture and lack none
            sheet.paste(_tile(path, row.note), (x, top))
    label, note = font_of(15), font_of(13)
    draw.text((left, top + TILE + 8), fit_text(row.label, label, width), _INK, label)
    draw.text((left, top + TILE + 28), fit_text(row.note, note, width), _FAINT, note)


def _tile(path: Path | None, note: str) -> Image.Image:
    """Return a square tile with the picture in its middle, or a grey one that says why not."""
    if path is None:
        return _grey(note)
    try:
        picture = open_thumbnail(path, TILE)
    except InputError:
        return _grey(f"{path.name} cannot be read")
    tile = Image.new("RGB", (TILE, TILE), _EMPTY)
    corner = ((TILE - picture.width) // 2, (TILE - picture.height) // 2)
    if picture.mode == "RGBA":
        board = checkerboard(picture.width, picture.height)
        board.paste(picture, mask=picture.getchannel("A"))
        picture = board
    tile.paste(picture, corner)
    return tile


def _grey(text: str, width: int = TILE) -> Image.Image:
    tile = Image.new("RGB", (width, TILE), _EMPTY)
    font = font_of(14)
    lines = wrap_text(text, font, width - 32, 5)
    draw = ImageDraw.Draw(tile)
    middle = (width / 2, TILE / 2)
    draw.multiline_text(middle, "\n".join(lines), _FAINT, font, "mm", align="center", spacing=5)
    return tile


def checkerboard(width: int, height: int) -> Image.Image:
    """Return the light grey RGB checkerboard that stands for "nothing here"."""
    small = Image.new("RGB", (-(-width // _CHECK), -(-height // _CHECK)), _LIGHT)
    for y in range(small.height):
        for x in range(y % 2, small.width, 2):
            small.putpixel((x, y), _DARK)
    big = small.resize((small.width * _CHECK, small.height * _CHECK), Image.Resampling.NEAREST)
    return big.crop((0, 0, width, height))


def font_of(size: int) -> ImageFont.FreeTypeFont:
    """Return the built-in font, which knows Latin letters, at that height in pixels."""
    font = ImageFont.load_default(size)
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise TypeError("this Pillow was built without FreeType")
    return font


def fit_text(text: str, font: ImageFont.FreeTypeFont, width: float) -> str:
    """Return `text` on one line, cut with an ellipsis where it is wider than `width` pixels."""
    line = " ".join(text.split())[:400]
    if font.getlength(line) <= width:
        return line
    while line and font.getlength(line + "…") > width:
        line = line[:-1]
    return line.rstrip() + "…"


def wrap_text(text: str, font: ImageFont.FreeTypeFont, width: float, most: int) -> list[str]:
    """Return `text` as at most `most` lines no wider than `width` pixels; the last may be cut."""
    words = text.split()
    lines: list[str] = []
    while words and len(lines) < most - 1:
        count = 1
        while count < len(words) and font.getlength(" ".join(words[: count + 1])) <= width:
            count += 1
        lines.append(fit_text(" ".join(words[:count]), font, width))
        words = words[count:]
    if words:
        lines.append(fit_text(" ".join(words), font, width))
    return lines
