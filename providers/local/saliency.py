"""Where the subject of a photograph is, without a model: what the picture's border is not.

Robust background detection (Zhu, Liang, Wei, Sun, "Saliency Optimization from Robust Background
Detection", CVPR 2014): patches that hold on to the border are backdrop, patches unlike them and
unlike their surroundings are subject, and one least-squares problem weighs all of it at once.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from providers.local.arrays import Flags, Floats

Labels = NDArray[np.intp]

_PATCHES = 420  # enough to follow a mug's handle; all-pairs paths cost the cube of it
_COLOUR = 10.0  # Lab units within which two patches count as alike
_REACH = 0.4  # of the picture's side: how far contrast is felt


def subject_likelihood(lab: Floats) -> Floats:
    """Return, for each pixel of a small CIELAB picture (L 0 to 100), 0 backdrop to 1 subject."""
    patches = _patches(lab)
    count = int(patches.max()) + 1
    sizes = np.bincount(patches.ravel(), minlength=count)
    height, width = patches.shape
    rows, columns = np.mgrid[0:height, 0:width]
    colours = np.stack([_mean(patches, sizes, lab[:, :, band]) for band in range(3)], 1)
    places = np.stack(
        [_mean(patches, sizes, rows / height), _mean(patches, sizes, columns / width)], 1
    )
    unlike = _distances(np.column_stack([colours, _detail(lab, patches, count)]))
    touching = _touching(patches, count)
    backdrop = _backdrop_weight(unlike, touching, _border(patches, count))
    central = np.exp(-np.square(places - 0.5).sum(1) / (2 * 0.32**2))
    contrast = _contrast(unlike, _distances(places), backdrop) * (0.4 + 0.6 * central)
    likely = _optimised(unlike, touching, backdrop, contrast)
    result: Floats = likely[patches].astype(np.float32)
    return result


def _mean(
    patches: Labels, sizes: NDArray[np.intp], values: NDArray[np.floating]
) -> NDArray[np.float64]:
    total = np.bincount(patches.ravel(), values.ravel().astype(np.float64), minlength=sizes.size)
    result: NDArray[np.float64] = total / np.maximum(sizes, 1)
    return result


def _distances(points: NDArray[np.float64]) -> Floats:
    apart = points[:, None, :] - points[None, :, :]
    result: Floats = np.sqrt((apart * apart).sum(2)).astype(np.float32)
    return result


def _patches(lab: Floats) -> Labels:
    """Return each pixel's patch: k-means in colour and place over a grid (SLIC), 0 to n - 1."""
    height, width = lab.shape[:2]
    step = max(4.0, (height * width / _PATCHES) ** 0.5)
    down, across = max(1, round(height / step)), max(1, round(width / step))
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    own_row = np.minimum((rows * down / height).astype(np.intp), down - 1)
    own_column = np.minimum((columns * across / width).astype(np.intp), across - 1)
    weight = np.float32(12.0 / step)  # how much a pixel of distance counts against a unit of Lab
    features = np.dstack([lab, rows * weight, columns * weight]).astype(np.float32)
    labels: Labels = own_row * across + own_column
    for _ in range(4):
        sizes = np.maximum(np.bincount(labels.ravel(), minlength=down * across), 1)
        centres = np.stack([_mean(labels, sizes, features[:, :, k]) for k in range(5)], 1)
        labels = _assigned(features, centres.astype(np.float32), own_row, own_column, down, across)
    _, dense = np.unique(labels, return_inverse=True)
    result: Labels = dense.reshape(labels.shape)
    return result


def _assigned(
    features: Floats, centres: Floats, row: Labels, column: Labels, down: int, across: int
) -> Labels:
    """Return each pixel's nearest centre among those of the nine cells around it."""
    best = np.full(row.shape, np.inf, np.float32)
    chosen = np.zeros(row.shape, np.intp)
    for shift_row in (-1, 0, 1):
        for shift_column in (-1, 0, 1):
            near_row = np.clip(row + shift_row, 0, down - 1)
            near = near_row * across + np.clip(column + shift_column, 0, across - 1)
            away = features - centres[near]
            apart = np.einsum("ijk,ijk->ij", away, away)
            closer = apart < best
            best = np.where(closer, apart, best)
            chosen = np.where(closer, near, chosen)
    return chosen


