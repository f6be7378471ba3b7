"""From a hard mask to a soft cut-out: graded edges that follow the picture, clean colours in them.

The alpha of an edge pixel is where its colour lies between the subject's and the backdrop's next
to it; a guided filter makes that follow the picture. Colours at the edge are then freed of the
backdrop (after Forte, "Approximate Fast Foreground Colour Estimation", ICIP 2021).
"""

from __future__ import annotations

import cv2
import numpy as np

from providers.local.arrays import Bytes, Floats

_ROWS = 256  # full-size work goes in strips, so that 80 million pixels need no 80 million floats


def soften(rgb: Bytes, mask: Bytes, side: int) -> Bytes:
    """Return the cut-out as RGBA bytes of the size of `rgb`.

    Args:
        rgb: the picture, 8 bit.
        mask: 1 on the subject, 0 elsewhere; of any size with the picture's shape.
        side: the longest side, in pixels, at which edges are worked out; above it they are
            carried over to the full picture by the guided filter's own coefficients.
    """
    height, width = rgb.shape[:2]
    ratio = min(1.0, side / max(height, width))
    size = (max(1, round(width * ratio)), max(1, round(height * ratio)))
    small = rgb if ratio == 1 else cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
    picture = small.astype(np.float32) / np.float32(255)
    hard = _enlarged(mask, size)
    radius = max(2, round(0.006 * max(size)))
    alpha, band = _edge_alpha(picture, hard, radius)
    slopes = _guided(picture, alpha, max(1, radius // 2), 2e-4)
    subject, backdrop = _edge_colours(picture, alpha, 3 * radius)
    result = np.empty((height, width, 4), np.uint8)
    for top in range(0, height, _ROWS):
        rows = slice(top, min(top + _ROWS, height))
        result[rows] = _strip(rgb, rows, (slopes, hard, band, subject, backdrop))
    return result


def _enlarged(mask: Bytes, size: tuple[int, int]) -> Floats:
    """Return the mask at another size, 0 or 1, its staircase rounded off."""
    if mask.shape[1::-1] == size:
        return mask.astype(np.float32)
    scale = max(1.0, size[0] / mask.shape[1])
    large = cv2.resize(mask.astype(np.float32), size, interpolation=cv2.INTER_LINEAR)
    smooth = cv2.GaussianBlur(large, (0, 0), 0.7 * scale)
    return (np.asarray(smooth) > 0.5).astype(np.float32)


def _disc(radius: int) -> Bytes:
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    return np.asarray(kernel, np.uint8)


def _blur(values: Floats, radius: int) -> Floats:
    return np.asarray(cv2.blur(values, (2 * radius + 1, 2 * radius + 1)), np.float32)


def _edge_alpha(picture: Floats, hard: Floats, radius: int) -> tuple[Floats, Floats]:
    """Return a first alpha, and the band around the edge (1) in which it may differ from 0, 1."""
    inside = cv2.erode(hard, _disc(radius))
    outside = cv2.erode(1 - hard, _disc(radius))
    band = 1 - np.maximum(np.asarray(inside), np.asarray(outside))
    core = np.asarray(cv2.erode(hard, _disc(1)), np.float32)
    around = np.asarray(outside, np.float32)
    subject, subject_known = _mean_near(picture, core, 2 * radius)
    backdrop, backdrop_known = _mean_near(picture, around, 2 * radius)
    line = subject - backdrop
    length = (line * line).sum(2)
    place = ((picture - backdrop) * line).sum(2) / np.maximum(length, 1e-5)
    trust = length / (length + 0.015) * (subject_known > 0.02) * (backdrop_known > 0.02)
    soft = np.asarray(cv2.GaussianBlur(hard, (0, 0), max(0.6, radius / 4)))
    # No pixel deep on one side may be carried over to the other by its colour alone.
    place = np.clip(place, np.maximum(0, 2 * soft - 1.15), np.minimum(1, 2 * soft + 0.15))
    alpha = trust * place + (1 - trust) * soft
    return np.where(band > 0, alpha, hard).astype(np.float32), band.astype(np.float32)


def _mean_near(picture: Floats, known: Floats, radius: int) -> tuple[Floats, Floats]:
    """Return the mean colour of known pixels around each pixel, and how many there are, 0 to 1."""
    share = _blur(known, radius)
    total = _blur(picture * known[:, :, None], radius)
    return (total / np.maximum(share, 1e-4)[:, :, None]).astype(np.float32), share


def _guided(picture: Floats, alpha: Floats, radius: int, epsilon: float) -> Floats:
    """Return the four coefficients per pixel that give alpha as a line in the picture's colours.

    He, Sun and Tang, "Guided Image Filtering", with the colour guide; coefficients are averaged
    over windows, so that they can be enlarged and applied to the full picture.
    """
    mean, mean_alpha = _blur(picture, radius), _blur(alpha, radius)
    covariance = _blur(picture * alpha[:, :, None], radius) - mean * mean_alpha[:, :, None]
    variance = np.empty((*alpha.shape, 3, 3), np.float32)
    for first in range(3):
        for second in range(first, 3):
            both = _blur(picture[:, :, first] * picture[:, :, second], radius)
            value = both - mean[:, :, first] * mean[:, :, second]
            variance[:, :, first, second] = variance[:, :, second, first] = value
    slope = _solved(variance, covariance, epsilon)
    offset = mean_alpha - (slope * mean).sum(2)
    return _blur(np.dstack([slope, offset]).astype(np.float32), radius)


def _solved(variance: Floats, covariance: Floats, epsilon: float) -> Floats:
    """Return inverse(variance + epsilon) times covariance for each pixel, by Cramer's rule."""
    a, b, c = (variance[:, :, 0, k] for k in range(3))
    d, e, f = variance[:, :, 1, 1], variance[:, :, 1, 2], variance[:, :, 2, 2]
    a, d, f = a + epsilon, d + epsilon, f + epsilon
    x, y, z = (covariance[:, :, k] for k in range(3))
    one, two, three = d * f - e * e, c * e - b * f, b * e - c * d
    whole = np.maximum(a * one + b * two + c * three, 1e-14)
    first = one * x + two * y + three * z
    second = two * x + (a * f - c * c) * y + (b * c - a * e) * z
    third = three * x + (b * c - a * e) * y + (a * d - b * b) * z
    result: Floats = np.dstack([first, second, third]) / whole[:, :, None]
    return result


def _edge_colours(picture: Floats, alpha: Floats, radius: int) -> tuple[Floats, Floats]:
    """Return the subject's and the backdrop's colour around each pixel, weighted by alpha."""
    subject, _ = _mean_near(picture, alpha * alpha, radius)
    backdrop, _ = _mean_near(picture, np.square(1 - alpha), radius)
    return subject, backdrop


def _strip(rgb: Bytes, rows: slice, maps: tuple[Floats, ...]) -> Bytes:
    """Return RGBA bytes for some rows of the full picture from the maps of the smaller one."""
    height, width = rgb.shape[:2]
    slopes, hard, band, subject, backdrop = (_rows(part, rows, height, width) for part in maps)
    colour = rgb[rows].astype(np.float32) / np.float32(255)
    line = (slopes[:, :, :3] * colour).sum(2) + slopes[:, :, 3]
    alpha = np.where(band > 0.01, np.clip((line - 0.06) / 0.88, 0, 1), hard > 0.5)
    alpha = alpha.astype(np.float32)
    weight = alpha[:, :, None]
    clean = subject + weight * (colour - weight * subject - (1 - weight) * backdrop)
    clean = np.where(weight >= 1, colour, np.clip(clean, 0, 1))
    clean = np.where(weight > 0, clean, 0)
    whole = np.dstack([clean, weight]) * np.float32(255)
    return np.rint(whole).astype(np.uint8)


def _rows(part: Floats, rows: slice, height: int, width: int) -> Floats:
    """Return the given rows of `part` as if it were enlarged to `height` x `width`, bilinearly."""
    if part.shape[:2] == (height, width):
        return part[rows]
    down, across = part.shape[0] / height, part.shape[1] / width
    y = (np.arange(rows.start, rows.stop, dtype=np.float32) + 0.5) * down - 0.5
    x = (np.arange(width, dtype=np.float32) + 0.5) * across - 0.5
    map_x, map_y = np.meshgrid(x, y)
    large = cv2.remap(part, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(large, np.float32)
