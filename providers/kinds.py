"""Kinds: the ports of a class of models. A template's edges are checked against these.

The first output port of a kind is what `$step` means; any other is `$step.port`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from providers.errors import RequestError, near

PORT_WORDS = ("text", "image", "video", "audio", "mask", "timed_text", "json")


@dataclass(frozen=True, slots=True)
class PortType:
    """The type of an edge: one of PORT_WORDS, or a list of it."""

    word: str
    is_list: bool = False

    def __str__(self) -> str:
        return f"list[{self.word}]" if self.is_list else self.word

    def accepts(self, other: PortType) -> bool:
        """True when a value of type `other` may flow into a port of this type."""
        return self == other


@dataclass(frozen=True, slots=True)
class Port:
    """One input or output of a kind."""

    type: PortType
    required: bool = False
    about: str = ""


@dataclass(frozen=True, slots=True)
class Kind:
    """What every model of a kind takes and gives; `generates` tells making from processing."""

    name: str
    about: str
    inputs: Mapping[str, Port]
    outputs: Mapping[str, Port]
    generates: bool = False

    @property
    def main_output(self) -> str:
        """The port that `$step` stands for."""
        return next(iter(self.outputs))


TEXT = PortType("text")
IMAGE = PortType("image")

_IMAGE_IN = {"image": Port(IMAGE, required=True, about="The picture to work on.")}
_IMAGE_OUT = {"image": Port(IMAGE, about="The picture made.")}

_ALL = (
    Kind(
        "text-to-image",
        "Make a picture from a description.",
        {"prompt": Port(TEXT, required=True, about="What the picture shows.")},
        _IMAGE_OUT,
        generates=True,
    ),
    Kind(
        "remove-background",
        "Cut the subject out: the same picture with a transparent background.",
        _IMAGE_IN,
        _IMAGE_OUT,
    ),
    Kind("transform-image", "Edit a picture on this machine, free.", _IMAGE_IN, _IMAGE_OUT),
    Kind(
        "contact-sheet",
        "Lay pictures out on one labelled sheet.",
        {"images": Port(PortType("image", is_list=True), required=True, about="In order.")},
        _IMAGE_OUT,
    ),
)

KINDS: Mapping[str, Kind] = {kind.name: kind for kind in _ALL}


def kind_named(name: str) -> Kind:
    """Return the kind of that name.

    Raises:
        RequestError: no such kind; the message offers the nearest.
    """
    if name not in KINDS:
        raise RequestError(f"There is no kind {name!r}.{near(name, KINDS)}")
    return KINDS[name]
