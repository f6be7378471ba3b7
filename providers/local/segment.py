"""Which pixels are the subject: several guesses, each carried through by GrabCut, the best kept.

One guess follows what stands out from the border, others the middle of the picture. What they
become is judged by what a person would look for: an outline on edges, colours unlike those around
it, one compact thing in the middle. Works at a small size; `matting` does the edges.
"""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np

from providers.local.arrays import Bytes, Flags, Floats
from providers.local.mending import (
    made_whole,
    pieces,
    slope,
    thin_parts,
    tidy,
    without_shadow,
)
from providers.local.saliency import small_lab, subject_likelihood

_SIDE = 400  # pixels of the long side of the mask
_GUESS_SIDE = 200  # and of the guesses, of which there are up to four
_LEAST, _MOST = 0.003, 0.95  # shares of the picture that a believable subject covers
_CONVINCING = 1.0  # a score from which no further guess is tried


def subject_mask(rgb: Bytes) -> Bytes:
    """Return 1 on the subject and 0 elsewhere, at most _SIDE pixels on the long side.

    Never empty: where no guess is believable, the middle of the picture is the subject.
    """
    picture = np.asarray(cv2.bilateralFilter(_fitted(rgb, _SIDE), 5, 30, 5), np.uint8)
    likely = subject_likelihood(small_lab(picture))
    small = _fitted(picture, _GUESS_SIDE)
    size = (small.shape[1], small.shape[0])
    small_likely = np.asarray(cv2.resize(likely, size, interpolation=cv2.INTER_AREA), np.float32)
    best = made_whole(small, _best_guess(small, small_likely))
    mask = tidy(picture, _refined(picture, best, likely))
    mask = without_shadow(picture, made_whole(picture, mask))
    if not _LEAST <= float(mask.mean()) <= _MOST:
        mask = _middle(picture.shape[0], picture.shape[1])
    return mask


def _fitted(rgb: Bytes, side: int) -> Bytes:
    height, width = rgb.shape[:2]
    ratio = min(1.0, side / max(height, width))
    size = (max(1, round(width * ratio)), max(1, round(height * ratio)))
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)


def _middle(height: int, width: int) -> Bytes:
    return (_off_centre(height, width) < 0.7).astype(np.uint8)


def _off_centre(height: int, width: int) -> Floats:
    """Return 0 in the middle and 1 in the middle of each border."""
    rows, columns = np.mgrid[0:height, 0:width]
    away = np.hypot((rows + 0.5) / height * 2 - 1.04, (columns + 0.5) / width * 2 - 1)
    return np.asarray(away, np.float32)


def _best_guess(rgb: Bytes, likely: Floats) -> Bytes:
    """Return the mask that the most convincing guess has become."""
    lab = small_lab(rgb)
    best, best_score = _middle(*rgb.shape[:2]), 0.0
    for seeds in _guesses(likely):
        mask = tidy(rgb, _grab(rgb, seeds, 3))
        score = _score(lab, mask)
        if score > best_score:
            best, best_score = mask, score
        if score > _CONVINCING:
            break
    return best


def _guesses(likely: Floats) -> Iterator[Bytes]:
    """Give GrabCut's first labels for each guess, the one that is most often right first."""
    scaled = np.clip(likely / max(float(np.percentile(likely, 98)), 1e-6), 0, 1)
    cut, _ = cv2.threshold((scaled * 255).astype(np.uint8), 0, 255, cv2.THRESH_OTSU)
    level = min(max(cut / 255, 0.2), 0.6)
    yield _labels(scaled > level, sure=scaled > 0.5 + level / 2, never=scaled < 0.25 * level)
    away = _off_centre(*likely.shape)
    frame = np.ones(likely.shape, np.bool_)
    edge = max(2, round(0.025 * max(likely.shape)))
    frame[edge:, edge:-edge] = False
    yield _labels(~frame, sure=np.zeros_like(frame), never=frame)
    yield _labels(away < 0.8, sure=away < 0.3, never=away > 1.15)
    yield _labels(scaled > 0.15, sure=away < 0.15, never=scaled < 0.04)


def _labels(probable: Flags, *, sure: Flags, never: Flags) -> Bytes:
    labels = np.where(probable, cv2.GC_PR_FGD, cv2.GC_PR_BGD)
    labels = np.where(never, cv2.GC_BGD, labels)
    return np.where(sure, cv2.GC_FGD, labels).astype(np.uint8)


