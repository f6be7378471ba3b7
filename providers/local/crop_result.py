"""Cut the edges of a result to the aspect ratio that was asked for, without loss where it can be.

One vendor's 16:9 is 1344x768, another's 1248x704. The next model, or the person who asked, wants
16:9: what is cut is at most a few pixels a side, and the vendor's own bytes stay in the store.
Clips are in `crop_clip`, since FFmpeg takes long to load.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from providers.local.image import opened


def cropped_picture(path: Path, size: tuple[int, int]) -> bytes:
    """Return the middle of the picture, written in its own format."""
    with opened(path) as image:
        left, top = (image.width - size[0]) // 2, (image.height - size[1]) // 2
        part = image.crop((left, top, left + size[0], top + size[1]))
        buffer = io.BytesIO()
        form = image.format or "PNG"
        part.save(buffer, form, **_as_it_was(image, form))
    return buffer.getvalue()


def _as_it_was(image: Image.Image, form: str) -> dict[str, Any]:
    """Return how the part is saved: without loss where the format can, and with what was said in it.

    Pillow drops the colour profile of a JPEG and the texts of a PNG, and keeps the rest by itself.
    """
    if form == "JPEG":
        profile = image.info.get("icc_profile")
        return {"quality": 95, "subsampling": 0, "icc_profile": profile}
    if form == "WEBP":
        return {"lossless": True}
    texts = PngInfo()
    for name, text in getattr(image, "text", {}).items():
        texts.add_text(name, text)
    return {"pnginfo": texts}
