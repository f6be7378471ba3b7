"""Small real pictures of every sort that users have."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from PIL import Image

from providers.catalog.shape import Shape, shape_of
from tasks.keep import media_of

RED, BLUE = (220, 30, 20), (20, 40, 210)


def halves(size: tuple[int, int]) -> Image.Image:
    """Red at the left and blue at the right."""
    image = Image.new("RGB", size, RED)
    image.paste(BLUE, (size[0] // 2, 0, *size))
    return image


def encoded(image: Image.Image, form: str, **how: object) -> bytes:
    """The picture as a file of a form that Pillow names: "PNG"."""
    buffer = io.BytesIO()
    image.save(buffer, form, **how)
    return buffer.getvalue()


def _rgba(size: tuple[int, int]) -> bytes:
    image = halves(size).convert("RGBA")
    image.paste((0, 0, 0, 0), (0, 0, size[0], size[1] // 2))
    return encoded(image, "PNG")


def _palette(size: tuple[int, int]) -> bytes:
    image = halves(size).quantize(4)
    return encoded(image, "PNG", transparency=image.getpixel((0, 0)))


def _sixteen_bit(size: tuple[int, int]) -> bytes:
    values = np.full((size[1], size[0]), 65535 // 4, np.uint16)
    return encoded(Image.fromarray(values), "PNG")


def _turned(size: tuple[int, int]) -> bytes:
    lying = halves(size).transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[0x0112] = 6
    return encoded(lying, "JPEG", exif=exif, quality=95)


def _animated(size: tuple[int, int]) -> bytes:
    frames = [halves(size), Image.new("RGB", size, BLUE)]
    return encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])


SORTS: Mapping[str, Callable[[tuple[int, int]], bytes]] = {
    "RGB PNG": lambda size: encoded(halves(size), "PNG"),
    "RGBA PNG": _rgba,
    "palette PNG with transparency": _palette,
    "grey PNG": lambda size: encoded(halves(size).convert("L"), "PNG"),
    "16 bit PNG": _sixteen_bit,
    "1 bit PNG": lambda size: encoded(halves(size).convert("1"), "PNG"),
    "JPEG": lambda size: encoded(halves(size), "JPEG", quality=95),
    "CMYK JPEG": lambda size: encoded(halves(size).convert("CMYK"), "JPEG", quality=95),
    "JPEG that lies on its side": _turned,
    "animated GIF": _animated,
    "WebP": lambda size: encoded(halves(size), "WEBP", quality=95),
    "TIFF": lambda size: encoded(halves(size), "TIFF"),
    "BMP": lambda size: encoded(halves(size), "BMP"),
}


def noise(size: tuple[int, int], mode: str = "RGB", form: str = "PNG", **how: object) -> bytes:
    """A picture that no form can make small."""
    image = Image.frombytes(mode, size, os.urandom(size[0] * size[1] * len(mode)))
    return encoded(image, form, **how)


def measured(path: Path) -> Shape:
    """The shape that a run finds in a file."""
    shape = shape_of(media_of("0" * 64, path))
    assert isinstance(shape, Shape)
    return shape


def opened(data: bytes) -> Image.Image:
    """The picture in these bytes, decoded."""
    image = Image.open(io.BytesIO(data))
    image.load()
    return image
