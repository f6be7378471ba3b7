"""An honest stand-in for an image-to-video model: a picture that is slowly moved into."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import cv2
import numpy as np
from av.video.frame import VideoFrame
from PIL import Image

from providers.errors import InputError
from providers.local.arrays import Bytes
from providers.local.clip_file import even_size, write_clip
from providers.local.edit import flatten, resize
from providers.local.label import labelled, strip_of
from providers.local.sound import CLIP_RATE, Sound
from providers.local.upright import alike, from_rgb

LONGEST = 60.0  # seconds
_CLOSER = 0.15  # how much larger the middle is at the end than at the start


def clip_from_picture(
    image: Image.Image,
    seconds: float,
    width: int,
    height: int,
    fps: float = 24,
    with_sound: bool = False,
    end_image: Image.Image | None = None,
) -> bytes:
    """Return an MP4 that moves slowly into `image`, the same bytes for the same picture.

    With `end_image` it fades to that. The picture fills the frame, what does not fit is cut off, and a strip in the corner says that
    it is a stand-in. With sound, two quiet notes are heard.

    Raises:
        InputError: a side is odd, or `seconds` or `fps` is out of range.
    """
    size = even_size(width, height, "clip_from_picture")
    if not 0 < seconds <= LONGEST:
        raise InputError(f"clip_from_picture: {seconds:g} s is not above 0 and up to {LONGEST:g}.")
    if not 1 <= fps <= 120:
        raise InputError(f"clip_from_picture: {fps:g} frames a second is not from 1 to 120.")
    rate = Fraction(fps).limit_denominator(1001)
    count = max(1, round(seconds * rate))
    sound = _notes(count / rate) if with_sound else None
    end = None if end_image is None else _filling(end_image, size)
    return write_clip(_moving(_filling(image, size), end, count), rate, sound, fast=True)


def _filling(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Return the picture, opaque, at just this size: scaled to cover it, its middle kept."""
    whole = flatten(image) if image.mode == "RGBA" else image.convert("RGB")
    scale = max(size[0] / whole.width, size[1] / whole.height)
    wide, high = (max(side, round(own * scale)) for own, side in zip(whole.size, size, strict=True))
    whole = resize(whole, wide, high)
    left, top = (wide - size[0]) // 2, (high - size[1]) // 2
    return whole.crop((left, top, left + size[0], top + size[1]))


def _moving(picture: Image.Image, end: Image.Image | None, count: int) -> Iterator[VideoFrame]:
    """Give the frames; luma and colours are moved as they are coded, at half of RGB's cost."""
    still = from_rgb(np.asarray(picture))
    marked = from_rgb(np.asarray(labelled(picture, "clip", covering=True)))
    right, top = (round(place / 2) for place in strip_of(picture.size, "clip"))
    planes, marks = _planes(still), _planes(marked)
    ends = planes if end is None else _planes(from_rgb(np.asarray(end)))
    for number in range(count):
        share = number / max(1, count - 1)
        # An end picture is shown as it is: the camera is back when it has come.
        zoom = 1 + _CLOSER * (share if end is None else 2 * share * (1 - share))
        moved = []
        for plane, last, mark, half in zip(planes, ends, marks, (1, 2, 2), strict=True):
            shown = plane if end is None else _faded(plane, last, share)
            warped = _zoomed(shown, zoom)
            low, wide = top * 2 // half, right * 2 // half
            warped[low:, :wide] = mark[low:, :wide]
            moved.append(warped.reshape(-1))
        stacked = np.concatenate(moved).reshape(-1, still.width)
        yield alike(VideoFrame.from_ndarray(stacked, format="yuv420p"), still)


def _planes(frame: VideoFrame) -> list[Bytes]:
    whole = np.asarray(frame.to_ndarray(), np.uint8)
    shades = whole[frame.height :].reshape(2, frame.height // 2, frame.width // 2)
    return [whole[: frame.height], shades[0], shades[1]]


def _faded(first: Bytes, last: Bytes, share: float) -> Bytes:
    return np.asarray(cv2.addWeighted(first, 1 - share, last, share, 0), np.uint8)


def _zoomed(plane: Bytes, zoom: float) -> Bytes:
    height, width = plane.shape
    middle = ((width - 1) / 2, (height - 1) / 2)
    matrix = cv2.getRotationMatrix2D(middle, 0, zoom)
    warped = cv2.warpAffine(
        plane, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(warped, np.uint8)


def _notes(seconds: Fraction) -> Sound:
    """Return a quiet fifth that swells and fades, the same on both sides."""
    times = np.arange(round(seconds * CLIP_RATE)) / CLIP_RATE
    tone = sum(np.sin(2 * np.pi * pitch * times) for pitch in (220.0, 330.0))
    swell = np.sin(np.pi * times / float(seconds)) ** 0.5
    row = (0.04 * tone * swell).astype(np.float32)
    return Sound(np.stack([row, row]), CLIP_RATE)
