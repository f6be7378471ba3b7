"""A contact sheet shows every row, stretches nothing, and costs little."""

import time
from pathlib import Path

import numpy as np
from PIL import Image, ImageFont

from providers.local.contact import TILE, ContactRow, contact_sheet, fit_text


def rows(folder: Path, count: int) -> list[ContactRow]:
    photo, cutout = folder / "photo.png", folder / "cutout.png"
    Image.new("RGB", (300, 150), (200, 30, 40)).save(photo)
    Image.new("RGBA", (150, 300), (0, 0, 0, 0)).save(cutout)
    return [ContactRow(f"row {number}", "done", (photo, cutout)) for number in range(count)]


def where(sheet: Image.Image, colour: tuple[int, int, int]) -> tuple[int, int]:
    """Width and height of the area that has just this colour."""
    found = np.argwhere((np.asarray(sheet) == colour).all(2))
    height, width = np.ptp(found, axis=0) + 1
    return int(width), int(height)


def test_before_and_after_stand_side_by_side_in_a_grid(tmp_path: Path) -> None:
    sheet = contact_sheet(rows(tmp_path, 12))
    assert 3 * 2 * TILE < sheet.width < 4 * 2 * TILE  # three rows across
    assert 4 * TILE < sheet.height < 6 * TILE  # and four down
    assert sheet.mode == "RGB"


def test_pictures_keep_their_shape(tmp_path: Path) -> None:
    assert where(contact_sheet(rows(tmp_path, 1)), (200, 30, 40)) == (TILE, TILE // 2)


def test_what_is_transparent_lies_on_a_checkerboard(tmp_path: Path) -> None:
    pixels = np.asarray(contact_sheet(rows(tmp_path, 1)))
    board = pixels[60:160, 24 + TILE + 4 + 70 : 24 + TILE + 4 + 160]
    assert len(np.unique(board.reshape(-1, 3), axis=0)) == 2


def test_a_row_without_pictures_shows_its_note(tmp_path: Path) -> None:
    whole = rows(tmp_path, 1)
    bare = ContactRow("row x", "invalid: prompt is empty", ())
    broken = ContactRow("row y", "done", (tmp_path / "gone.png",))
    sheet = np.asarray(contact_sheet([*whole, bare, broken], columns=1).convert("L"))
    for top in (24 + 302, 24 + 2 * 302):
        tile = sheet[top : top + TILE, 24 : 24 + 2 * TILE]
        assert np.median(tile) > 225 and tile.min() < 160  # grey, with something written on it


def test_a_row_that_is_done_with_one_picture_says_nothing_of_another(tmp_path: Path) -> None:
    whole = rows(tmp_path, 1)
    single = ContactRow("row x", "", whole[0].images[:1])
    sheet = np.asarray(contact_sheet([*whole, single], columns=1).convert("L"))
    second = sheet[24 + 302 : 24 + 302 + TILE, 24 + TILE + 4 : 24 + 2 * TILE]
    assert (second == 255).all()


def test_many_rows_are_bounded_and_counted(tmp_path: Path) -> None:
    few, many = rows(tmp_path, 6), rows(tmp_path, 4000)
    bounded = contact_sheet(many, limit=6)
    assert bounded.width == contact_sheet(few).width
    assert bounded.height == contact_sheet(few).height + 24  # the line "and 3,994 more"


def test_no_rows_make_an_empty_sheet() -> None:
    assert contact_sheet([]).width > 100


def test_a_large_photograph_costs_little(tmp_path: Path) -> None:
    path = tmp_path / "large.jpg"
    Image.new("RGB", (6000, 4000), (90, 120, 90)).save(path)
    start = time.perf_counter()
    contact_sheet([ContactRow("large", "done", (path,))])
    assert time.perf_counter() - start < 2


def test_long_text_is_cut_with_an_ellipsis() -> None:
    font = ImageFont.load_default(15)
    assert isinstance(font, ImageFont.FreeTypeFont)
    cut = fit_text("a very long caption " * 20, font, 200)
    assert cut.endswith("…") and font.getlength(cut) <= 200
    assert fit_text("short", font, 200) == "short"
