"""What a template allows to be lost so that a value fits, and the error of one that cannot."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from providers.errors import InputError

DEFAULT_COLOUR = "white"


@dataclass(frozen=True, slots=True)
class FitChoice:
    """What the template allows: how an aspect is changed, what lies behind, how a text is cut."""

    mode: Literal["crop", "pad"] | None = None
    colour: str | None = None
    text: Literal["refuse", "cut"] | None = None

    @property
    def is_clear(self) -> bool:
        """True when the colour is one that can be seen through: "transparent", "#ffffff80"."""
        colour = (self.colour or DEFAULT_COLOUR).strip().lower()
        hex_alpha = re.fullmatch(r"#(?:[0-9a-f]{3}([0-9a-f])|[0-9a-f]{6}([0-9a-f]{2}))", colour)
        if hex_alpha:
            return (hex_alpha[1] or hex_alpha[2]).strip("f") != ""
        return colour == "transparent"


class FitError(InputError):
    """A value that cannot be made to fit: `problem` says why and `fix` what to do."""

    def __init__(self, problem: str, fix: str) -> None:
        super().__init__(f"{problem}. {fix}.")
        self.problem = problem
        self.fix = fix
