"""Carry out a fit on the pixels of a picture: crop or pad, resize, flatten, write."""

from __future__ import annotations

import io
from fractions import Fraction
from pathlib import Path

from PIL import Image

from providers.catalog.size import PIXELS_PER_MEGAPIXEL
from providers.errors import InputError
from providers.fit import FitChoice, FitError, PictureFit, frame
from providers.local.edit import flatten, pad
from providers.local.image import normal, opened, orientation

JPEG_QUALITIES = (92, 85, 78, 70)
SHRINK = 0.85
LEAST_SIDE = 64
_FORMATS = {"image/png": "PNG", "image/jpeg": "JPEG", "image/webp": "WEBP"}
_OWN_TYPES = {"PNG": "image/png", "JPEG": "image/jpeg", "MPO": "image/jpeg", "WEBP": "image/webp"}
_CROP = FitChoice("crop")

Size = tuple[int, int]


def fitted(path: Path, fit: PictureFit) -> bytes:
    """Return the bytes of the picture at `path` after the fit.

    Raises:
        InputError: it cannot be decoded, or not be made as small as it must be.
    """
    with opened(path) as image:
        media_type = fit.media_type or _OWN_TYPES.get(image.format or "", "image/png")
        try:
            picture = _shaped(image, fit)
        except OSError as error:
            raise InputError(
                f"'{path}' is damaged or cut short: {error}. Give the whole file again."
            ) from None
    return _written(picture, media_type, fit)


def _shaped(image: Image.Image, fit: PictureFit) -> Image.Image:
    is_sideways = orientation(image) >= 5
    inner = _size_inside(image.size[::-1] if is_sideways else image.size, fit)
    if inner and image.format in ("JPEG", "MPO"):
        picture = normal(_small_photo(image, fit.crop, inner, is_sideways))
    elif inner:
        picture = _resampled(normal(image), fit.crop, inner)
    else:
        picture = normal(image)
        picture = _middle(picture, fit.crop) if fit.crop else picture
    if fit.pad:
        width, height = fit.resize or fit.pad
        picture = pad(picture, width=width, height=height, colour=fit.colour)
    return flatten(picture, fit.colour) if fit.flatten and picture.mode == "RGBA" else picture


def _small_photo(
    image: Image.Image, crop: Size | None, target: Size, is_sideways: bool
) -> Image.Image:
    """Return an open JPEG at its new size, as it lies in the file: not turned, its own colours.

    The decoder itself can halve, so that 12 megapixels are never unpacked whole for one, and what
    follows has few pixels to turn and convert.
    """
    if is_sideways:
        crop, target = crop and crop[::-1], target[::-1]
    image.draft(None, target)
    return _resampled(image, crop, target)


def _size_inside(whole: Size, fit: PictureFit) -> Size | None:
    """Return what the picture is resized to; on a canvas it takes up as much as it did before."""
    if fit.resize is None or fit.pad is None:
        return fit.resize
    width, height = (
        min(new, max(1, round(side * new / old)))
        for side, old, new in zip(whole, fit.pad, fit.resize, strict=True)
    )
    return width, height


def _middle(picture: Image.Image, size: Size) -> Image.Image:
    left, top = (picture.width - size[0]) // 2, (picture.height - size[1]) // 2
    return picture.crop((left, top, left + size[0], top + size[1]))


def _resampled(picture: Image.Image, crop: Size | None, target: Size) -> Image.Image:
    """Return the part around the centre at its new size; `crop` is in pixels of the whole file."""
    box = None
    if crop:
        wide, high = picture.size
        ratio = Fraction(*crop)  # the decoder may have halved the picture: the ratio stays
        left = float(max(Fraction(0), (wide - high * ratio) / 2))
        top = float(max(Fraction(0), (high - wide / ratio) / 2))
        box = (left, top, wide - left, high - top)
    return picture.resize(target, Image.Resampling.LANCZOS, box, reducing_gap=2.0)


def _written(picture: Image.Image, media_type: str, fit: PictureFit) -> bytes:
    data = _encoded(picture, media_type, JPEG_QUALITIES[0])
    most = fit.limits.max_bytes
    if most is None or len(data) <= most:
        return data
    media_type = fit.lossy if fit.lossy and media_type == "image/png" else media_type
    smaller: Image.Image | None = picture
    while smaller is not None:
        for quality in JPEG_QUALITIES if media_type != "image/png" else (100,):
            if len(data := _encoded(smaller, media_type, quality)) <= most:
                return data
        smaller = _shrunk(smaller, fit)
    raise InputError(f"the picture cannot be written in {most:,} bytes. Give a smaller one.")


def _shrunk(picture: Image.Image, fit: PictureFit) -> Image.Image | None:
    """Return the picture with fewer pixels, as the limits have it, or None: it has too few."""
    pixels = picture.width * picture.height * SHRINK**2
    limits = fit.limits.model_copy(update={"max_megapixels": pixels / PIXELS_PER_MEGAPIXEL})
    try:
        framing = frame(picture.size, limits, _CROP, fit.aspect)
    except FitError:
        return None
    if framing.resize is None or min(framing.resize) < LEAST_SIDE:
        return None
    return _resampled(picture, framing.crop, framing.resize)


def _encoded(picture: Image.Image, media_type: str, quality: int) -> bytes:
    """Return the picture as a file without metadata."""
    buffer = io.BytesIO()
    form = _FORMATS[media_type]
    try:
        if form == "JPEG":
            whole = picture if picture.mode == "RGB" else flatten(picture)
            whole.save(buffer, form, quality=quality, subsampling=0)
        elif form == "WEBP":
            picture.save(buffer, form, quality=quality, lossless=quality == JPEG_QUALITIES[0])
        else:
            picture.save(buffer, form, compress_level=3)
    except (OSError, ValueError) as error:
        size = f"{picture.width}x{picture.height}"
        raise InputError(f"a picture of {size} cannot be written as {form}: {error}.") from None
    return buffer.getvalue()
