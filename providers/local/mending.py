"""Masks made good: specks dropped, gaps closed, thin parts found again, cast shadows taken off.

Each function takes a small picture and a mask of its size (1 on the subject) and gives a mask.
What the subject is at all is decided in `segment`.
"""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np

from providers.local.arrays import Bytes, Flags, Floats
from providers.local.saliency import small_lab

_SQUARE = np.ones((3, 3), np.uint8)


def slope(lab: Floats) -> Floats:
    """Return how steeply colour changes at each pixel."""
    smooth = np.asarray(cv2.GaussianBlur(lab, (0, 0), 1.0), np.float32)
    across = np.asarray(cv2.Sobel(smooth, cv2.CV_32F, 1, 0), np.float32)
    down = np.asarray(cv2.Sobel(smooth, cv2.CV_32F, 0, 1), np.float32)
    steep = np.einsum("ijk,ijk->ij", across, across) + np.einsum("ijk,ijk->ij", down, down)
    return np.asarray(np.sqrt(steep), np.float32)


def tidy(rgb: Bytes, mask: Bytes) -> Bytes:
    """Return the mask without specks, its pieces whole: holes stay only where backdrop shows."""
    kernel = np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (3, 3)), np.uint8)
    closed = np.asarray(cv2.morphologyEx(mask, cv2.MORPH_CLOSE, kernel), np.uint8)
    kept = pieces(closed, 0.06)
    count, names, facts, _ = cv2.connectedComponentsWithStats(1 - kept, connectivity=4)
    if count < 3 or not kept.any():
        return kept
    names = np.asarray(names)
    border = np.unique(np.concatenate([names[0], names[-1], names[:, 0], names[:, -1]]))
    like = _like_backdrop(rgb, np.isin(names, border) & (kept == 0))
    for name in range(1, count):
        if name in border:
            continue
        hole = names == name
        tiny = facts[name, cv2.CC_STAT_AREA] < 0.0008 * mask.size
        if tiny or float(like[hole].mean()) < 0.6:
            kept[hole] = 1
    return kept


def _like_backdrop(rgb: Bytes, backdrop: Flags) -> Flags:
    """Return which pixels have a colour that is common in the backdrop."""
    cells = (rgb >> 4).astype(np.intp)
    cell = cells[:, :, 0] * 256 + cells[:, :, 1] * 16 + cells[:, :, 2]
    counts = np.bincount(cell[backdrop], minlength=4096).reshape(16, 16, 16).astype(np.float32)
    # A colour near a common one counts too: light falls differently through a handle.
    for axis in range(3):
        padded = np.pad(counts, [(1, 1) if one == axis else (0, 0) for one in range(3)])
        counts = sum(  # type: ignore[assignment]
            np.take(padded, range(shift, shift + 16), axis) for shift in range(3)
        )
    common = counts.ravel() > 0.002 * max(1, int(backdrop.sum()))
    result: Flags = common[cell]
    return result


def pieces(mask: Bytes, share: float) -> Bytes:
    """Return the connected pieces that are at least `share` of the largest."""
    count, names, facts, _ = cv2.connectedComponentsWithStats(mask, connectivity=4)
    areas = np.asarray(facts)[:, cv2.CC_STAT_AREA].copy()
    areas[0] = 0
    keep = areas >= max(1, share * int(areas.max())) if count > 1 else np.zeros(1, np.bool_)
    return np.asarray(keep[np.asarray(names)], np.uint8)


def without_shadow(rgb: Bytes, mask: Bytes) -> Bytes:
    """Return the mask without the soft shadow that the subject casts on the backdrop.

    A shadow is the backdrop made darker in all channels alike, without a sharp edge towards it.
    """
    if not 0 < int(mask.sum()) < mask.size:
        return mask
    colour = rgb.astype(np.float32) + 4
    ratio = colour / np.maximum(_paper(colour, mask), 1)
    dim = ratio.mean(2)
    even = np.ptp(ratio, axis=2) < 0.05 + 0.25 * np.clip(1 - dim, 0, 0.4)
    soft = slope(small_lab(rgb)) < 14
    shade = (mask > 0) & even & soft & (dim > 0.4) & (dim < 1.04)
    kernel = np.ones((3, 3), np.uint8)
    open_ground = ((mask == 0) | shade).astype(np.uint8)
    ground = np.asarray(cv2.erode(open_ground, kernel), np.uint8)
    _, names = cv2.connectedComponents(ground, connectivity=4)
    names = np.asarray(names)
    reached = np.unique(names[(mask == 0) & (ground > 0)])
    shadow = np.isin(names, reached[reached > 0]).astype(np.uint8)
    shadow = np.asarray(cv2.dilate(shadow, kernel)) & shade.astype(np.uint8)
    rest = np.asarray(cv2.morphologyEx(mask & (1 - shadow), cv2.MORPH_OPEN, kernel), np.uint8)
    rest = tidy(rgb, pieces(rest, 0.06))
    # A subject as even as a shadow would be eaten up: then rather keep the shadow.
    return rest if float(rest.sum()) > 0.6 * float(mask.sum()) else mask


