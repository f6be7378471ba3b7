"""Background removal without a model: find the subject, cut it out, keep its edge soft.

`segment` finds the subject at a small size; `matting` gives it graded edges and clean colours at
full size. Here the two are put together, and the alpha that a picture may already have.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

from providers.local.matting import soften
from providers.local.segment import subject_mask

_EDGE_SIDE = 1400  # pixels of the long side at which edges are worked out


def remove_background(image: Image.Image) -> Image.Image:
    """Return `image` as RGBA of the same size with its backdrop transparent.

    Alpha is 0 on clear backdrop, 255 on clear subject and graded on the edge between; colours on
    the edge are freed of the backdrop's. An alpha that the picture already has is multiplied in.
    Where no subject stands out, what is in the middle is taken for it, so that the result is
    never empty. The same pixels always give the same result.
    """
    given = image.getchannel("A") if image.mode == "RGBA" else None
    rgb = np.asarray(_opaque(image), np.uint8)
    mask = subject_mask(rgb)
    result = soften(rgb, mask, _EDGE_SIDE)
    if given is not None:
        both = result[:, :, 3].astype(np.uint16) * np.asarray(given, np.uint16)
        result[:, :, 3] = ((both + 127) // 255).astype(np.uint8)
    return Image.fromarray(result)


def _opaque(image: Image.Image) -> Image.Image:
    """Return `image` as RGB, what is transparent laid on white: else stray colours show."""
    if image.mode != "RGBA":
        return image.convert("RGB")
    white = Image.new("RGBA", image.size, (255, 255, 255, 255))
    return Image.alpha_composite(white, image).convert("RGB")
