"""Continue a picture beyond its edges: what its border shows goes on, softer with every pixel.

Made for backdrops: paper, a wall, a table, the sky. It invents nothing; a thing that is cut by the
edge becomes a soft streak.
"""

from __future__ import annotations

import cv2
import numpy as np
from PIL import Image

from providers.local.arrays import Floats

_SEAM = 0.09  # of a side: how far inside the edge the continuation begins to show
# In the outer half of that only the continuation is seen: scanners, lenses and labels leave marks
# along the edges, and they would be drawn out over the whole of it.
_LEVELS = 12  # of softness; what lies between two of them is mixed


def continued(
    image: Image.Image,
    sides: tuple[int, int, int, int],
    free: tuple[int, int, int, int] | None = None,
) -> Image.Image:
    """Return `image` larger by so many pixels on the left, top, right and bottom.

    `free` says how many pixels inside each edge may be mixed with the continuation, so that no
    seam shows; none are where the subject stands. The same pixels always give the same result.
    """
    pixels = np.asarray(image, np.float32)
    left, top, right, bottom = sides
    room = free or (image.width, image.height, image.width, image.height)
    pixels = _below(pixels, bottom, room[3])
    pixels = _below(pixels[::-1], top, room[1])[::-1]
    across = pixels.transpose(1, 0, 2)
    across = _below(across, right, room[2])
    across = _below(across[::-1], left, room[0])[::-1]
    whole = np.rint(np.clip(across.transpose(1, 0, 2), 0, 255)).astype(np.uint8)
    return Image.fromarray(np.ascontiguousarray(whole))


def _below(pixels: Floats, more: int, room: int) -> Floats:
    """Return the picture with so many more rows at its lower edge."""
    if more < 1:
        return pixels
    height, width = pixels.shape[:2]
    seam = max(0, min(room, round(_SEAM * height), height - 2))
    rows = _soft_rows(_row(pixels, height - seam), seam + more)
    rows += _trend(pixels, height - seam, room - seam, seam + more)
    rows[:, :, :3] += _grain(pixels, rows.shape[:2])[:, :, None]
    result = np.concatenate([pixels, rows[seam:]])
    if seam:
        step = np.minimum((np.arange(seam, dtype=np.float32) + 0.5) / seam * 2, 1)[:, None, None]
        share = step * step * (3 - 2 * step)
        mixed = (1 - share) * pixels[height - seam :] + share * rows[:seam]
        result[height - seam : height] = mixed
    return np.asarray(result, np.float32)


def _row(pixels: Floats, end: int) -> Floats:
    """Return what the picture shows just above a row, without its noise."""
    deep = max(1, round(0.012 * pixels.shape[0]))
    return np.asarray(np.median(pixels[max(0, end - deep) : end], axis=0), np.float32)


def _trend(pixels: Floats, end: int, room: int, count: int) -> Floats:
    """Return how light and colour go on changing below a row: as they did, and less and less.

    Without it a gradient would stop at the seam, and that shows as a band.
    """
    height, width = pixels.shape[:2]
    reach = min(room, round(_SEAM * height), end - 1)
    if reach < 0.03 * height:
        return np.zeros((count, 1, pixels.shape[2]), np.float32)
    step = (_row(pixels, end) - _row(pixels, end - reach))[None] / np.float32(reach)
    slope = cv2.GaussianBlur(step, (0, 0), width / 8, borderType=cv2.BORDER_REPLICATE)
    far = np.float32(2.5 * _SEAM * height)
    down = far * (1 - np.exp(-np.arange(count, dtype=np.float32) / far))
    return np.asarray(down[:, None, None] * slope, np.float32)


def _soft_rows(row: Floats, count: int) -> Floats:
    """Return `row` again and again, each time a little softer."""
    width = row.shape[0]
    widest = max(2.0, width / 5)
    spreads = np.geomspace(1.0, widest, _LEVELS)
    line = row[None]
    soft = np.stack(
        [
            cv2.GaussianBlur(line, (0, 0), float(spread), borderType=cv2.BORDER_REPLICATE)[0]
            for spread in spreads
        ]
    )
    # A point as far out as the picture is wide is as soft as can be.
    spread = np.clip(1 + np.arange(count, dtype=np.float32) * np.float32(0.25), 1, widest)
    place = np.log(spread) / np.log(widest) * (_LEVELS - 1)
    low = np.minimum(place.astype(np.intp), _LEVELS - 2)
    share = (place - low).astype(np.float32)[:, None, None]
    return np.asarray((1 - share) * soft[low] + share * soft[low + 1], np.float32)


def _grain(pixels: Floats, shape: tuple[int, int]) -> Floats:
    """Return noise as strong as the picture's own: smooth rows beside a grainy picture look cut."""
    step = pixels[1:, :, :3].mean(2) - pixels[:-1, :, :3].mean(2)
    strength = float(np.median(np.abs(step))) / 0.6745 / 2**0.5
    chance = np.random.default_rng(0)
    noise = chance.standard_normal(shape, dtype=np.float32) * np.float32(min(strength, 8.0))
    return np.asarray(noise, np.float32)
