"""A picture file that was cut short is told by its end, which may have something behind it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from PIL import Image

from providers.errors import InputError
from providers.local.ending import require_ending


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("more", [0, 3_000, 50_000])
def test_what_a_camera_writes_behind_a_picture_is_passed_over(
    tmp_path: Path, form: str, more: int
) -> None:
    path = photograph(tmp_path, form)
    with path.open("ab") as file:
        file.write(b"\0" * more)
    require_ending(path, f"image/{form.lower()}")


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_a_file_without_its_end_is_cut_short(tmp_path: Path, form: str) -> None:
    path = photograph(tmp_path, form)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(InputError, match="is cut short: its end is missing"):
        require_ending(path, f"image/{form.lower()}")


def photograph(folder: Path, form: str) -> Path:
    """A picture of some weight, so that what follows it is in its second half."""
    path = folder / "photograph"
    Image.frombytes("RGB", (400, 300), os.urandom(360_000)).save(path, form, quality=95)
    return path
