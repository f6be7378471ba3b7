"""Carry out a fit on the pixels of a picture: crop or pad, resize, flatten, write."""

from __future__ import annotations

import io
from fractions import Fraction
from pathlib import Path

from PIL import Image, ImageOps

from providers.errors import InputError
from providers.fit import PictureFit
from providers.local.edit import flatten, pad
from providers.local.image import opened

JPEG_QUALITIES = (92, 85, 78, 70)
SHRINK = 0.85
_FORMATS = {"image/png": "PNG", "image/jpeg": "JPEG", "image/webp": "WEBP"}


def fitted(path: Path, fit: PictureFit) -> bytes:
    """Return the bytes of the picture at `path` after the fit.

    Raises:
        InputError: it cannot be decoded, or not be made as small as it must be.
    """
    with opened(path) as image:
        media_type = fit.media_type or Image.MIME.get(image.format or "", "image/png")
        try:
            picture = _shaped(image, fit)
        except OSError as error:
            raise InputError(f"'{path}' is damaged or cut short: {error}.") from None
    return _written(picture, media_type, fit)


def _shaped(image: Image.Image, fit: PictureFit) -> Image.Image:
    target = fit.resize
    if target and image.format == "JPEG":
        # The decoder itself can halve: a 12 MP photograph is never unpacked whole for 1 MP.
        image.draft(None, target)
    picture = ImageOps.exif_transpose(image)
    if picture.mode not in ("RGB", "RGBA"):
        picture = picture.convert("RGBA" if image.has_transparency_data else "RGB")
    if fit.pad:
        picture = pad(picture, width=fit.pad[0], height=fit.pad[1], colour=fit.colour)
    if target or fit.crop:
        picture = _resampled(picture, fit.crop, target)
    return flatten(picture, fit.colour) if fit.flatten and picture.mode == "RGBA" else picture


def _resampled(
    picture: Image.Image, crop: tuple[int, int] | None, target: tuple[int, int] | None
) -> Image.Image:
    """Return the part around the centre at its new size; `crop` is in pixels of the whole file."""
    wide, high = picture.size
    if crop and not target:
        left, top = (wide - crop[0]) // 2, (high - crop[1]) // 2
        return picture.crop((left, top, left + crop[0], top + crop[1]))
    assert target is not None
    box = None
    if crop:
        ratio = Fraction(*crop)  # the decoder may have halved the picture: the ratio stays
        inside = (min(float(wide), high * float(ratio)), min(float(high), wide / float(ratio)))
        margin = ((wide - inside[0]) / 2, (high - inside[1]) / 2)
        box = (*margin, margin[0] + inside[0], margin[1] + inside[1])
    return picture.resize(target, Image.Resampling.LANCZOS, box, reducing_gap=2.0)


def _written(picture: Image.Image, media_type: str, fit: PictureFit) -> bytes:
    data = _encoded(picture, media_type, JPEG_QUALITIES[0])
    most = fit.max_bytes
    if most is None or len(data) <= most:
        return data
    while min(picture.size) > 64:
        for quality in JPEG_QUALITIES[1:] if media_type != "image/png" else ():
            if len(data := _encoded(picture, media_type, quality)) <= most:
                return data
        size = (round(picture.width * SHRINK), round(picture.height * SHRINK))
        picture = picture.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)
        if len(data := _encoded(picture, media_type, JPEG_QUALITIES[0])) <= most:
            return data
    raise InputError(f"the picture cannot be written in {most:,} bytes. Give a smaller one.")


def _encoded(picture: Image.Image, media_type: str, quality: int) -> bytes:
    buffer = io.BytesIO()
    form = _FORMATS.get(media_type, "PNG")
    if form == "JPEG":
        picture.convert("RGB").save(buffer, form, quality=quality, subsampling=0)
    elif form == "WEBP":
        picture.save(buffer, form, quality=quality, lossless=quality == JPEG_QUALITIES[0])
    else:
        picture.save(buffer, form, compress_level=3)
    return buffer.getvalue()
