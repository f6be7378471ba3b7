"""Facts of a picture file from its header alone, and whether the rest of it decodes.

The media type comes from the bytes, never from the file's name. Pixels are handed to nobody here.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from providers.errors import InputError
from providers.local.image import opened, orientation

_MEDIA_TYPES = {
    "PNG": "image/png",
    "JPEG": "image/jpeg",
    "MPO": "image/jpeg",  # a phone's JPEG with a second picture behind it
    "WEBP": "image/webp",
    "GIF": "image/gif",
    "TIFF": "image/tiff",
    "BMP": "image/bmp",
    "AVIF": "image/avif",
}


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """What a header tells; `width` and `height` are pixels of the upright picture."""

    media_type: str
    width: int
    height: int
    alpha: bool
    size_bytes: int


def probe_image(path: Path, data: bytes | None = None) -> ImageFacts:
    """Return the facts of the picture at `path`; nothing but its header is decoded.

    `data` are its bytes where they are in hand.

    Raises:
        InputError: the file is missing, empty, not a picture, or above MAX_PIXELS.
    """
    with opened(path, data) as image:
        width, height = image.size
        if orientation(image) >= 5:  # 5 to 8 lie on their side
            width, height = height, width
        return ImageFacts(
            media_type=_MEDIA_TYPES[image.format or ""],
            width=width,
            height=height,
            alpha=image.has_transparency_data,
            size_bytes=path.stat().st_size if data is None else len(data),
        )


def decodes(path: Path, data: bytes | None = None) -> None:
    """Decode the picture at `path` in full (its first frame) and forget it.

    `data` are its bytes where they are in hand.

    Raises:
        InputError: as `probe_image`, or the file is truncated or damaged.
    """
    with opened(path, data) as image:
        try:
            image.load()
        except OSError as error:
            raise InputError(
                f"'{path}' is damaged or cut short: {error}. Give the whole file again."
            ) from error