def thin_parts(rgb: Bytes, mask: Bytes) -> Flags:
    """Return what hangs on to the mask and is unlike a plain backdrop; nothing where that is busy.

    Handles, stems and the arms of spectacles are too thin for the guesses.
    """
    lab = small_lab(rgb)
    unlike = np.square((lab - _paper(lab, mask)) * np.array([0.6, 1, 1], np.float32)).sum(2) > 121
    if mask.all() or float(unlike[mask == 0].mean()) > 0.08:
        return np.zeros(mask.shape, np.bool_)
    both = (unlike | (mask > 0)).astype(np.uint8)
    _, found = cv2.connectedComponents(both, connectivity=8)
    names = np.asarray(found)
    result: Flags = np.isin(names, np.unique(names[mask > 0])) & unlike
    return result


def _paper(colour: Floats, mask: Bytes) -> Floats:
    """Return what the backdrop's colour would be at each pixel, from the backdrop around it."""
    free = np.asarray(cv2.erode(1 - mask, np.ones((5, 5), np.uint8)), np.float32)
    reach = 2 * round(0.16 * max(mask.shape)) + 1
    known = np.dstack([colour * free[:, :, None], free])
    for _ in range(2):  # two boxes are nearly a bell, at a tenth of its cost
        known = np.asarray(cv2.blur(known, (reach, reach)), np.float32)
    return np.asarray(known[:, :, :3] / (known[:, :, 3:] + 1e-3), np.float32)


def made_whole(rgb: Bytes, mask: Bytes) -> Bytes:
    """Return the mask with the gaps closed whose open sides lie on edges of the picture.

    A pale label on a bottle before pale paper is backdrop by its colour; that its sides go on
    where the bottle's end gives it away. A gap that is backdrop has no edge on its open side.
    """
    count = int(mask.sum())
    if not 0 < count < mask.size:
        return mask
    lab = small_lab(rgb)
    steep = np.asarray(cv2.dilate(slope(lab), np.ones((5, 5), np.uint8)), np.float32)
    whole = mask.copy()
    for hull in _hulls(mask):
        open_gaps = np.asarray(cv2.morphologyEx(hull & (1 - whole), cv2.MORPH_OPEN, _SQUARE))
        gaps, found = cv2.connectedComponents(open_gaps, connectivity=4)
        for name in range(1, gaps):
            core = (np.asarray(found) == name).astype(np.uint8)
            gap = np.asarray(cv2.dilate(core, _SQUARE), np.uint8) & hull & (1 - whole)
            if 0.001 * mask.size < gap.sum() < 1.2 * count and _is_subject(lab, steep, whole, gap):
                whole |= gap
    return np.asarray(cv2.morphologyEx(whole, cv2.MORPH_CLOSE, _SQUARE), np.uint8)


def _is_subject(lab: Floats, steep: Floats, mask: Bytes, gap: Bytes) -> bool:
    """Return whether the open sides of a gap lie on edges, with another colour beyond them."""
    ring = np.asarray(cv2.dilate(gap, _SQUARE)) > gap
    side = ring & (mask == 0)
    if not 0 < side.sum() < 0.5 * ring.sum():
        return False
    beyond = ((gap == 0) & (mask == 0)).astype(np.float32)
    outer = _mean_around(lab, beyond)
    change = (_mean_around(lab, gap.astype(np.float32)) - outer)[side]
    step = np.sqrt((change * change).sum(1))
    hue = np.hypot(change[:, 1], change[:, 2])
    if float(((change[:, 0] < 0) & (hue < 4 - 0.15 * change[:, 0])).mean()) > 0.8:
        return False  # darker and of the same hue: the shadow under a chair
    # Against a busy backdrop the step must be larger than those that the backdrop has itself.
    usual = np.sqrt(np.square(outer - np.roll(outer, 11, axis=1)).sum(2))[beyond > 0]
    enough = 4.0 + 2 * float(np.median(usual)) if usual.size else 4.0
    return float((steep[side] > 8).mean()) > 0.8 and float((step > enough).mean()) > 0.75


def _mean_around(lab: Floats, known: Floats) -> Floats:
    """Return the mean colour of known pixels within a few pixels of each."""
    weight = np.asarray(cv2.blur(known, (11, 11)))[:, :, None] + 1e-4
    return np.asarray(cv2.blur(lab * known[:, :, None], (11, 11)) / weight, np.float32)


def _hulls(mask: Bytes) -> Iterator[Bytes]:
    """Give the mask with its bays closed: first the narrow ones, then all that its hull spans."""
    for share in (0.05, 0.12):
        reach = max(2, round(share * max(mask.shape)))
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
        padded = np.pad(mask, reach)
        closed = cv2.morphologyEx(padded, cv2.MORPH_CLOSE, np.asarray(kernel, np.uint8))
        yield np.asarray(closed)[reach:-reach, reach:-reach].astype(np.uint8)
    rows, columns = np.nonzero(mask)
    points = np.stack([columns, rows], 1).astype(np.int32)
    hull = np.zeros_like(mask)
    cv2.fillConvexPoly(hull, np.asarray(cv2.convexHull(points), np.int32), 1)
    yield hull
