"""Sizes, shapes and colours: resize, crop, pad and flatten a picture that is already open.

Pure functions, picture in and new picture out (RGB or RGBA); the given one is never changed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PIL import Image, ImageColor

from providers.errors import InputError

if TYPE_CHECKING:  # loaded where it is used: a plan reads headers, and needs no numpy
    from providers.local.arrays import Floats

MAX_PIXELS = 89_000_000  # just under the size at which Pillow itself starts to warn


def resize(image: Image.Image, width: int | None, height: int | None = None) -> Image.Image:
    """Return `image` at exactly `width` x `height` pixels; a side left out follows in proportion.

    Colours are weighted by alpha, so that what is transparent leaves no fringe.

    Raises:
        InputError: no side is given, one is below 1, or the result is above MAX_PIXELS.
    """
    if width is None and height is None:
        raise InputError("resize needs a width or a height. Give at least one.")
    if width is None and height is not None:
        width = max(1, round(image.width * height / image.height))
    elif height is None and width is not None:
        height = max(1, round(image.height * width / image.width))
    size = _checked(width or 0, height or 0, "resize")
    if size == image.size:
        return image.copy()
    if image.mode == "RGBA":
        return _resized_with_alpha(image, size)
    return image.resize(size, Image.Resampling.LANCZOS)


def _resized_with_alpha(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Return RGBA resized with colours weighted by alpha, in floating point.

    Pillow weights by alpha as well, but clips to 8 bit between its two passes: alpha is cut where
    the filter overshoots and colours are not, and edges come out up to 8 % too bright.
    """
    import numpy as np

    alpha = np.asarray(image.getchannel("A"), np.float32) / np.float32(255)
    share = _resized(alpha, size)
    bands = [
        _resized(np.asarray(image.getchannel(name), np.float32) * alpha, size) for name in "RGB"
    ]
    colours = [band / np.maximum(share, 1 / 512) * (share > 1 / 512) for band in bands]
    whole = np.dstack([*colours, share * 255])
    return Image.fromarray(np.clip(np.rint(whole), 0, 255).astype(np.uint8))


def _resized(band: Floats, size: tuple[int, int]) -> Floats:
    import numpy as np

    resized = Image.fromarray(band).resize(size, Image.Resampling.LANCZOS)
    return np.asarray(resized, np.float32)


def crop(
    image: Image.Image,
    aspect: str | None = None,
    width: int | None = None,
    height: int | None = None,
) -> Image.Image:
    """Return the centre of `image`: the largest of an aspect such as "4:5", or exact pixels.

    Raises:
        InputError: the aspect is no aspect, both an aspect and a side are given, nothing is
            given, or a side is larger than the picture's.
    """
    wanted = _wanted(image, aspect, width, height, "crop")
    if isinstance(wanted, float):
        wanted = (
            min(image.width, max(1, round(image.height * wanted))),
            min(image.height, max(1, round(image.width / wanted))),
        )
    wide, high = wanted
    if wide > image.width or high > image.height:
        raise InputError(
            f"crop to {wide}x{high} is larger than the picture, {image.width}x{image.height}."
            " Choose a smaller size, or use pad or resize."
        )
    left, top = (image.width - wide) // 2, (image.height - high) // 2
    return image.crop((left, top, left + wide, top + high))


