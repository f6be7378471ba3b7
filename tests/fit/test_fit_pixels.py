"""Real pictures: what comes out has the size that was worked out, and the colours it had."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageCms

from providers.catalog.limits import PortLimits
from providers.errors import InputError
from providers.fit import FitChoice, PictureFit, fit_picture
from providers.local.fit_picture import fitted
from tests.fit.pictures import BLUE, RED, SORTS, halves, measured, noise, opened

KLING = PortLimits(
    min_side=30,
    min_aspect=0.4,
    max_aspect=2.5,
    max_bytes=10**7,
    formats=("jpeg", "png"),
    alpha=False,
)
SQUARE = PortLimits(max_side=48, alpha=False, formats=("png", "jpeg"))
CASES: dict[str, tuple[PortLimits, FitChoice, str | None, tuple[int, int]]] = {
    "cropped": (KLING, FitChoice("crop"), "1:1", (70, 70)),
    "padded": (KLING, FitChoice("pad"), "1:1", (120, 120)),
    "shrunk": (SQUARE, FitChoice(), None, (48, 28)),
    "cropped and shrunk": (SQUARE, FitChoice("crop"), "1:1", (48, 48)),
    "padded and shrunk": (SQUARE, FitChoice("pad"), "1:1", (48, 48)),
    "one size": (PortLimits(size="64x36", alpha=False), FitChoice("crop"), None, (64, 36)),
    "enlarged": (PortLimits(size="192x108", alpha=False), FitChoice("pad"), None, (192, 108)),
    "in steps": (PortLimits(multiple_of=16), FitChoice(), None, (112, 64)),
}


def written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def near(found: Any, colour: tuple[int, int, int], by: int = 14) -> bool:
    return all(abs(a - b) <= by for a, b in zip(found[:3], colour, strict=True))


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("sort", SORTS)
def test_a_picture_of_any_sort_gets_exactly_the_size_that_was_worked_out(
    tmp_path: Path, sort: str, case: str
) -> None:
    limits, choice, aspect, size = CASES[case]
    path = written(tmp_path / "a", SORTS[sort]((120, 70)))
    shape = measured(path)
    assert shape.size == (120, 70)
    fit = fit_picture(shape, limits, choice, aspect)
    data = fitted(path, fit)
    made = opened(data)
    assert made.size == size
    assert made.mode in ("RGB", "RGBA")
    assert limits.alpha or made.mode == "RGB"
    again = measured(written(tmp_path / "b", data))
    assert fit_picture(again, limits, choice, aspect).is_nothing
    if limits.formats:
        assert (made.format or "").lower() in limits.formats


@pytest.mark.parametrize(
    "sort", [sort for sort in SORTS if "grey" not in sort and " bit" not in sort]
)
@pytest.mark.parametrize("case", ["cropped", "shrunk", "cropped and shrunk", "padded and shrunk"])
def test_colours_and_sides_stay_where_they_were(tmp_path: Path, sort: str, case: str) -> None:
    limits, choice, aspect, _ = CASES[case]
    path = written(tmp_path / "a", SORTS[sort]((120, 70)))
    made = opened(fitted(path, fit_picture(measured(path), limits, choice, aspect)))
    wide, high = made.size
    left, right = (made.getpixel((x, high * 3 // 4 - 6)) for x in (wide // 4, wide * 3 // 4))
    # What was see-through lies on white now.
    assert near(left, RED) or (sort.startswith("palette") and near(left, (255, 255, 255)))
    assert near(right, BLUE)


def test_sixteen_bits_are_scaled_and_not_clipped_to_white(tmp_path: Path) -> None:
    path = written(tmp_path / "a.png", SORTS["16 bit PNG"]((120, 70)))
    fit = fit_picture(measured(path), PortLimits(), FitChoice())
    assert fit.plain and fit.words() == ["converted to plain colours"]
    assert near(opened(fitted(path, fit)).getpixel((5, 5)), (64, 64, 64), by=1)


def test_a_colour_profile_is_applied_since_it_is_not_sent_along(tmp_path: Path) -> None:
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    picture = halves((80, 80))
    picture.save(tmp_path / "a.png", icc_profile=lab.tobytes())
    fit = fit_picture(measured(tmp_path / "a.png"), PortLimits(max_side=40), FitChoice())
    made = opened(fitted(tmp_path / "a.png", fit))
    assert "icc_profile" not in made.info and "exif" not in made.info
    assert near(made.getpixel((5, 5)), RED)


def test_what_is_see_through_is_laid_on_the_stated_colour(tmp_path: Path) -> None:
    path = written(tmp_path / "a.png", SORTS["RGBA PNG"]((80, 40)))
    for colour, seen in (("white", (255, 255, 255)), ("#00ff00", (0, 255, 0))):
        fit = fit_picture(measured(path), PortLimits(alpha=False), FitChoice(colour=colour))
        made = opened(fitted(path, fit))
        assert made.mode == "RGB"
        assert made.getpixel((5, 5)) == seen
        assert made.getpixel((5, 35)) == RED
        assert fit.words() == [f"laid on {colour}"]


def test_a_port_that_takes_jpeg_alone_gets_the_stated_colour_and_not_black(tmp_path: Path) -> None:
    path = written(tmp_path / "a.png", SORTS["RGBA PNG"]((80, 40)))
    fit = fit_picture(measured(path), PortLimits(formats=("jpeg",)), FitChoice(colour="white"))
    made = opened(fitted(path, fit))
    assert made.format == "JPEG"
    assert near(made.getpixel((5, 5)), (255, 255, 255), by=3)


@pytest.mark.parametrize("sort", ["JPEG", "JPEG that lies on its side", "RGB PNG"])
def test_a_large_picture_fills_as_much_of_its_canvas_as_a_small_one(
    tmp_path: Path, sort: str
) -> None:
    path = written(tmp_path / "a", SORTS[sort]((1600, 800)))
    limits = PortLimits(max_side=100, formats=("jpeg", "png"))
    fit = fit_picture(measured(path), limits, FitChoice("pad", "#00ff00"), "1:1")
    made = opened(fitted(path, fit))
    assert made.size == (100, 100)
    assert near(made.getpixel((50, 20)), (0, 255, 0)) and near(made.getpixel((50, 80)), (0, 255, 0))
    assert near(made.getpixel((5, 28)), RED) and near(made.getpixel((95, 72)), BLUE)


def test_a_canvas_may_be_larger_than_a_picture_may_be_when_less_is_sent(tmp_path: Path) -> None:
    Image.new("L", (12000, 30)).save(tmp_path / "a.png")
    fit = fit_picture(
        measured(tmp_path / "a.png"), PortLimits(max_side=60), FitChoice("pad"), "1:1"
    )
    assert opened(fitted(tmp_path / "a.png", fit)).size == (60, 60)


@pytest.mark.parametrize("sort", ["JPEG", "JPEG that lies on its side"])
def test_a_jpeg_is_halved_by_its_decoder_never_below_what_is_sent(
    tmp_path: Path, sort: str
) -> None:
    """One pixel in two is black: it shows whether details came from too small a picture."""
    path = written(tmp_path / "a", SORTS[sort]((1600, 400)))
    limits = PortLimits(max_side=390)
    fit = fit_picture(measured(path), limits, FitChoice("crop"), "9:16")
    assert fit.crop == (225, 400)
    made = opened(fitted(path, fit))
    assert made.size == (219, 390)
    edge = [made.getpixel((x, 195))[0] for x in range(made.width)]
    between = [value for value in edge if 45 < value < 195]
    assert len(between) <= 3, "the edge between the colours is no longer sharp"


HEAVY = PortLimits(max_bytes=20_000, formats=("png", "jpeg", "webp"))


@pytest.mark.parametrize(
    ("data", "limits", "form"),
    [
        (noise((120, 120)), HEAVY, "JPEG"),
        (noise((120, 120), "RGBA"), HEAVY, "WEBP"),
        (noise((120, 120)), PortLimits(max_bytes=20_000, formats=("png",)), "PNG"),
        (noise((120, 120)), PortLimits(max_bytes=20_000), "PNG"),
        (noise((200, 200), form="JPEG", quality=100), HEAVY, "JPEG"),
        (noise((200, 200), form="WEBP", lossless=True), HEAVY, "WEBP"),
        # Not too heavy as it comes, and as a PNG it would be.
        (
            noise((200, 200), form="WEBP", quality=10),
            PortLimits(max_bytes=30_000, formats=("png", "jpeg")),
            "JPEG",
        ),
        (
            noise((120, 120)),
            PortLimits(max_bytes=20_000, formats=("png",), multiple_of=8, min_side=70),
            "PNG",
        ),
    ],
)
def test_a_file_is_never_larger_than_what_is_taken(
    tmp_path: Path, data: bytes, limits: PortLimits, form: str
) -> None:
    path = written(tmp_path / "a", data)
    fit = fit_picture(measured(path), limits, FitChoice())
    made = fitted(path, fit)
    assert len(made) <= (limits.max_bytes or 0)
    assert opened(made).format == form
    assert fit_picture(measured(written(tmp_path / "b", made)), limits, FitChoice()).is_nothing


def test_a_large_png_of_a_photograph_keeps_its_size_as_a_jpeg(tmp_path: Path) -> None:
    path = written(tmp_path / "a", noise((120, 120)))
    limits = PortLimits(max_bytes=20_000, formats=("png", "jpeg"))
    fit = fit_picture(measured(path), limits, FitChoice())
    assert fit.words() == ["written as image/jpeg", "compressed below 20,000 bytes"]
    assert opened(fitted(path, fit)).size == (120, 120)


@pytest.mark.parametrize(
    "limits",
    [
        PortLimits(max_bytes=300, formats=("png",)),
        PortLimits(max_bytes=9_000, formats=("png",), min_side=100),
        PortLimits(max_bytes=9_000, formats=("png",), size="120x120"),
    ],
)
def test_what_cannot_be_written_so_small_is_refused_rather_than_shrunk_out_of_its_limits(
    tmp_path: Path, limits: PortLimits
) -> None:
    path = written(tmp_path / "a", noise((120, 120)))
    fit = fit_picture(measured(path), limits, FitChoice())
    with pytest.raises(InputError, match=r"cannot be written in [\d,]+ bytes. Give a smaller one"):
        fitted(path, fit)


@pytest.mark.parametrize("sort", [sort for sort in SORTS if sort not in ("BMP",)])
@pytest.mark.parametrize("share", [0.0, 0.2, 0.6])
def test_a_file_that_is_cut_short_is_one_line(tmp_path: Path, sort: str, share: float) -> None:
    data = noise((64, 64)) if sort == "RGB PNG" else SORTS[sort]((64, 64))
    path = written(tmp_path / "a.bin", data[: int(len(data) * share)])
    with pytest.raises(InputError) as raised:
        fitted(path, PictureFit(resize=(32, 32)))
    message = str(raised.value)
    assert "\n" not in message and "a.bin" in message and "Give " in message


def test_a_file_of_noise_or_none_at_all_is_one_line(tmp_path: Path) -> None:
    path = written(tmp_path / "a.bin", b"\x89PNG\r\n\x1a\n" + bytes(range(256)))
    for one in (path, tmp_path / "nowhere.png"):
        with pytest.raises(InputError) as raised:
            fitted(one, PictureFit(resize=(32, 32)))
        assert "\n" not in str(raised.value)
