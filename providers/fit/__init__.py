"""Fit: what must be done to a value so that a binding takes it, worked out from facts alone.

Pure: the plan asks from foreseen shapes, a run from measured ones, and both get the same answer.
Nothing is ever stretched; what would lose a part of the picture needs the template's word.
"""

from providers.fit.check import asked_aspect, unfit
from providers.fit.choice import DEFAULT_COLOUR, FitChoice, FitError
from providers.fit.cut import TRIM, cut_size, kept
from providers.fit.framing import Framing, frame
from providers.fit.picture import PictureFit, fit_picture
from providers.fit.text import fit_text, too_long

__all__ = [
    "DEFAULT_COLOUR",
    "TRIM",
    "FitChoice",
    "FitError",
    "Framing",
    "PictureFit",
    "asked_aspect",
    "cut_size",
    "fit_picture",
    "fit_text",
    "frame",
    "kept",
    "too_long",
    "unfit",
]
