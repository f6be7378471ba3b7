"""The form of what a binding takes on its ports, and of what it makes. Facts only, no code."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, model_validator

SizeRule: TypeAlias = Literal[
    "asked",
    "input",
    "scaled",
    "resized",
    "cropped",
    "padded",
    "stated",
    "print",
    "resolution",
    "inside",
]


class Entry(BaseModel):
    """Base of every part of a catalog file: frozen, and unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class PortLimits(Entry):
    """What one port takes. What is not stated is not known, and nothing is changed for it.

    `aspect` bounds are width over height. `size` is the one size that is taken, as "1024x576".
    `follows` names the parameter whose aspect ratio a picture must have, because the vendor has no
    field for it and the result has the shape of what was given.
    """

    max_characters: int | None = None
    max_items: int | None = None
    min_side: int | None = None
    max_side: int | None = None
    max_megapixels: float | None = None
    multiple_of: int | None = None
    min_aspect: float | None = None
    max_aspect: float | None = None
    size: str | None = Field(default=None, pattern=r"^\d+x\d+$")
    follows: str | None = None
    max_bytes: int | None = None
    formats: tuple[str, ...] = Field(default=(), strict=False)
    alpha: bool = True
    min_seconds: float | None = None
    max_seconds: float | None = None


class Makes(Entry):
    """What comes back, as far as it can be told before: the size, and whether it has an alpha.

    `size` says where the pixels come from: what was asked for, the size of the input, that times
    `scale`, the parameter `resolution` (`areas` says how many pixels each word means), the edit
    that `width`, `height` and `aspect_ratio` describe, `width` and `aspect_ratio` alone, whatever
    is given (`stated`), millimetres and dots per inch (`print`), or the largest of the input's
    shape in the box `inside`, upright or not. `fixed` is a size that is always the same.
    """

    size: SizeRule | None = None
    fixed: str | None = Field(default=None, pattern=r"^\d+x\d+$")
    sizes: dict[str, str] = Field(default_factory=dict)
    areas: dict[str, str] = Field(default_factory=dict)
    inside: str | None = Field(default=None, pattern=r"^\d+x\d+$")
    multiple_of: int | None = None
    max_megapixels: float | None = None
    alpha: bool | None = None
    seconds: float | None = None
    audio: bool | str = False


class Limits(Entry):
    """Limits of one binding, port by port."""

    takes: dict[str, PortLimits] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _written_by_0_1(cls, data: Any) -> Any:
        """Runs of version 0.1.0 froze `image` and `prompt_max_characters`, and are still resumed."""
        if not isinstance(data, dict) or not {"image", "prompt_max_characters"} & set(data):
            return data
        return {}  # that version knew these limits and changed nothing for them

    def of(self, port: str) -> PortLimits:
        """Return what is known of a port."""
        return self.takes.get(port, _NOTHING)


_NOTHING = PortLimits()