def _border(patches: Labels, count: int) -> Flags:
    """Return which patches lie on the border, the middle of the lower one left out.

    Busts, bottles and lamps often stand on the lower border; a table there reaches the sides too.
    """
    width = patches.shape[1]
    foot = np.concatenate([patches[-1, : width // 5], patches[-1, width - width // 5 :]])
    border = np.zeros(count, np.bool_)
    border[np.concatenate([patches[0], patches[:, 0], patches[:, -1], foot])] = True
    return border


def _detail(lab: Floats, patches: Labels, count: int) -> NDArray[np.float64]:
    """Return how much fine detail each patch holds, on the scale of Lab units.

    A subject in focus before a blurred backdrop differs in this where it does not in colour.
    Pixels next to another patch are left out: the edge of a plain subject is no detail of either.
    """
    light = np.ascontiguousarray(lab[:, :, 0])
    slope = np.hypot(cv2.Sobel(light, cv2.CV_32F, 1, 0), cv2.Sobel(light, cv2.CV_32F, 0, 1))
    names = patches.astype(np.float32)
    square = np.ones((5, 5), np.uint8)
    inner = np.asarray(cv2.dilate(names, square)) == np.asarray(cv2.erode(names, square))
    sizes = np.bincount(patches[inner], minlength=count)
    total = np.bincount(patches[inner], slope[inner].astype(np.float64), minlength=count)
    result: NDArray[np.float64] = 7 * np.log2(1 + total / np.maximum(sizes, 1) / 4)
    return result


def _touching(patches: Labels, count: int) -> Flags:
    touching = np.zeros((count, count), np.bool_)
    touching[patches[:-1], patches[1:]] = True
    touching[patches[:, :-1], patches[:, 1:]] = True
    touching |= touching.T
    np.fill_diagonal(touching, False)
    return touching


def _backdrop_weight(unlike: Floats, touching: Flags, border: Flags) -> Floats:
    """Return how sure each patch is backdrop: how much of its like-coloured region is border."""
    linked = touching | np.logical_and.outer(border, border)
    steps = np.maximum(unlike - _usual_step(unlike, touching), 0)
    paths = np.where(linked, steps, np.float32(np.inf))
    np.fill_diagonal(paths, 0)
    for middle in range(paths.shape[0]):  # Floyd and Warshall, a row and a column at a time
        np.minimum(paths, paths[:, middle, None] + paths[None, middle, :], out=paths)
    alike = np.exp(-np.square(paths) / (2 * 7.0**2))
    held = alike[:, border].sum(1) / np.sqrt(alike.sum(1))
    result: Floats = 1 - np.exp(-np.square(held) / 2)
    return result


def _usual_step(unlike: Floats, touching: Flags) -> float:
    """Return the colour step between like neighbours, which texture and light cause anyway."""
    nearest = np.where(touching, unlike, np.inf).min(1)
    return float(np.mean(nearest[np.isfinite(nearest)])) if np.isfinite(nearest).any() else 0.0


def _contrast(unlike: Floats, apart: Floats, backdrop: Floats) -> Floats:
    """Return how much each patch stands out from the backdrop near it, 0 to 1."""
    felt = np.exp(-np.square(apart) / (2 * _REACH**2))
    total = (unlike * felt * backdrop[None, :]).sum(1)
    result: Floats = (total - total.min()) / max(float(np.ptp(total)), 1e-6)
    return result


def _optimised(unlike: Floats, touching: Flags, backdrop: Floats, contrast: Floats) -> Floats:
    """Return the likelihoods that agree best with backdrop, contrast and each other."""
    near = touching | (touching.astype(np.float32) @ touching.astype(np.float32) > 0)
    np.fill_diagonal(near, False)
    bond = np.where(near, np.exp(-np.square(unlike) / (2 * _COLOUR**2)) + 0.1 * touching, 0)
    smooth = np.diag(bond.sum(1)) - bond
    system = smooth + np.diag(5 * backdrop + contrast)
    likely = np.linalg.solve(system.astype(np.float64), contrast.astype(np.float64))
    likely -= likely.min()
    # Rounded, so that the last bit, which depends on the number of cores, decides nothing.
    return np.round(likely / max(float(likely.max()), 1e-9), 4).astype(np.float32)


def small_lab(rgb: NDArray[np.uint8]) -> Floats:
    """Return an 8-bit RGB picture as CIELAB, L 0 to 100."""
    coded = np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2LAB), np.float32)
    scale, zero = np.array([100 / 255, 1, 1], np.float32), np.array([0, 128, 128], np.float32)
    return np.asarray((coded - zero) * scale, np.float32)
