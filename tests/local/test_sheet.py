"""A labelled sheet: pictures in order, their labels under them, nothing stretched."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from providers.errors import InputError
from providers.local.sheet import labelled_sheet

RED, BLUE = (200, 30, 40), (30, 60, 200)


def files(folder: Path, *sizes: tuple[int, int], colour: tuple[int, int, int] = RED) -> list[Path]:
    found = []
    for number, size in enumerate(sizes):
        path = folder / f"{number}.png"
        Image.new("RGB", size, colour).save(path)
        found.append(path)
    return found


def test_pictures_keep_their_shape_and_fields_are_as_wide_as_the_widest(tmp_path: Path) -> None:
    sheet = labelled_sheet(files(tmp_path, (400, 200), (200, 400)), tile=200)
    assert sheet.width == 12 + 2 * (200 + 12)
    found = np.argwhere((np.asarray(sheet) == RED).all(2))
    assert len(found) == 200 * 100 + 100 * 200
    tall = labelled_sheet(files(tmp_path, (200, 400)), tile=200)
    assert tall.width == 12 + 100 + 12


@pytest.mark.parametrize(("count", "across"), [(1, 1), (4, 4), (5, 3), (6, 3), (8, 4), (9, 3)])
def test_lines_are_about_equally_long(count: int, across: int, tmp_path: Path) -> None:
    sheet = labelled_sheet(files(tmp_path, *[(100, 100)] * count), tile=100)
    assert sheet.width == 8 + across * 108


def test_labels_stand_under_their_pictures_and_numbers_where_there_is_none(tmp_path: Path) -> None:
    made = files(tmp_path, (300, 300), (300, 300))
    named, numbered = labelled_sheet(made, ["a", ""], tile=300), labelled_sheet(made, tile=300)
    first, second = ((18 * side, 0, 18 * side + 300, named.height) for side in (1, 19))
    assert named.crop(first).tobytes() != numbered.crop(first).tobytes()
    assert named.crop(second).tobytes() == numbered.crop(second).tobytes()
    unreadable = labelled_sheet(made, ["日本", "\n"], tile=300)
    assert unreadable.tobytes() == numbered.tobytes()


def test_a_sheet_that_is_too_large_or_empty_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="Make its tile smaller"):
        labelled_sheet(files(tmp_path, (1024, 1024)) * 100, tile=1024)
    with pytest.raises(InputError, match="at least one"):
        labelled_sheet([], tile=100)
