"""Media: a reference to content-addressed bytes, never the bytes.

One class with a `kind` rather than a subclass per kind: a record that goes through JSON comes back
as the declared type, and a subclass would come back unequal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias, get_args

MediaKind = Literal["image", "video", "audio", "mask"]
MEDIA_KINDS: tuple[str, ...] = get_args(MediaKind)

EXTENSIONS: Mapping[str, str] = {
    "image/png": "png",
    "image/jpeg": "jpg",
    "image/webp": "webp",
    "image/gif": "gif",
    "image/tiff": "tif",
    "image/bmp": "bmp",
    "image/avif": "avif",
    "video/mp4": "mp4",
    "video/webm": "webm",
    "video/quicktime": "mov",
    "video/x-matroska": "mkv",
    "audio/mpeg": "mp3",
    "audio/wav": "wav",
    "audio/mp4": "m4a",
    "audio/aac": "aac",
    "audio/flac": "flac",
    "audio/ogg": "ogg",
    "audio/webm": "weba",
    "audio/x-matroska": "mka",
}

# Ledgers from before 2026-11-21 do not hold these: left out where they are not known.
_LATER = ("fps", "has_audio", "sample_rate", "channels", "mode", "cut_from")


@dataclass(frozen=True, slots=True)
class Media:
    """What is known of some stored bytes; `sha256` is their name in the store.

    `width` and `height` are pixels of the upright picture, `seconds` the playing time, `fps` the
    frames of a second, `sample_rate` the samples of a second of its sound, `mode` the colour mode
    of a picture as Pillow names it ("RGB", "RGBA", "L", "I;16"); each is None where the kind has
    no such thing, or where it was recorded before such a thing was looked at. `cut_from` is the
    digest of what a provider gave, where edges were cut to the aspect ratio that was asked for.
    """

    kind: MediaKind
    sha256: str
    media_type: str
    size_bytes: int
    width: int | None = None
    height: int | None = None
    seconds: float | None = None
    alpha: bool | None = None
    fps: float | None = None
    has_audio: bool | None = None
    sample_rate: int | None = None
    channels: int | None = None
    mode: str | None = None
    cut_from: str | None = None

    @property
    def extension(self) -> str:
        """The file name extension for this media type, without a dot; "bin" when unknown."""
        return EXTENSIONS.get(self.media_type, "bin")

    def to_json(self) -> dict[str, Any]:
        """Return a dict that JSON keeps whole and `Media.from_json` reads back."""
        facts = {name: getattr(self, name) for name in self.__slots__}
        for name in _LATER:
            if facts[name] is None:
                del facts[name]
        return {"media": facts}

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Media:
        """Return the media that `to_json` wrote."""
        return Media(**data["media"])


@dataclass(frozen=True, slots=True)
class InputUrl:
    """Media that a table names by its URL and that has not been fetched: nothing is known of it.

    `word` is what its input takes: "image", "video", "audio" or "mask".
    """

    url: str = field(repr=False)  # signatures travel in it
    word: str = "image"


Scalar: TypeAlias = str | int | float | bool
Value: TypeAlias = "Scalar | Media | InputUrl | tuple[Value, ...] | Mapping[str, Any] | None"
"""What travels on an edge: a scalar, a reference to media, a list of them, JSON, or no result.

An `InputUrl` stands in a row's inputs until the row starts, and never reaches a step.
"""


def value_to_json(value: Value) -> Any:
    """Return `value` as plain JSON data; what has not been fetched is null."""
    if isinstance(value, Media):
        return value.to_json()
    if isinstance(value, InputUrl):
        return None
    if isinstance(value, tuple):
        return [value_to_json(item) for item in value]
    return value


def value_from_json(data: Any) -> Value:
    """Return the value that `value_to_json` wrote."""
    if isinstance(data, dict) and set(data) == {"media"}:
        return Media.from_json(data)
    if isinstance(data, list):
        return tuple(value_from_json(item) for item in data)
    return data  # type: ignore[no-any-return]