def _grab(rgb: Bytes, labels: Bytes, rounds: int) -> Bytes:
    """Return GrabCut's answer, 0 or 1, to first labels; those themselves where one side is empty."""
    subject = (labels & 1).astype(np.uint8)  # FGD is 1 and PR_FGD is 3
    if subject.all() or not subject.any():
        return subject
    mask = labels.copy()
    cv2.setRNGSeed(0)  # of this thread: GrabCut's first clusters are drawn by chance
    models = np.zeros((1, 65), np.float64), np.zeros((1, 65), np.float64)
    cv2.grabCut(rgb, mask, (0, 0, 1, 1), *models, rounds, cv2.GC_INIT_WITH_MASK)
    return (mask & 1).astype(np.uint8)


def _score(lab: Floats, mask: Bytes) -> float:
    """Return how much a mask looks like a subject's: about 1 is convincing, 0 unbelievable."""
    area = float(mask.mean())
    if not _LEAST <= area <= _MOST:
        return 0.0
    outline = np.asarray(cv2.dilate(mask, np.ones((3, 3), np.uint8))) > mask
    free = outline.copy()
    free[:2] = free[-2:] = free[:, :2] = free[:, -2:] = False
    steep = slope(lab)
    on_edge = (
        float(np.asarray(cv2.dilate(steep, np.ones((3, 3), np.uint8)))[free].mean())
        if (free.any())
        else 0.0
    )
    on_edge /= float(steep.mean() + steep.std() / 2) + 1e-6
    compact = 4 * np.pi * float(mask.sum()) / max(1, int(outline.sum())) ** 2
    held = (mask[0].mean() + mask[:, 0].mean() + mask[:, -1].mean() + 0.3 * mask[-1].mean()) / 3.3
    rows, columns = np.nonzero(mask)
    off = (rows.mean() / mask.shape[0] - 0.5) ** 2 + (columns.mean() / mask.shape[1] - 0.5) ** 2
    central = float(np.exp(-off / (2 * 0.2**2)))
    size = min(1.0, area / 0.2) ** 0.3
    apart = _apart(lab, mask) ** 1.2
    whole = float(pieces(mask, 1.0).sum()) / float(mask.sum())
    shape = (1 - held) ** 2 * central * size * whole * min(1.0, compact) ** 0.25
    return float(on_edge**0.7 * apart * shape)


def _apart(lab: Floats, mask: Bytes) -> float:
    """Return how unlike the colours inside are to those around, 0 to 1 (Bhattacharyya)."""
    reach = 2 * round(0.1 * max(mask.shape)) + 1
    around = np.asarray(cv2.dilate(mask, np.ones((reach, reach), np.uint8))) > mask
    scale = np.array([100, 128, 128], np.float32) / 8
    cells = np.clip((lab + np.array([0, 64, 64], np.float32)) / scale, 0, 7).astype(np.intp)
    cell = cells[:, :, 0] * 64 + cells[:, :, 1] * 8 + cells[:, :, 2]
    inside = np.bincount(cell[mask > 0], minlength=512) / max(1, int(mask.sum()))
    outside = np.bincount(cell[around], minlength=512) / max(1, int(around.sum()))
    return 1 - float(np.sqrt(inside * outside).sum())


def _refined(rgb: Bytes, guess: Bytes, likely: Floats) -> Bytes:
    """Return the guess at the size of `rgb`, its outline decided anew, thin parts looked for."""
    size = (rgb.shape[1], rgb.shape[0])
    large = np.asarray(cv2.resize(guess, size, interpolation=cv2.INTER_NEAREST), np.uint8)
    reach = max(3, round(0.03 * max(size)))
    kernel = np.asarray(
        cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1)), np.uint8
    )
    inside = np.asarray(cv2.erode(large, kernel)) > 0
    outside = np.asarray(cv2.dilate(large, kernel)) == 0
    thin = thin_parts(rgb, large)
    labels = _labels(
        (large > 0) | thin,
        sure=inside & (likely > 0.02),
        never=outside & (likely < 0.4) & ~thin,
    )
    return _grab(rgb, labels, 2)
