"""A result is cut to the aspect ratio that was asked for: few pixels, and no second encoding."""

from __future__ import annotations

from fractions import Fraction
from io import BytesIO
from pathlib import Path

import av
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from providers.fit import cut_size
from providers.local.crop_clip import cropped_clip
from providers.local.crop_result import cropped_picture
from providers.local.video import clip_from_picture


@pytest.mark.parametrize(
    ("size", "ratio", "cut"),
    [
        ((1344, 768), "16:9", (1344, 756)),  # Recraft's
        ((1408, 768), "16:9", (1365, 768)),  # Imagen's
        ((1360, 768), "16:9", (1360, 765)),
        ((1280, 720), "16:9", None),
        ((1366, 768), "16:9", None),  # within a pixel
        ((1536, 1024), "16:9", None),  # another shape: cutting it would hide that
        ((1024, 1024), "16:9", None),
    ],
)
def test_only_a_few_pixels_are_cut(
    size: tuple[int, int], ratio: str, cut: tuple[int, int] | None
) -> None:
    assert cut_size(size, Fraction(ratio.replace(":", "/"))) == cut


@pytest.mark.parametrize(
    ("size", "cut"),
    [
        ((1080, 1918), (1078, 1918)),  # a small picture's half a pixel, enlarged with it
        ((1080, 1919), None),
        ((1080, 1930), (1080, 1920)),
        ((1080, 1926), (1080, 1920)),
        ((184, 322), (180, 320)),  # 180x322 would be more than a pixel off
    ],
)
def test_a_clip_is_cut_in_steps_of_two_and_within_a_pixel(
    size: tuple[int, int], cut: tuple[int, int] | None
) -> None:
    assert cut_size(size, Fraction(9, 16), 2) == cut


def test_a_pictures_middle_is_kept_pixel_by_pixel(tmp_path: Path) -> None:
    image = Image.effect_noise((134, 76), 80).convert("RGB")
    image.save(tmp_path / "a.png")
    data = cropped_picture(tmp_path / "a.png", (130, 74))
    with Image.open(BytesIO(data)) as cut:
        assert cut.format == "PNG"
        assert cut.tobytes() == image.crop((2, 1, 132, 75)).tobytes()


@pytest.mark.parametrize("form", ["PNG", "JPEG"])
def test_what_was_said_in_a_picture_stays_in_it(form: str, tmp_path: Path) -> None:
    # Without it two pictures that differ in what they say alone became one, and so did the
    # requests made of them.
    said = PngInfo()
    said.add_text("Comment", "seed 7")
    path = tmp_path / "a.bin"
    Image.new("RGB", (134, 76)).save(path, form, pnginfo=said, comment=b"seed 7", icc_profile=b"p")
    with Image.open(BytesIO(cropped_picture(path, (130, 74)))) as cut:
        assert cut.info["Comment" if form == "PNG" else "comment"] in ("seed 7", b"seed 7")
        assert cut.info["icc_profile"] == b"p"


def test_a_clip_is_cut_without_being_encoded_again(tmp_path: Path) -> None:
    image = Image.effect_noise((312, 176), 60).convert("RGB")
    path = tmp_path / "a.mp4"
    path.write_bytes(clip_from_picture(image, 1, 312, 176, with_sound=True))
    data = cropped_clip(path, (308, 174))
    assert data is not None
    with av.open(BytesIO(data)) as cut, av.open(str(path)) as whole:
        assert (cut.streams.video[0].width, cut.streams.video[0].height) == (308, 174)
        assert len(cut.streams.audio) == 1
        frames = zip(cut.decode(video=0), whole.decode(video=0), strict=True)
        first, second = next(frames)
        assert first.to_image().size == (308, 174)
        # What the decoder shows are the very pixels that were there.
        shown, there = (one.to_ndarray(format="gray") for one in (first, second))
        assert (shown == there[0:174, 0:308]).all()
