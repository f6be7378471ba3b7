"""Facts of a media file from its header, and whether the rest of it decodes.

What a file is comes from its bytes, never from its name. Pixels are handed to nobody here.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from PIL import UnidentifiedImageError

from providers.errors import InputError
from providers.local.facts import MediaFacts
from providers.local.image import opened, orientation
from providers.local.signature import container_of

__all__ = ["ImageFacts", "MediaFacts", "decodes", "probe_image", "probe_media"]

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
    mode: str = "RGB"


def probe_media(path: Path, data: bytes | None = None) -> MediaFacts:
    """Return the facts of the picture, clip or sound at `path`.

    Of a picture nothing but its header is decoded, of a clip its first frame. `data` are its bytes
    where they are in hand.

    Raises:
        InputError: the file is missing, empty, none of these, broken, or too large.
    """
    try:
        facts = probe_image(path, data)
    except InputError as error:
        if container_of(path, data) is not None:
            # FFmpeg takes longer to load than a picture to look at, and most files are pictures.
            from providers.local.probe_moving import probe_moving

            return probe_moving(path, data)
        if isinstance(error.__cause__, UnidentifiedImageError):
            raise InputError(
                f"'{path}' is neither a picture, a clip nor a sound that can be read. Give a whole"
                " file such as PNG, JPEG, WebP, MP4, MOV, WebM, WAV, MP3 or M4A."
            ) from error
        raise
    return MediaFacts(
        kind="image",
        media_type=facts.media_type,
        size_bytes=facts.size_bytes,
        width=facts.width,
        height=facts.height,
        alpha=facts.alpha,
        mode=facts.mode,
    )


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
            mode=image.mode,
        )


def decodes(path: Path, data: bytes | None = None) -> None:
    """Decode the picture (its first frame), or all of the clip or sound, at `path`; forget it.

    `data` are its bytes where they are in hand.

    Raises:
        InputError: as `probe_media`, or the file is truncated or damaged.
    """
    try:
        _decodes_image(path, data)
    except InputError:
        if container_of(path, data) is None:
            raise
        from providers.local.probe_moving import decodes_moving

        decodes_moving(path, data)


def _decodes_image(path: Path, data: bytes | None) -> None:
    with opened(path, data) as image:
        try:
            image.load()
        except OSError as error:
            raise InputError(
                f"'{path}' is damaged or cut short: {error}. Give the whole file again."
            ) from error