def pad(
    image: Image.Image,
    aspect: str | None = None,
    width: int | None = None,
    height: int | None = None,
    colour: str = "#ffffff",
) -> Image.Image:
    """Return `image` centred on a canvas of an aspect or an exact size; never stretched.

    A picture larger than the canvas is shrunk in proportion, a smaller one keeps its size. An
    opaque colour also shows through what is transparent, and the result is RGB; with the colour
    "transparent" (or one with alpha) it is RGBA.

    Raises:
        InputError: as `crop`, or the colour is no colour, or the result is above MAX_PIXELS.
    """
    fill = parse_colour(colour, "pad")
    wanted = _wanted(image, aspect, width, height, "pad")
    if isinstance(wanted, float):
        wanted = (
            max(image.width, round(image.height * wanted)),
            max(image.height, round(image.width / wanted)),
        )
    size = _checked(*wanted, "pad")
    ratio = min(size[0] / image.width, size[1] / image.height)
    if ratio < 1:
        inside = (max(1, int(image.width * ratio + 0.5)), max(1, int(image.height * ratio + 0.5)))
        image = resize(image, min(inside[0], size[0]), min(inside[1], size[1]))
    corner = ((size[0] - image.width) // 2, (size[1] - image.height) // 2)
    layer = Image.new("RGBA", size, (0, 0, 0, 0))
    layer.paste(image.convert("RGBA"), corner)
    if fill[3] == 255:
        return _on(layer, fill)
    canvas = Image.new("RGBA", size, fill)
    canvas.paste(image.convert("RGBA"), corner)
    return canvas


def flatten(image: Image.Image, colour: str = "#ffffff") -> Image.Image:
    """Return `image` as RGB, what is transparent laid on `colour` ("#rrggbb" or a CSS name).

    Raises:
        InputError: the colour is no colour, or is itself transparent.
    """
    fill = parse_colour(colour, "flatten")
    if fill[3] != 255:
        raise InputError(f"flatten needs an opaque colour, not {colour!r}. Give one such as white.")
    if image.mode == "RGB":
        return image.copy()
    return _on(image.convert("RGBA"), fill)


def _on(layer: Image.Image, fill: tuple[int, int, int, int]) -> Image.Image:
    return Image.alpha_composite(Image.new("RGBA", layer.size, fill), layer).convert("RGB")


def parse_colour(colour: str, who: str = "colour") -> tuple[int, int, int, int]:
    """Return (red, green, blue, alpha), each 0 to 255, of "#rrggbb", a CSS name or "transparent".

    Raises:
        InputError: it is none of these; the message begins with `who`.
    """
    if colour.strip().lower() == "transparent":
        return (0, 0, 0, 0)
    try:
        values = ImageColor.getrgb(colour.strip())
    except ValueError as error:
        raise InputError(
            f'{who}: {colour!r} is not a colour. Give "#rrggbb", a CSS colour name such as "white"'
            ' or "transparent".'
        ) from error
    return values if len(values) == 4 else (*values, 255)


def parse_aspect(aspect: str, who: str = "aspect") -> float:
    """Return width / height of an aspect such as "4:5".

    Raises:
        InputError: it is not two positive numbers with a colon; the message begins with `who`.
    """
    wide, colon, high = aspect.partition(":")
    try:
        ratio = float(wide) / float(high) if colon else 0.0
    except (ValueError, ZeroDivisionError):
        ratio = 0.0
    if not 0.01 <= ratio <= 100:
        raise InputError(f'{who}: {aspect!r} is not an aspect. Give one such as "1:1" or "16:9".')
    return ratio


def _wanted(
    image: Image.Image, aspect: str | None, width: int | None, height: int | None, who: str
) -> float | tuple[int, int]:
    """Return the ratio that is asked for, or the size in pixels."""
    if aspect is not None:
        if width is not None or height is not None:
            raise InputError(f"{who} takes an aspect or a width and height, not both.")
        return parse_aspect(aspect, who)
    if width is None and height is None:
        raise InputError(f'{who} needs an aspect such as "4:5", a width or a height.')
    return _checked(
        image.width if width is None else width, image.height if height is None else height, who
    )


def _checked(width: int, height: int, who: str) -> tuple[int, int]:
    """Return the size, or raise InputError where no picture can have it."""
    if width < 1 or height < 1:
        raise InputError(f"{who} to {width}x{height}: each side must be at least 1 pixel.")
    if width * height > MAX_PIXELS:
        raise InputError(
            f"{who} to {width}x{height} is above {MAX_PIXELS // 1_000_000} million pixels."
            " Choose a smaller size."
        )
    return width, height
