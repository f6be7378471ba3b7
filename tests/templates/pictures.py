"""What templates have given, as facts: kind of file, size, alpha, and whether anything is on it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from tests.core.plain import Ran

EXAMPLES = Path(__file__).parents[2] / "examples"


@dataclass(frozen=True)
class Picture:
    """One output of one row."""

    format: str | None
    width: int
    height: int
    alpha: bool
    spread: float

    @property
    def is_blank(self) -> bool:
        """True when all its pixels are about the same."""
        return self.spread < 4

    @property
    def aspect(self) -> float:
        return self.width / self.height


def picture_at(path: Path) -> Picture:
    with Image.open(path) as image:
        pixels = np.asarray(image.convert("RGB"), np.float32)
        spread = float(pixels.std(axis=(0, 1)).max())
        return Picture(image.format, *image.size, image.has_transparency_data, spread)


def pictures(ran: Ran, row: str, output: str) -> list[Picture]:
    """The pictures of an output, in order, as results.csv names their files."""
    named = ran.results[row][output]
    return [picture_at(ran.folder / path) for path in named.split("|")] if named else []


def pixels_of(ran: Ran, row: str, name: str) -> np.ndarray:
    with Image.open(ran.folder / "outputs" / row / name) as image:
        return np.asarray(image.convert("RGB"), np.float32)
