"""Pictures for print: exact pixels for a size in millimetres, with the resolution written in."""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from PIL import Image, ImageCms

from providers.errors import InputError
from providers.local.edit import MAX_PIXELS, flatten, parse_colour
from providers.local.reframe import window
from providers.local.subject import Box, subject_box

Fill = Literal["crop", "pad"]

MM_PER_INCH = 25.4
OWN_SCALE = 1.2  # what `print-size` may enlarge by itself: 250 of 300 dots are still a fine print

_HOW: dict[str, dict[str, Any]] = {
    "jpeg": {"quality": 95, "subsampling": 0, "optimize": True},
    "tiff": {"compression": "tiff_lzw"},
    "png": {"compress_level": 4},
}


@dataclass(frozen=True, slots=True)
class Print:
    """A print: its size on paper, its resolution, and how a picture of another shape fills it."""

    width_mm: float
    height_mm: float
    dpi: int = 300
    fill: Fill = "crop"

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels.

        Raises:
            InputError: it is above MAX_PIXELS.
        """
        width, height = (
            max(1, round(side / MM_PER_INCH * self.dpi)) for side in (self.width_mm, self.height_mm)
        )
        if width * height > MAX_PIXELS:
            raise InputError(
                f"{self} needs {width}x{height} pixels, more than {MAX_PIXELS // 1_000_000} million."
                " Choose a smaller size or a lower resolution."
            )
        return width, height

    def scale_from(self, size: tuple[int, int]) -> float:
        """Return how many times each side of a picture of that size is enlarged for the print."""
        ratios = [wanted / given for wanted, given in zip(self.size, size, strict=True)]
        return max(ratios) if self.fill == "crop" else min(ratios)

    def __str__(self) -> str:
        return f"a print of {self.width_mm:g} x {self.height_mm:g} mm at {self.dpi} dpi"


def require_pixels(size: tuple[int, int], wanted: Print, scale: float = 1.0) -> None:
    """Raise InputError unless a picture of that size is enough when enlarged `scale` times before."""
    needed, most = wanted.scale_from(size), scale * OWN_SCALE
    if needed <= most:
        return
    share = most / needed
    raise InputError(
        f"the picture is {size[0]}x{size[1]} pixels, and {wanted} needs"
        f" {wanted.size[0]}x{wanted.size[1]}: each side {needed:.1f} times, where {most:.1f} is the"
        f" most. Print at most {int(wanted.width_mm * share)} x {int(wanted.height_mm * share)} mm,"
        " or give a larger picture."
    )


def for_print(
    image: Image.Image, wanted: Print, keep: str = "subject", colour: str = "#ffffff"
) -> Image.Image:
    """Return `image` as RGB in the exact pixels of the print, cropped or with bars; not stretched.

    Raises:
        InputError: the picture is too small for the print, or the colour is none.
    """
    parse_colour(colour, "print-size")
    require_pixels(image.size, wanted)
    width, height = wanted.size
    if wanted.fill == "pad":
        opaque = flatten(image, colour)
        ratio = min(width / image.width, height / image.height)
        sides = [max(1, round(side * ratio)) for side in image.size]
        canvas = Image.new("RGB", (width, height), parse_colour(colour)[:3])
        place = ((width - sides[0]) // 2, (height - sides[1]) // 2)
        canvas.paste(opaque.resize((sides[0], sides[1]), Image.Resampling.LANCZOS), place)
        return canvas
    part = _part(image, width / height, keep)
    return flatten(image, colour).resize((width, height), Image.Resampling.LANCZOS, box=part)


def _part(image: Image.Image, ratio: float, keep: str) -> tuple[float, float, float, float]:
    """Return the part that is printed: of exactly that ratio, so that nothing is stretched."""
    wide, high = min(image.width, image.height * ratio), min(image.height, image.width / ratio)
    middle = (image.width / 2, image.height / 2)
    found = Box(int(middle[0]), int(middle[1]), int(middle[0]) + 1, int(middle[1]) + 1)
    if keep == "subject" and (image.width - wide > 1 or image.height - high > 1):
        found = subject_box(image)
    near = window(image.size, found, ratio, grows=False)
    left = min(max(0.0, float(near.left)), image.width - wide)
    top = min(max(0.0, float(near.top)), image.height - high)
    return left, top, left + wide, top + high


def encode_print(image: Image.Image, dpi: int, form: str) -> bytes:
    """Return RGB as JPEG, TIFF or PNG with its resolution and the sRGB profile in it.

    The same pixels always give the same bytes.
    """
    buffer = io.BytesIO()
    bare = image.copy()
    bare.info = {}
    bare.save(buffer, form.upper(), dpi=(dpi, dpi), icc_profile=_srgb(), **_HOW[form])
    return buffer.getvalue()


@cache
def _srgb() -> bytes:
    """Return the sRGB profile without the time at which it was made."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    profile[24:36] = bytes([7, 234, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0])  # 1 January 2026
    return bytes(profile)
