"""Plain pictures: a shaded ball on a backdrop, made once per size and marked per request.

For runs in which the pictures do not matter and the machine's time does. A cut-out is the same
ball on nothing, whatever picture went in. `marks` gives every request bytes of its own.
"""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

BUCKETS = 6  # differently coloured balls; more would only cost time
_HUES = ("#b5483a", "#2f6690", "#3f7d5a", "#d59b2d", "#76569a", "#2b7d7e")
_DRAWN_SIDE = 256  # pixels of the long side; a larger one is this, enlarged


def plain_picture(bucket: int, width: int, height: int, cut_out: bool) -> Image.Image:
    """Return the ball of that bucket, RGBA with nothing around it for a cut-out."""
    small = min(1.0, _DRAWN_SIDE / max(width, height))
    drawn = _ball(bucket, max(2, round(width * small)), max(2, round(height * small)), cut_out)
    return drawn.resize((width, height), Image.Resampling.BILINEAR)


def _ball(bucket: int, width: int, height: int, cut_out: bool) -> Image.Image:
    down, across = np.ogrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    side = min(width, height)
    distance = np.sqrt((across * width / side) ** 2 + (down * height / side) ** 2) / 0.62
    colour = np.array([int(_HUES[bucket % BUCKETS][at : at + 2], 16) for at in (1, 3, 5)])
    light = np.clip(1.15 - 0.45 * (across + 0.4) ** 2 - 0.5 * (down + 0.5) ** 2, 0.35, 1.15)
    paper = 205 + 30 * down + 6 * across
    inside = np.clip((1 - distance) * side / 4 + 0.5, 0, 1)[:, :, None]
    ball = colour[None, None, :] * light[:, :, None]
    if cut_out:
        pixels = np.dstack([np.clip(ball, 0, 255), inside * 255])
    else:
        pixels = np.clip(ball * inside + paper[:, :, None] * (1 - inside), 0, 255)
    return Image.fromarray(pixels.astype(np.uint8))


def encoded(image: Image.Image, format_name: str) -> bytes:
    """Return `image` as a PNG, JPEG, WebP or GIF file."""
    buffer = io.BytesIO()
    if format_name == "JPEG":
        image = image.convert("RGB")
    options = {"compress_level": 1} if format_name == "PNG" else {}
    image.save(buffer, format=format_name, **options)
    return buffer.getvalue()
