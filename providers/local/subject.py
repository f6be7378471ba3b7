"""Where the subject of a picture is, and pictures framed by it: trimmed and centred, or reframed.

A cut-out says by its alpha where its subject is; of other pictures `segment` tells. Nothing here is
ever stretched.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from PIL import Image

from providers.errors import InputError
from providers.local.arrays import Bytes
from providers.local.edit import MAX_PIXELS, flatten, pad, parse_aspect, parse_colour, resize
from providers.local.segment import subject_mask

_SMALL = 500  # pixels of the long side at which specks are told from the subject
_SEEN = 24  # alpha from which a pixel counts as something
_SPECK = 0.002  # of the largest piece's area: dust that a model has left
_LARGEST_SCALE = 4.0  # a subject that is enlarged more than this is no picture any more


@dataclass(frozen=True, slots=True)
class Box:
    """A part of a picture in pixels; right and lower edges are not in it."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        """Pixels across."""
        return self.right - self.left

    @property
    def height(self) -> int:
        """Pixels down."""
        return self.bottom - self.top

    def with_margin(self, share: float, size: tuple[int, int]) -> Box:
        """Return the box with so much more of its longer side all around, inside `size`."""
        more = round(share * max(self.width, self.height))
        return Box(
            max(0, self.left - more),
            max(0, self.top - more),
            min(size[0], self.right + more),
            min(size[1], self.bottom + more),
        )


def centre(
    cutout: Image.Image,
    aspect: str = "1:1",
    width: int | None = None,
    margin: float = 0.08,
    background: str | None = None,
) -> Image.Image:
    """Return the subject of a cut-out in the middle of a canvas, with a margin all around.

    Without `width` the subject keeps its pixels; with it the canvas is that wide and the subject
    is scaled to fill it. `margin` is the share of the canvas's shorter side that stays free on
    each side. Without a background the result is RGBA, with one RGB.

    Raises:
        InputError: the picture is no cut-out, nothing is left in it, or the subject is too small.
    """
    colour = background or "transparent"
    parse_colour(colour, "centre")
    box = cutout_box(cutout)
    subject = cutout.crop((box.left, box.top, box.right, box.bottom))
    canvas, scale = _canvas(box, parse_aspect(aspect, "centre"), width, margin)
    if scale > _LARGEST_SCALE:
        raise InputError(
            f"centre: the subject is {box.width}x{box.height} pixels, too small for a picture of"
            f" {canvas[0]}x{canvas[1]}. Ask for a smaller one, or give a larger picture."
        )
    if scale != 1:
        sides = (max(1, round(side * scale)) for side in subject.size)
        subject = resize(subject, *sides)
    return pad(subject, width=canvas[0], height=canvas[1], colour=colour)


def _canvas(
    box: Box, ratio: float, width: int | None, margin: float
) -> tuple[tuple[int, int], float]:
    """Return the size of the canvas, and how many times the subject is enlarged for it."""
    free = 2 * margin * min(ratio, 1.0)  # of the canvas's height
    if width is None:
        high = max(box.width / (ratio - free), box.height / (1 - free))
        canvas = max(1, round(high * ratio)), max(1, round(high))
        if canvas[0] * canvas[1] > MAX_PIXELS:
            raise InputError("centre: the picture would be too large. Give a width.")
        return canvas, 1.0
    canvas = width, max(1, round(width / ratio))
    inside = (canvas[1] * (ratio - free), canvas[1] * (1 - free))
    return canvas, min(inside[0] / box.width, inside[1] / box.height)


def cutout_box(cutout: Image.Image) -> Box:
    """Return the box around what can be seen of a cut-out; specks do not count.

    Raises:
        InputError: it has no alpha, all of it can be seen, or nothing.
    """
    if cutout.mode != "RGBA":
        raise InputError("centre: the picture has no transparency. Cut its subject out first.")
    alpha = np.asarray(cutout.getchannel("A"), np.uint8)
    if not (alpha > _SEEN).any():
        raise InputError("nothing is left of the picture: no subject was found in it.")
    if int(alpha.min()) > 255 - _SEEN:
        raise InputError("nothing was cut out of the picture: no subject stands out in it.")
    return _box_of((alpha > _SEEN).astype(np.uint8))


def subject_box(image: Image.Image) -> Box:
    """Return the box around the subject: what alpha leaves, else what stands out.

    Where nothing stands out it is in the middle.
    """
    if image.mode == "RGBA":
        alpha = np.asarray(image.getchannel("A"), np.uint8)
        if (alpha > _SEEN).any() and int(alpha.min()) <= 255 - _SEEN:
            return _box_of((alpha > _SEEN).astype(np.uint8))
    mask = subject_mask(np.asarray(flatten(image), np.uint8))
    return _scaled(_box_of(mask), mask.shape, image.size)


def _box_of(mask: Bytes) -> Box:
    """Return the box around a mask's pieces, specks left out; it is never empty."""
    height, width = mask.shape
    ratio = min(1.0, _SMALL / max(height, width))
    size = (max(1, round(width * ratio)), max(1, round(height * ratio)))
    small = (np.asarray(cv2.resize(mask * 255, size, interpolation=cv2.INTER_AREA)) > 0) * 1
    _, names, facts, _ = cv2.connectedComponentsWithStats(small.astype(np.uint8), connectivity=8)
    areas = np.asarray(facts)[1:, cv2.CC_STAT_AREA]
    kept = np.flatnonzero(areas >= _SPECK * areas.max()) + 1
    rows, columns = np.nonzero(np.isin(np.asarray(names), kept))
    rough = Box(int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1)
    near = _scaled(rough, small.shape, (width, height))
    rows, columns = np.nonzero(mask[near.top : near.bottom, near.left : near.right])
    return Box(
        near.left + int(columns.min()),
        near.top + int(rows.min()),
        near.left + int(columns.max()) + 1,
        near.top + int(rows.max()) + 1,
    )


def _scaled(box: Box, shape: tuple[int, ...], size: tuple[int, int]) -> Box:
    """Return a box of a small picture in the pixels of a large one, rounded outwards."""
    across, down = size[0] / shape[1], size[1] / shape[0]
    return Box(
        int(box.left * across),
        int(box.top * down),
        min(size[0], int(np.ceil(box.right * across))),
        min(size[1], int(np.ceil(box.bottom * down))),
    )
