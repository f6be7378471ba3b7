"""What all things on the shelf share: the colours of one picture, and a few materials."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from providers.local.studio.colour import linear
from providers.local.studio.render import Material, Subject
from providers.local.studio.solids import Solid, spun

WOOD = Material(linear("#8a5a35"), 0.25)
GOLD = Material(linear("#d8b26a"), 0.8, metal=True)
STEEL = Material(linear("#c4c8cc"), 0.8, metal=True)
PAPER = Material(linear("#efe7d4"), 0.05)
DARK = Material(linear("#26262a"), 0.4)


@dataclass(frozen=True, slots=True)
class Look:
    """The colours of one picture: `main` is the subject's own, `accent` goes with it."""

    main: Material
    accent: Material
    chance: np.random.Generator


def standing_at(
    parts: list[tuple[Solid, Material]], degrees: float, half: float, height: float, depth: float
) -> Subject:
    """Return a subject of these parts, all turned by `degrees` around the upright axis."""
    return Subject([(spun(solid, degrees), look) for solid, look in parts], half, height, depth)
