"""Pictures in and out: any common file to an upright 8-bit RGB or RGBA picture, and bytes again.

The only module that decodes a picture in full. It reads a path and gives bytes back; it writes no
file, and what a picture is used for is decided elsewhere. Editing is in `edit`, facts in `probe`.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageCms, UnidentifiedImageError

from providers.errors import InputError
from providers.local.edit import MAX_PIXELS, crop, flatten, pad, resize

__all__ = [
    "MAX_PIXELS",
    "crop",
    "encode_jpeg",
    "encode_png",
    "flatten",
    "normal",
    "open_image",
    "open_thumbnail",
    "opened",
    "orientation",
    "pad",
    "resize",
]

# A closed list: Pillow would else also start Ghostscript for EPS and parse rare, risky formats.
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "TIFF", "BMP", "AVIF")
_READABLE = "PNG, JPEG, WebP, GIF, TIFF, BMP or AVIF"

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_ORIENTATION_TAG = 0x0112
_PROFILE_SPACES = {"L": "GRAY", "RGB": "RGB ", "CMYK": "CMYK"}


@contextmanager
def opened(path: Path, data: bytes | None = None) -> Iterator[Image.Image]:
    """Give the picture at `path` with only its header read; every fault of its is an InputError.

    `data` are its bytes where they are in hand: then the file is not touched.

    Raises:
        InputError: no such file, not a picture, of a format that is not read here, broken, or of
            more than MAX_PIXELS pixels. Faults met while the block decodes it count as well.
    """
    # Pillow 13 loads the plugin that a file's name asks for alone, and on meeting another format in
    # the list all fifty: these are the usual five.
    Image.preinit()
    try:
        with Image.open(path if data is None else BytesIO(data), formats=FORMATS) as image:
            width, height = image.size
            if width * height > MAX_PIXELS:
                raise Image.DecompressionBombError(f"{width}x{height}")
            yield image
    except InputError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise InputError(
            f"'{path}' is too large: more than {MAX_PIXELS // 1_000_000} million pixels ({error})."
            " Give a smaller picture."
        ) from error
    except FileNotFoundError as error:
        raise InputError(f"'{path}' does not exist. Check the path.") from error
    except UnidentifiedImageError as error:
        raise InputError(f"'{path}' is not a picture. Give a {_READABLE} file.") from error
    except Exception as error:  # Pillow's decoders raise a dozen types on broken bytes
        reason = str(error) or type(error).__name__
        raise InputError(
            f"'{path}' cannot be read as a picture: {reason}. Give a whole {_READABLE} file."
        ) from error


def orientation(image: Image.Image) -> int:
    """Return the EXIF orientation, 1 to 8, that is still to be applied; 1 where there is none."""
    if image.format == "TIFF":
        return 1  # Pillow turns TIFFs itself, and states the turned size before it decodes
    try:
        # The base class's method: the PNG one decodes the whole picture to look behind its pixels.
        value = Image.Image.getexif(image).get(_ORIENTATION_TAG, 1)
    except Exception:  # a broken EXIF block is no reason to refuse a sound picture
        return 1
    return value if value in _TURNS else 1


def open_image(path: Path) -> Image.Image:
    """Return the picture at `path`: mode RGB or RGBA, 8 bit, upright, sRGB, the first frame.

    Raises:
        InputError: the file is missing, truncated, not a picture, or above MAX_PIXELS (which is
            found before anything is decoded).
    """
    with opened(path) as image:
        return normal(image)


def open_thumbnail(path: Path, side: int) -> Image.Image:
    """Return the picture at `path` as `open_image` does, shrunk to fit `side` x `side` pixels.

    A large JPEG is decoded at a fraction of its size, so that a sheet of them costs little.

    Raises:
        InputError: as `open_image`.
    """
    with opened(path) as image:
        if image.mode in ("L", "RGB"):
            image.draft(image.mode, (2 * side, 2 * side))
        result = normal(image)
    result.thumbnail((side, side), Image.Resampling.LANCZOS)
    return result


def normal(image: Image.Image) -> Image.Image:
    """Return an open picture as RGB or RGBA, 8 bit, upright, sRGB, the first frame."""
    turn = _TURNS.get(orientation(image))
    profile = image.info.get("icc_profile")
    image.load()
    plain, alpha = _split(image)
    result = _to_srgb(plain, profile)
    if alpha is not None:
        result.putalpha(alpha)
    if turn is not None:
        result = result.transpose(turn)
    result.info = {}  # else a stale profile or orientation would be written out again
    return result


def _split(image: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    """Return the colours as L, RGB or CMYK, and the alpha where there is one.

    The colours may be the given picture itself.
    """
    if image.mode[0] in "IF" and image.mode != "1":
        return _to_grey(image), None
    if image.has_transparency_data:
        is_grey = image.mode in ("LA", "La")
        whole = image.convert("LA" if is_grey else "RGBA")
        return whole.convert("L" if is_grey else "RGB"), whole.getchannel("A")
    if image.mode in ("L", "RGB", "CMYK"):
        return image, None
    return image.convert("L" if image.mode == "1" else "RGB"), None


def _to_grey(image: Image.Image) -> Image.Image:
    """Return a 16-bit, 32-bit or float picture scaled, not clipped, to 8 bit."""
    import numpy as np  # it takes as long to load as all of Pillow, and few pictures need it

    values = np.nan_to_num(np.asarray(image, dtype=np.float64))
    low, high = float(values.min()), float(values.max())
    if image.mode.startswith("I;16"):
        low, high = 0.0, 65535.0
    elif low >= 0:
        # The white point is not stated: take the least usual one that holds all values.
        usual = (1.0, 255.0, 65535.0) if image.mode == "F" else (255.0, 65535.0)
        low, high = 0.0, next((white for white in usual if high <= white), high)
    scaled = (values - low) * (255.0 / max(high - low, 1e-9))
    return Image.fromarray(np.rint(scaled).astype(np.uint8))


def _to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Return a new picture in sRGB, through its own profile where that is sound and fits its mode."""
    if not profile:
        return image.convert("RGB")
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if "sRGB" in ImageCms.getProfileDescription(source):
            return image.convert("RGB")  # leave the common case's values untouched
        if source.profile.xcolor_space != _PROFILE_SPACES.get(image.mode):
            return image.convert("RGB")
        target = ImageCms.createProfile("sRGB")
        converted = ImageCms.profileToProfile(image, source, target, outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return image.convert("RGB")  # a broken profile: the values as they stand
    return image.convert("RGB") if converted is None else converted


def encode_png(image: Image.Image) -> bytes:
    """Return `image` as PNG bytes, the same for the same pixels: no time, no metadata."""
    buffer = io.BytesIO()
    _bare(image).save(buffer, format="PNG", compress_level=4)
    return buffer.getvalue()


def encode_jpeg(image: Image.Image, quality: int = 92) -> bytes:
    """Return `image` as JPEG bytes, the same for the same pixels; alpha is laid on white."""
    buffer = io.BytesIO()
    opaque = flatten(image, "#ffffff")
    _bare(opaque).save(buffer, format="JPEG", quality=quality, subsampling=0, optimize=True)
    return buffer.getvalue()


def _bare(image: Image.Image) -> Image.Image:
    """Return a copy without metadata: Pillow writes a profile that it finds in `info`."""
    copy = image.copy()
    copy.info = {}
    return copy
