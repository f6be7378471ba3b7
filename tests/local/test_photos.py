"""Photographs: looked over, centred, reframed with their subject in view, set to a print size."""

import base64
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from providers.errors import InputError
from providers.local.continuing import continued
from providers.local.image import open_image
from providers.local.look_over import look_over
from providers.local.print_size import Print, encode_print, for_print
from providers.local.reframe import reframe, window
from providers.local.subject import Box, centre, cutout_box, subject_box
from providers.local.work import WORK

REFRAME = {
    "aspect_ratio": "1:1",
    "keep": "subject",
    "edges": "extend",
    "margin": 0.08,
    "colour": "#ffffff",
    "output_format": "png",
}
PRINT = {
    "width_mm": 20,
    "height_mm": 30,
    "dpi": 300,
    "fill": "crop",
    "keep": "subject",
    "colour": "#ffffff",
    "output_format": "jpeg",
}
CENTRE = {"aspect_ratio": "1:1", "margin": 0.1, "output_format": "png"}
CHECK = {"dpi": 300, "fill": "crop", "scale": 4}


def cut_out(width: int = 300, height: int = 200) -> Image.Image:
    """A red ellipse, 100 x 60, off the middle, with a speck of dust far from it."""
    image = Image.new("RGBA", (width, height), (0, 0, 0, 0))
    draw = ImageDraw.Draw(image)
    draw.ellipse((20, 30, 119, 89), (200, 30, 40, 255))
    draw.point((290, 190), (9, 9, 9, 255))
    return image


def photo(width: int = 300, height: int = 200, x: float = 0.3) -> Image.Image:
    """A red disc on a grey gradient, its middle at a share `x` of the width."""
    down, across = np.mgrid[0:height, 0:width]
    pixels = np.repeat((110 + 60 * down / height)[:, :, None], 3, 2)
    radius = 0.25 * min(width, height)
    disc = np.hypot(across - x * width, down - height / 2) < radius
    pixels[disc] = (200, 40, 40)
    return Image.fromarray(pixels.astype(np.uint8))


def red_box(image: Image.Image) -> tuple[int, int, int, int]:
    pixels = np.asarray(image.convert("RGB")).astype(int)
    rows, columns = np.nonzero((pixels[:, :, 0] > 150) & (pixels[:, :, 1] < 90))
    return (
        int(columns.min()),
        int(rows.min()),
        image.width - 1 - int(columns.max()),
        image.height - 1 - int(rows.max()),
    )


def test_the_subject_of_a_cut_out_is_found_without_its_specks() -> None:
    box = cutout_box(cut_out())
    assert (box.left, box.top, box.right, box.bottom) == (20, 30, 120, 90)


def test_a_subject_is_centred_at_its_own_pixels_with_its_margin() -> None:
    made = centre(cut_out(), "1:1", None, 0.1)
    assert made.size == (125, 125) and made.mode == "RGBA"  # 100 is 80 % of 125
    left, top, right, bottom = red_box(made)
    assert abs(left - right) <= 1 and abs(top - bottom) <= 1 and 11 <= left <= 13
    assert made.getpixel((0, 0)) == (0, 0, 0, 0)


@pytest.mark.parametrize(("aspect", "size"), [("1:1", (200, 200)), ("4:5", (200, 250))])
def test_a_subject_fills_the_width_that_is_stated(aspect: str, size: tuple[int, int]) -> None:
    made = centre(cut_out(), aspect, 200, 0.1, "white")
    assert made.size == size and made.mode == "RGB" and made.getpixel((0, 0)) == (255, 255, 255)
    left, top, right, bottom = red_box(made)
    assert 19 <= left <= 21 and 19 <= right <= 21 and abs(top - bottom) <= 1


def test_what_cannot_be_centred_is_one_clear_line() -> None:
    with pytest.raises(InputError, match=r"no transparency\. Cut its subject out first"):
        centre(photo())
    with pytest.raises(InputError, match="nothing is left of the picture: no subject was found"):
        centre(Image.new("RGBA", (40, 40), (0, 0, 0, 0)))
    with pytest.raises(InputError, match="nothing was cut out of the picture"):
        centre(photo().convert("RGBA"))
    with pytest.raises(InputError, match="the subject is 100x60 pixels, too small"):
        centre(cut_out(), "1:1", 2000)


