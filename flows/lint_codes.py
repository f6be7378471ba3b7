"""The codes of lints, and what each says: known here, so that a template can silence them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

LINTS: Final[Mapping[str, str]] = {
    "MF001": "the aspect ratio changes along a chain",
    "MF002": "resolution is lost on the way",
    "MF003": "words that were written for one model reach another model's prompt",
    "MF004": "a step is paid for and nobody uses what it gives",
    "MF005": "a default fights the picture that is given",
    "MF006": "a clip's own sound is paid for and then replaced or doubled",
    "MF007": "a fallback drops what the step is given",
    "MF008": "transparent pixels are laid on a colour that nobody has chosen",
    "MF009": "a model is about to be switched off",
    "MF010": "results are kept for less time than the run takes",
    "MF011": "a condition is true of no row of the table",
}
