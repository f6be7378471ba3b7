"""Any common file becomes an upright 8-bit RGB or RGBA picture, or a message one can act on."""

import io
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageCms

from providers.errors import InputError
from providers.local.image import MAX_PIXELS, encode_jpeg, encode_png, open_image, open_thumbnail
from providers.local.probe import ImageFacts, decodes, probe_image

RAMP = np.tile(np.linspace(0, 255, 64).astype(np.uint8), (32, 1))  # dark left, light right


def ramp(mode: str = "RGB") -> Image.Image:
    return Image.fromarray(RAMP).convert(mode)


def saved(path: Path, image: Image.Image, **options: object) -> Path:
    image.save(path, **options)
    return path


def level(image: Image.Image, x: int, y: int = 16) -> int:
    value = image.convert("RGB").getpixel((x, y))
    assert isinstance(value, tuple)
    return int(value[0])


@pytest.mark.parametrize(
    ("name", "mode", "alpha"),
    [
        ("a.png", "RGB", False),
        ("a.png", "RGBA", True),
        ("a.png", "L", False),
        ("a.png", "LA", True),
        ("a.png", "P", False),
        ("a.png", "1", False),
        ("a.jpg", "RGB", False),
        ("a.jpg", "L", False),
        ("a.jpg", "CMYK", False),
        ("a.tif", "CMYK", False),
        ("a.tif", "RGBA", True),
        ("a.tif", "F", False),
        ("a.webp", "RGB", False),
        ("a.gif", "P", False),
        ("a.bmp", "RGB", False),
        ("a.avif", "RGB", False),
    ],
)
def test_every_mode_opens_as_rgb_or_rgba(tmp_path: Path, name: str, mode: str, alpha: bool) -> None:
    path = saved(tmp_path / name, ramp(mode))
    image = open_image(path)
    assert image.mode == ("RGBA" if alpha else "RGB")
    assert image.size == (64, 32)
    assert level(image, 0) <= 6 and level(image, 63) >= 249
    facts = probe_image(path)
    assert (facts.width, facts.height, facts.alpha) == (64, 32, alpha)
    decodes(path)


@pytest.mark.parametrize("name", ["grey.png", "grey.tif", "colour.png", "colour.tif"])
def test_sixteen_bits_are_scaled_and_not_clipped(tmp_path: Path, name: str) -> None:
    wide = RAMP.astype(np.uint16) * 257
    cv2.imwrite(str(tmp_path / name), wide if "grey" in name else np.dstack([wide] * 3))
    image = open_image(tmp_path / name)
    middle = level(image, 32)
    assert image.mode == "RGB" and abs(middle - int(RAMP[0, 32])) <= 1
    assert level(image, 63) == 255


def test_a_palette_and_a_colour_key_keep_their_transparency(tmp_path: Path) -> None:
    keyed = saved(tmp_path / "key.png", ramp(), transparency=(0, 0, 0))
    palette = saved(tmp_path / "p.png", ramp("P"), transparency=0)
    for path in (keyed, palette):
        assert probe_image(path).alpha
        assert open_image(path).mode == "RGBA"
    assert open_image(keyed).getpixel((0, 0))[3] == 0  # type: ignore[index]


@pytest.mark.parametrize("suffix", ["jpg", "png", "tif", "webp"])
@pytest.mark.parametrize("turn", range(1, 9))
def test_a_turned_picture_comes_upright_and_is_probed_so(
    tmp_path: Path, suffix: str, turn: int
) -> None:
    upright = Image.new("RGB", (48, 32), "black")
    upright.paste("white", (0, 0, 24, 16))  # one light corner tells all eight turns apart
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # each the inverse of its EXIF turn
    stored = upright.transpose(Image.Transpose(undo[turn])) if turn > 1 else upright
    exif = Image.Exif()
    exif[0x0112] = turn
    path = saved(tmp_path / f"t.{suffix}", stored, exif=exif)
    image = open_image(path)
    assert image.size == (48, 32)
    assert level(image, 8, 8) > 200 and level(image, 40, 8) < 50 and level(image, 8, 24) < 50
    facts = probe_image(path)
    assert (facts.width, facts.height) == (48, 32)
    assert not open_image(path).getexif()