@pytest.mark.parametrize("aspect", ["1:1", "4:5", "9:16", "16:9", "21:9"])
@pytest.mark.parametrize("x", [0.2, 0.5, 0.8])
@pytest.mark.parametrize("edges", ["extend", "pad"])
def test_the_whole_subject_is_in_every_shape(aspect: str, x: float, edges: Any) -> None:
    wide, high = (int(part) for part in aspect.split(":"))
    made = reframe(photo(x=x), aspect, 320, edges=edges, colour="#00ff00")
    assert made.size == (320, round(320 * high / wide))
    left, top, right, bottom = red_box(made)
    assert min(left, top, right, bottom) >= 1
    pixels = np.asarray(made).astype(int)
    red = int(((pixels[:, :, 0] > 150) & (pixels[:, :, 1] < 90)).sum())
    across, down = made.width - left - right, made.height - top - bottom
    assert abs(across - down) <= 3 and abs(red / (np.pi / 4 * across * down) - 1) < 0.05  # a disc


def test_a_subject_is_cut_only_where_that_was_chosen() -> None:
    image = photo(400, 200, 0.5)
    image.paste((200, 40, 40), (40, 60, 360, 140))
    found = subject_box(image)
    assert found.width > 300
    cut = reframe(image, "9:16", edges="crop")
    assert cut.height == 200 and cut.width == 112
    whole = reframe(image, "9:16", edges="extend")
    assert whole.width >= found.width


def test_the_middle_is_kept_without_looking_for_a_subject() -> None:
    made = reframe(photo(x=0.1), "1:1", keep="middle")
    assert made.size == (200, 200)
    assert np.array_equal(np.asarray(made), np.asarray(photo(x=0.1))[:, 50:250])


def test_a_window_follows_the_subject_and_stays_inside() -> None:
    found = Box(10, 40, 60, 160)
    part = window((300, 200), found, 1.0, grows=True)
    assert (part.left, part.top, part.width, part.height) == (0, 0, 200, 200)
    assert window((300, 200), Box(200, 40, 290, 90), 1.0, grows=True).left == 100
    grown = window((300, 200), Box(0, 50, 280, 150), 0.5, grows=True)
    assert (grown.width, grown.height) == (280, 560) and grown.top == -180


def test_a_backdrop_is_continued_without_a_seam() -> None:
    made = continued(photo(), (0, 60, 0, 80), (10, 10, 10, 40))
    assert made.size == (300, 340)
    rows = np.asarray(made).astype(float)[:, 240:, 0].mean(1)
    assert np.abs(np.diff(rows)).max() < 3  # no step anywhere, the gradient goes on
    assert rows[-1] > rows[260] > rows[200] and rows[0] < rows[80]
    kept = np.asarray(made)[80:220, 30:200]
    assert np.array_equal(kept, np.asarray(photo())[20:160, 30:200])


@pytest.mark.parametrize("form", ["jpeg", "tiff", "png"])
@pytest.mark.parametrize("fill", ["crop", "pad"])
def test_a_print_has_its_exact_pixels_resolution_and_profile(form: str, fill: Any) -> None:
    wanted = Print(20, 30, 300, fill)
    made = for_print(photo(600, 400, 0.5), wanted, colour="#00ff00")
    assert made.size == wanted.size == (236, 354)
    data = encode_print(made, 300, form)
    assert data == encode_print(made, 300, form)
    with Image.open(io.BytesIO(data)) as image:
        assert image.size == (236, 354) and image.format == form.upper()
        assert [round(float(side)) for side in image.info["dpi"]] == [300, 300]
        assert image.info["icc_profile"]
        green = np.asarray(image.convert("RGB"))[2, 2]
        assert (int(green[1]) > 240 and int(green[0]) < 20) == (fill == "pad")
    left, top, right, bottom = red_box(made)  # the disc is still one: nothing was stretched
    assert abs((made.width - left - right) - (made.height - top - bottom)) <= 2


def test_prints_that_cannot_be_made_are_one_clear_line() -> None:
    with pytest.raises(InputError, match=r"needs 2480x3508: each side 10\.0 times, where 1\.2"):
        for_print(photo(350, 350), Print(210, 297))
    with pytest.raises(InputError, match=r"more than 89 million\. Choose a smaller size"):
        for_print(photo(), Print(2000, 1500))
    for_print(photo(340, 400), Print(30, 40, 300))  # 1.18 times: that little it does itself


