"""Resize, crop, pad and flatten never stretch unasked, never fringe, and say what is wrong."""

import numpy as np
import pytest
from PIL import Image

from providers.errors import InputError
from providers.local.image import crop, flatten, pad, resize


def picture(width: int = 60, height: int = 40, mode: str = "RGB") -> Image.Image:
    return Image.new(mode, (width, height), (200, 30, 40) if mode == "RGB" else (200, 30, 40, 255))


def test_a_side_left_out_follows_in_proportion() -> None:
    assert resize(picture(), 30).size == (30, 20)
    assert resize(picture(), None, 10).size == (15, 10)
    assert resize(picture(), 10, 10).size == (10, 10)


@pytest.mark.parametrize("stray", [(0, 0, 0), (255, 255, 255), (0, 255, 0)])
def test_resizing_leaves_no_fringe_of_what_is_transparent(stray: tuple[int, int, int]) -> None:
    pixels = np.zeros((64, 64, 4), np.uint8)
    pixels[:, :, :3] = stray  # colours that nobody sees
    pixels[20:44, 20:44] = (200, 30, 40, 255)
    for side in (17, 150):
        small = np.asarray(resize(Image.fromarray(pixels), side, side)).astype(int)
        edge = (small[:, :, 3] > 30) & (small[:, :, 3] < 225)
        assert edge.any()
        assert np.abs(small[edge][:, :3] - (200, 30, 40)).max() <= 12


@pytest.mark.parametrize(
    ("aspect", "size"),
    [("1:1", (40, 40)), ("4:5", (32, 40)), ("16:9", (60, 34)), ("3:2", (60, 40))],
)
def test_a_crop_is_the_largest_of_its_aspect(aspect: str, size: tuple[int, int]) -> None:
    assert crop(picture(), aspect).size == size


def test_a_crop_takes_the_middle() -> None:
    image = picture()
    image.putpixel((30, 20), (0, 255, 0))
    assert crop(image, width=20, height=10).getpixel((10, 5)) == (0, 255, 0)


def test_a_crop_larger_than_the_picture_is_refused() -> None:
    with pytest.raises(InputError, match="100x40 is larger than the picture, 60x40"):
        crop(picture(), width=100)


@pytest.mark.parametrize(
    ("aspect", "size"), [("1:1", (60, 60)), ("16:9", (71, 40)), ("9:16", (60, 107))]
)
def test_padding_grows_the_canvas_and_keeps_every_pixel(aspect: str, size: tuple[int, int]) -> None:
    padded = pad(picture(), aspect, colour="white")
    assert padded.size == size and padded.mode == "RGB"
    assert int((np.asarray(padded) == (200, 30, 40)).all(2).sum()) == 60 * 40


def test_padding_to_a_smaller_canvas_shrinks_in_proportion() -> None:
    padded = pad(picture(), width=30, height=30, colour="#0000ff")
    inside = (np.asarray(padded)[:, :, 0] > 150).sum(1)
    assert padded.size == (30, 30) and int((inside == 30).sum()) == 20


def test_padding_a_cut_out_keeps_it_transparent_or_lays_it_on_the_colour() -> None:
    cutout = Image.new("RGBA", (10, 20), (9, 9, 9, 0))
    assert pad(cutout, "1:1", colour="transparent").getpixel((0, 0)) == (0, 0, 0, 0)
    assert pad(cutout, "1:1", colour="#ff0000").getpixel((10, 10)) == (255, 0, 0)


def test_flattening_lays_alpha_on_the_colour() -> None:
    half = Image.new("RGBA", (2, 2), (0, 0, 0, 128))
    assert flatten(half, "white").getpixel((0, 0)) == (127, 127, 127)
    assert flatten(half, "#ff0000").getpixel((0, 0)) == (127, 0, 0)
    assert flatten(picture(), "rebeccapurple").getpixel((0, 0)) == (200, 30, 40)


@pytest.mark.parametrize("colour", ["", "whiteish", "#12", "#gggggg", "transparent"])
def test_a_colour_that_is_none_is_named(colour: str) -> None:
    with pytest.raises(InputError, match="flatten"):
        flatten(picture(), colour)


@pytest.mark.parametrize("aspect", ["", "4", "4x5", "0:1", "a:b", "1:0", "-1:2", "1:1000", "nan:1"])
def test_an_aspect_that_is_none_is_named(aspect: str) -> None:
    with pytest.raises(InputError, match="is not an aspect"):
        crop(picture(), aspect)


def test_sizes_that_no_picture_can_have_are_refused() -> None:
    for width, height in ((0, 10), (-5, 10), (100_000, 100_000)):
        with pytest.raises(InputError, match="resize"):
            resize(picture(), width, height)
    with pytest.raises(InputError, match="needs"):
        resize(picture(), None)
    with pytest.raises(InputError, match="not both"):
        crop(picture(), "1:1", width=3)
    with pytest.raises(InputError, match="needs an aspect"):
        pad(picture())


def test_the_given_picture_is_never_changed() -> None:
    image = picture(mode="RGBA")
    before = image.tobytes()
    for edited in (resize(image, 60, 40), crop(image, "3:2"), pad(image, "3:2"), flatten(image)):
        edited.putpixel((0, 0), (1, 2, 3))
    assert image.tobytes() == before
