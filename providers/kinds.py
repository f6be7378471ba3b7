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
    """One input or output of a kind.

    `beside` names the list port that a list goes with item by item: it has as many items, and what
    stands beside a gap there is left out.
    """

    type: PortType
    required: bool = False
    about: str = ""
    beside: str | None = None


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


TEXT, IMAGE = PortType("text"), PortType("image")
VIDEO, AUDIO = PortType("video"), PortType("audio")
TEXTS = PortType("text", is_list=True)
IMAGES, VIDEOS = PortType("image", is_list=True), PortType("video", is_list=True)


def _needs(type: PortType, about: str) -> Port:
    return Port(type, required=True, about=about)


_ON_IMAGE = {"image": _needs(IMAGE, "The picture to work on.")}
_MAKES_IMAGE = {"image": Port(IMAGE, about="The picture made.")}
_MAKES_VIDEO = {"video": Port(VIDEO, about="The clip made.")}
_MAKES_AUDIO = {"audio": Port(AUDIO, about="The sound made.")}
_MAKES_TEXT = {"text": Port(TEXT, about="The text made.")}

_ALL = (
    Kind(
        "text-generation",
        "Write a text, such as a better prompt.",
        {"prompt": _needs(TEXT, "What is asked."), "system": Port(TEXT, about="How to answer.")},
        _MAKES_TEXT,
        generates=True,
    ),
    Kind(
        "image-to-text",
        "Say what pictures show.",
        {"images": _needs(IMAGES, "In order."), "prompt": Port(TEXT, about="What is asked.")},
        _MAKES_TEXT,
        generates=True,
    ),
    Kind(
        "text-to-image",
        "Make a picture from a description.",
        {"prompt": _needs(TEXT, "What the picture shows.")},
        _MAKES_IMAGE,
        generates=True,
    ),
    Kind(
        "image-edit",
        "Make a picture from pictures and a description of the change.",
        {"prompt": _needs(TEXT, "The change."), "images": _needs(IMAGES, "References, in order.")},
        _MAKES_IMAGE,
        generates=True,
    ),
    Kind(
        "remove-background",
        "Cut the subject out: the same picture with a transparent background.",
        _ON_IMAGE,
        _MAKES_IMAGE,
    ),
    Kind(
        "upscale",
        "Make a picture larger.",
        {**_ON_IMAGE, "prompt": Port(TEXT, about="What it shows, for models that add detail.")},
        _MAKES_IMAGE,
    ),
    Kind(
        "image-to-video",
        "Make a clip that begins with a picture.",
        {
            "image": _needs(IMAGE, "The first frame."),
            "end_image": Port(IMAGE, about="The last frame."),
            "prompt": Port(TEXT, about="What moves, and how."),
        },
        _MAKES_VIDEO,
        generates=True,
    ),
    Kind(
        "text-to-speech",
        "Speak a text.",
        {"text": _needs(TEXT, "What is said.")},
        _MAKES_AUDIO,
        generates=True,
    ),
    Kind(
        "text-to-audio",
        "Make music or a sound from a description.",
        {"prompt": _needs(TEXT, "What is heard.")},
        _MAKES_AUDIO,
        generates=True,
    ),
    Kind(
        "speech-to-text",
        "Write down what is said.",
        {"audio": _needs(AUDIO, "The recording.")},
        _MAKES_TEXT,
    ),
    Kind(
        "mux",
        "Put a sound to a clip.",
        {"video": _needs(VIDEO, "The clip."), "audio": _needs(AUDIO, "The sound.")},
        _MAKES_VIDEO,
    ),
    Kind("concat", "Join clips into one.", {"videos": _needs(VIDEOS, "In order.")}, _MAKES_VIDEO),
    Kind(
        "extract-frame",
        "Take one frame of a clip as a picture.",
        {"video": _needs(VIDEO, "The clip.")},
        _MAKES_IMAGE,
    ),
    Kind("transform-image", "Edit a picture on this machine, free.", _ON_IMAGE, _MAKES_IMAGE),
    Kind(
        "transform-video",
        "Edit a clip on this machine, free.",
        {"video": _needs(VIDEO, "The clip to work on.")},
        _MAKES_VIDEO,
    ),
    Kind(
        "contact-sheet",
        "Lay pictures out on one labelled sheet.",
        {
            "images": _needs(IMAGES, "In order."),
            "labels": Port(TEXTS, about="What is written under each; its number.", beside="images"),
        },
        _MAKES_IMAGE,
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
