"""Cut the edges of a result to the aspect ratio that was asked for, without loss where it can be.

One vendor's 16:9 is 1344x768, another's 1248x704. The next model, or the person who asked, wants
16:9: what is cut is at most a few pixels a side, and the vendor's own bytes stay in the store.
Clips are in `crop_clip`, since FFmpeg takes long to load.
"""

from __future__ import annotations

import io
from pathlib import Path

from providers.local.image import opened


def cropped_picture(path: Path, size: tuple[int, int]) -> bytes:
    """Return the middle of the picture, written in its own format."""
    with opened(path) as image:
        left, top = (image.width - size[0]) // 2, (image.height - size[1]) // 2
        part = image.crop((left, top, left + size[0], top + size[1]))
        buffer = io.BytesIO()
        form = image.format or "PNG"
        if form == "JPEG":
            part.save(buffer, form, quality=95, subsampling=0)
        else:
            part.save(buffer, form, **({"lossless": True} if form == "WEBP" else {}))
    return buffer.getvalue()