@pytest.mark.parametrize("name", ["noise", "gradient", "flat", "clear"])
def test_a_blank_picture_is_refused_before_anything_is_paid(name: str, tmp_path: Path) -> None:
    down, across = np.mgrid[0:500, 0:640] / 500
    chance = np.random.default_rng(0)
    light = 150 + 70 * across - 40 * down**2 + 20 * np.sin(2 * across)
    pixels = {"flat": np.full((500, 640), 255.0), "clear": np.zeros((500, 640))}.get(name, light)
    if name == "noise":
        pixels = pixels + chance.normal(0, 6, (500, 640))
    image = Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).convert("RGB")
    if name == "clear":
        image.putalpha(0)
    image.save(tmp_path / "a.png")
    with pytest.raises(InputError, match="the picture is blank: nothing stands out in it"):
        look_over(tmp_path / "a.png")


def test_a_white_thing_on_white_paper_is_not_blank(tmp_path: Path) -> None:
    image = Image.new("RGB", (600, 400), (250, 250, 250))
    ImageDraw.Draw(image).ellipse((250, 150, 350, 250), (236, 236, 236))
    image.save(tmp_path / "a.png")
    assert look_over(tmp_path / "a.png") == (600, 400)


def test_a_photograph_passes_as_it_is_or_is_refused_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    photo().save(path)
    check = WORK["check_photo"].make
    assert check(CHECK, {"image": path}, 1) == path.read_bytes()
    a6 = {"width_mm": 105, "height_mm": 148}
    with pytest.raises(InputError, match=r"8\.7 times, where 4\.8 is the most. Print at most 57"):
        check(CHECK | a6, {"image": path}, 1)
    with pytest.raises(InputError, match="needs both width_mm and height_mm"):
        check(CHECK | {"width_mm": 105}, {"image": path}, 1)
    path.write_text("no picture")
    with pytest.raises(InputError, match="is not a picture"):
        check(CHECK, {"image": path}, 1)


def test_a_transparent_jpeg_is_refused(tmp_path: Path) -> None:
    cut_out().save(tmp_path / "a.png")
    wanted = CENTRE | {"output_format": "jpeg"}
    with pytest.raises(InputError, match="a JPEG has no transparency"):
        WORK["centre"].make(wanted, {"image": tmp_path / "a.png"}, 1)


def cells(image: Image.Image) -> NDArray[np.float64]:
    """Each band's mean in each cell of a 6 x 6 grid; bytes would differ between processors."""
    bands = np.asarray(image.resize((192, 192))).astype(np.float64)
    return bands.reshape(6, 32, 6, 32, -1).mean((1, 3)).ravel()


GOLDEN = {
    "centre": (
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAACQFByBUDRFlVA0RZSQFByAAAAAANAgKOMUeJ/jIHij/"
        "yB4o/8UeJ/g0CAo4NAgKOMUeJ/jIHij/yB4o/8UeJ/g0CAo4AAAAACQFByBUDRFlVA0RZSQFByAAAAAA"
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
    ),
    "reframe": (
        "bW1tbW1tbW1tbW1tbW1tbW1td3d3d3d3fXBwfXFxd3d3d3d3l2lpwDExyCgoyCgowDIylmtro3R0wzQ0"
        "yCgoyCgowjU1onZ2oKCgoKCgpJeXo5eXoKCgoKCgq6urq6urq6urq6urq6urq6ur"
    ),
    "print_size": (
        "cnJycnJycnJycnJycnJycnJyfHx8hnFxnVZWnFZWhXJyfHx8jnp6xSwsyCgoyCgoxC0tjX19mIODxiws"
        "yCgoyCgoxS0tloaGmpqaoouLsWdnsGhooYyMmpqapKSkpKSkpKSkpKSkpKSkpKSk"
    ),
}


@pytest.mark.parametrize("name", list(GOLDEN))
def test_golden_pictures_have_not_changed(name: str, tmp_path: Path) -> None:
    (cut_out() if name == "centre" else photo(600, 400)).save(tmp_path / "a.png")
    parameters: dict[str, dict[str, Any]] = {
        "centre": CENTRE | {"width": 192},
        "reframe": REFRAME | {"aspect_ratio": "9:21", "width": 192},
        "print_size": PRINT,
    }
    data = WORK[name].make(parameters[name], {"image": tmp_path / "a.png"}, 1)
    (tmp_path / "made").write_bytes(data)
    found = cells(open_image(tmp_path / "made"))
    coded = base64.b64encode(np.rint(found).astype(np.uint8).tobytes()).decode()
    known = np.frombuffer(base64.b64decode(GOLDEN[name]), np.uint8)
    assert known.size == found.size and np.abs(known - found).max() <= 2, (
        "these pixels have changed: raise the revision of this model in providers/catalog,"
        f" and write here what they are now: {coded}"
    )
