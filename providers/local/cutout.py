"""Background removal without a model: find the subject, cut it out, keep its edge soft.

The hard mask is found here at a small size; `saliency` says where to look, GrabCut decides by
colour, and `matting` gives the mask graded edges and clean colours at full size.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from providers.local.matting import soften
from providers.local.saliency import small_lab, subject_likelihood
from providers.local.solids import Floats

Bytes = NDArray[np.uint8]

_SIDE = 400  # pixels of the long side at which the subject is found
_EDGE_SIDE = 1400  # and at which its edges are worked out
_LEAST, _MOST = 0.004, 0.93  # shares of the picture that a believable subject covers


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


def subject_mask(rgb: Bytes) -> Bytes:
    """Return 1 on the subject and 0 elsewhere, at most _SIDE pixels on the long side."""
    height, width = rgb.shape[:2]
    ratio = min(1.0, _SIDE / max(height, width))
    size = (max(1, round(width * ratio)), max(1, round(height * ratio)))
    small = np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)
    smooth = np.asarray(cv2.bilateralFilter(small, 5, 30, 5), np.uint8)
    lab = small_lab(smooth)
    likely = subject_likelihood(lab)
    mask = _grab(smooth, _seeds(likely))
    if not _LEAST <= float(mask.mean()) <= _MOST:
        mask = _grab(smooth, _middle_seeds(size))
    return tidy(mask)


def _seeds(likely: Floats) -> Bytes:
    """Return GrabCut's first guess from the likelihood of each pixel."""
    scaled = np.clip(likely / max(float(np.percentile(likely, 98)), 1e-6), 0, 1)
    cut, _ = cv2.threshold((scaled * 255).astype(np.uint8), 0, 255, cv2.THRESH_OTSU)
    level = min(max(cut / 255, 0.2), 0.6)
    seeds = np.where(scaled > level, cv2.GC_PR_FGD, cv2.GC_PR_BGD)
    seeds = np.where(scaled > 0.5 + level / 2, cv2.GC_FGD, seeds)
    seeds = np.where(scaled < 0.25 * level, cv2.GC_BGD, seeds)
    return seeds.astype(np.uint8)


def _middle_seeds(size: tuple[int, int]) -> Bytes:
    """Return a first guess that takes the middle of the picture for the subject."""
    width, height = size
    rows, columns = np.mgrid[0:height, 0:width]
    away = np.hypot((rows + 0.5) / height - 0.5, (columns + 0.5) / width - 0.5) * 2
    seeds = np.where(away < 0.75, cv2.GC_PR_FGD, cv2.GC_PR_BGD)
    seeds = np.where(away < 0.25, cv2.GC_FGD, seeds)
    return np.where(away > 1.1, cv2.GC_BGD, seeds).astype(np.uint8)


def _grab(rgb: Bytes, seeds: Bytes, rounds: int = 4) -> Bytes:
    mask = seeds.copy()
    has_both = (mask == cv2.GC_BGD).any() or (mask == cv2.GC_PR_BGD).any()
    if not (has_both and ((mask == cv2.GC_FGD).any() or (mask == cv2.GC_PR_FGD).any())):
        return (mask & 1).astype(np.uint8)
    cv2.setRNGSeed(0)  # of this thread: GrabCut's first clusters are drawn by chance
    empty = np.zeros((1, 65), np.float64)
    cv2.grabCut(rgb, mask, None, empty, empty.copy(), rounds, cv2.GC_INIT_WITH_MASK)
    return (mask & 1).astype(np.uint8)  # FGD is 1 and PR_FGD is 3


def tidy(mask: Bytes) -> Bytes:
    """Return the mask without specks and pinholes, the significant pieces kept."""
    kernel = np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (3, 3)), np.uint8)
    closed = np.asarray(cv2.morphologyEx(mask, cv2.MORPH_CLOSE, kernel), np.uint8)
    kept = _pieces(closed, 0.06)
    holes = 1 - kept
    return (1 - _pieces(holes, 0.0015, of=mask.size)).astype(np.uint8)


def _pieces(mask: Bytes, share: float, of: int | None = None) -> Bytes:
    """Return the connected pieces that are at least `share` of the largest, or of `of` pixels."""
    count, labels, facts, _ = cv2.connectedComponentsWithStats(mask, connectivity=4)
    areas = facts[:, cv2.CC_STAT_AREA].copy()
    areas[0] = 0
    if count < 2:
        return mask
    keep = areas >= share * (of or int(areas.max()))
    keep[0] = False
    return keep[labels].astype(np.uint8)