def test_a_picture_comes_through_its_own_profile(tmp_path: Path) -> None:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    swapped = srgb.replace(b"\0s\0R\0G\0B", b"\0x\0R\0G\0B")  # another name, and
    swapped = swapped.replace(b"rXYZ", b"????").replace(b"gXYZ", b"rXYZ").replace(b"????", b"gXYZ")
    for mode in ("RGB", "RGBA"):
        flat = Image.new("RGB", (4, 4), (250, 10, 10)).convert(mode)
        image = open_image(saved(tmp_path / f"{mode}.png", flat, icc_profile=swapped))
        red, green, *rest = image.getpixel((0, 0))  # type: ignore[misc]
        assert image.mode == mode and green > 240 and red < 40  # red and green have changed places


def test_a_profile_that_does_not_fit_or_is_broken_is_ignored(tmp_path: Path) -> None:
    flat = Image.new("RGB", (8, 8), (200, 80, 40))
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
    wrong = saved(tmp_path / "lab.png", flat, icc_profile=lab.tobytes())
    broken = saved(tmp_path / "broken.png", flat, icc_profile=b"not a profile")
    same = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    plain = saved(tmp_path / "srgb.png", flat, icc_profile=same)
    for path in (wrong, broken, plain):
        image = open_image(path)
        assert image.getpixel((0, 0)) == (200, 80, 40)
        assert "icc_profile" not in Image.open(io.BytesIO(encode_png(image))).info


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.gif", "a.bmp", "a.webp", "a.tif"])
def test_a_truncated_file_is_named_as_such(tmp_path: Path, name: str) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (64, 64, 3)).astype(np.uint8)
    path = saved(tmp_path / name, Image.fromarray(noise))
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * 0.6)])
    with pytest.raises(InputError, match=r"cannot be read|damaged|not a picture"):
        open_image(path)
    with pytest.raises(InputError):
        decodes(path)


@pytest.mark.parametrize(
    "content", [b"", b"hello, I am text", b"%PDF-1.7", b"<svg/>", b"%!PS-Adobe"]
)
def test_what_is_no_picture_is_refused_whatever_its_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "cup.png"
    path.write_bytes(content)
    for reads in (open_image, probe_image, decodes):
        with pytest.raises(InputError, match=r"cup\.png.*not a picture.*Give a"):
            reads(path)


def test_a_missing_file_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere\.png' does not exist"):
        probe_image(tmp_path / "nowhere.png")


def test_a_decompression_bomb_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    side = int(MAX_PIXELS**0.5) + 1
    for width in (side, 4 * side):  # above our limit, and above Pillow's own
        header = b"IHDR" + struct.pack(">IIBBBBB", width, side, 1, 0, 0, 0, 0)
        start = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header
        path = tmp_path / f"{width}.png"
        path.write_bytes(start + struct.pack(">II", zlib.crc32(header), 999) + b"IDAT")
        with pytest.raises(InputError, match="too large"):
            open_image(path)


def test_the_media_type_is_told_by_the_bytes(tmp_path: Path) -> None:
    path = saved(tmp_path / "really.png", ramp(), format="JPEG")
    assert probe_image(path) == ImageFacts("image/jpeg", 64, 32, False, path.stat().st_size)


def test_probing_does_not_decode(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.png", ramp())
    path.write_bytes(path.read_bytes()[:60])
    assert probe_image(path).width == 64


def test_the_same_pixels_give_the_same_bytes() -> None:
    image = ramp("RGBA")
    marked = image.copy()
    marked.info = {"dpi": (300, 300), "icc_profile": b"x", "Software": "y"}
    assert encode_png(image) == encode_png(marked)
    assert encode_jpeg(image) == encode_jpeg(marked)
    again = Image.open(io.BytesIO(encode_png(image)))
    assert np.array_equal(np.asarray(again), np.asarray(image))


def test_a_thumbnail_keeps_the_shape(tmp_path: Path) -> None:
    path = saved(tmp_path / "big.jpg", ramp().resize((1600, 800)))
    assert open_thumbnail(path, 100).size == (100, 50)
