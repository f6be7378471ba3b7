"""The stand-ins that give text: honest, labelled, and the same words for the same input."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from providers.catalog import local_player
from providers.errors import InputError
from providers.json_fields import fields_in, json_problem
from providers.local.work import WORK


def shown(path: Path, image: Image.Image) -> str:
    image.save(path)
    text = WORK["describe_pictures"].make({}, {"images": [path]}, 1)
    assert isinstance(text, str)
    return text


@pytest.mark.parametrize("kind", ["image-to-text", "text-generation"])
def test_every_kind_of_text_is_played_on_this_machine(kind: str) -> None:
    player = local_player(kind)
    assert player is not None
    assert player.is_local


def test_a_picture_is_described_by_what_is_measured(tmp_path: Path) -> None:
    image = Image.new("RGB", (120, 80), (245, 245, 243))
    image.paste((190, 45, 42), (80, 44, 116, 76))
    assert shown(tmp_path / "a.png", image) == (
        "Stand-in description, measured and not recognised: a landscape picture of 120x80 pixels "
        "(3:2), very bright, mainly white and red, opaque. The subject is at the bottom on the "
        "right and covers about 10% of it, mainly red."
    )


def test_alpha_says_where_the_subject_is(tmp_path: Path) -> None:
    image = Image.new("RGBA", (100, 100), (0, 0, 0, 0))
    image.paste((45, 95, 170, 255), (0, 0, 30, 50))
    text = shown(tmp_path / "a.png", image)
    assert "a square picture of 100x100 pixels (1:1)" in text
    assert "about 85% of it transparent" in text
    assert "at the top on the left and covers about 15% of it, mainly blue" in text


@pytest.mark.parametrize("size", [(1, 1), (3, 1), (1, 400)])
@pytest.mark.parametrize("colour", [(0, 0, 0, 0), (9, 9, 9, 255)])
def test_the_least_of_pictures_are_described(
    tmp_path: Path, size: tuple[int, int], colour: tuple[int, ...]
) -> None:
    text = shown(tmp_path / "a.png", Image.new("RGBA", size, colour))
    assert f"{size[0]}x{size[1]} pixels" in text


def test_several_pictures_are_numbered(tmp_path: Path) -> None:
    Image.new("RGB", (8, 8), "red").save(tmp_path / "a.png")
    text = WORK["describe_pictures"].make({}, {"images": [tmp_path / "a.png"] * 2}, 1)
    first, second = str(text).split("\n")
    assert first.removeprefix("1. ") == second.removeprefix("2. ")


def test_a_text_is_labelled_and_says_what_was_asked() -> None:
    text = WORK["write_text"].make({}, {"prompt": "a  red\nmug"}, 1)
    assert text == "Stand-in text, no model wrote it. Asked: a red mug"
    again = WORK["write_text"].make({}, {"prompt": "a red mug"}, 2)
    assert again == "Stand-in text, take 2, no model wrote it. Asked: a red mug"


def test_json_has_the_fields_that_are_asked_for_within_their_limits() -> None:
    words = "title (at most 12 characters), bullets (a list of at most 2), seo"
    made = WORK["write_text"].make({"fields": words}, {"prompt": "a red mug"}, 1)
    assert json_problem(str(made), fields_in(words)) is None
    assert json.loads(str(made)) == {
        "title": "Stand-in tit",
        "bullets": ["Stand-in bullets 1: mug a red", "Stand-in bullets 2: a red mug"],
        "seo": "Stand-in seo: a red mug",
    }


def test_fields_that_cannot_be_read_are_told() -> None:
    with pytest.raises(InputError, match=r"fields: .* is not a field"):
        WORK["write_text"].make({"fields": "a b c"}, {"prompt": "a red mug"}, 1)
