"""What a request implies of its output before it is made: size, length, number and file."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from providers.errors import InputError
from providers.local.speech import spoken_seconds
from providers.sandbox.endpoints import Endpoint
from providers.sandbox.inputs import Medium
from providers.sandbox.sizes import size_of

FORMATS = {"jpg": "JPEG", "jpeg": "JPEG", "png": "PNG", "webp": "WEBP", "gif": "GIF"}
TYPES = {
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "png": "image/png",
    "webp": "image/webp",
    "gif": "image/gif",
    "mp4": "video/mp4",
    "mp3": "audio/mpeg",
    "wav": "audio/wav",
}
FPS = 24.0  # of every clip whose vendor says no other
_SHORTEST, _LONGEST = 0.1, 600.0  # seconds that can be made here
_WORDLESS_SECONDS = 0.5  # a text without a word is spoken so long


@dataclass(frozen=True, slots=True)
class Made:
    """The output of one job: pixels, seconds and frames of a second are 0 where it has none."""

    width: int = 1024
    height: int = 1024
    count: int = 1
    format: str = "png"
    seconds: float = 0.0
    fps: float = 0.0
    tokens: tuple[int, int] = (0, 0)  # of a text: given and made


def made_of(endpoint: Endpoint, given: Mapping[str, Any], inputs: Sequence[Medium]) -> Made:
    """Return what a sound input asks for."""
    sizes = [medium.size for medium in inputs if medium.size]
    width, height = size_of(endpoint, given, sizes)
    fps = _fps(endpoint, given, inputs)
    return Made(
        width=width,
        height=height,
        count=int(given.get(endpoint.count_field or "") or 1),
        format=format_of(endpoint, given),
        seconds=_seconds(endpoint, given, inputs, fps),
        fps=fps,
    )


def format_of(endpoint: Endpoint, given: Mapping[str, Any]) -> str:
    """Return the ending of the output's file name.

    Of a sound there are but two: "mp3" where one is asked for or usual, else "wav".
    """
    asked = str(endpoint.value(given, endpoint.format_field) or "")
    if endpoint.output_kind == "clip":
        return "mp4"
    if endpoint.output_kind == "text":
        return "txt"
    if endpoint.output_kind == "sound":
        word = asked or str(endpoint.makes["format"])
        return "mp3" if word.startswith("mp3") else "wav"
    return asked if asked in FORMATS else "png"


def sound_rate(endpoint: Endpoint, given: Mapping[str, Any]) -> int:
    """Return the samples of a second of a sound: "mp3_22050_32" has 22050."""
    match = re.search(r"_(\d+)", str(endpoint.value(given, endpoint.format_field) or ""))
    return int(match.group(1)) if match else int(endpoint.makes["rate"])


def is_heard(endpoint: Endpoint, given: Mapping[str, Any]) -> bool:
    """True when a clip comes with a sound."""
    return bool(endpoint.value(given, endpoint.makes.get("sound_field")))


def _fps(endpoint: Endpoint, given: Mapping[str, Any], inputs: Sequence[Medium]) -> float:
    if endpoint.output_kind != "clip":
        return 0.0
    if "inputs" in endpoint.length:
        asked = endpoint.value(given, "target_fps")
        return float(asked or min((medium.fps for medium in inputs if medium.fps), default=FPS))
    return float(endpoint.value(given, endpoint.length.get("fps_field")) or FPS)


def _seconds(
    endpoint: Endpoint, given: Mapping[str, Any], inputs: Sequence[Medium], fps: float
) -> float:
    rule = endpoint.length
    if not rule:
        return 0.0
    if rule.get("spoken"):
        return _spoken(endpoint, given)
    if "inputs" in rule:
        clips = [medium.seconds for medium in inputs if medium.kind == "video"]
        return sum(clips if rule["inputs"] == "all" else clips[:1])
    frames = rule.get("frames") or _number(endpoint.value(given, rule.get("frames_field")))
    if frames:
        return float(frames) / fps
    asked = _number(endpoint.value(given, rule.get("field"))) or rule.get("otherwise", 0)
    return min(max(float(asked), _SHORTEST), _LONGEST)


def _number(value: Any) -> float:
    """Return the number that "5s", "14_frames_with_svd", "5" or 5 begins with, 0 for none."""
    match = re.match(r"\d+(\.\d+)?", str(value))
    return float(match.group(0)) if match else 0.0


def _spoken(endpoint: Endpoint, given: Mapping[str, Any]) -> float:
    try:
        return spoken_seconds(spoken_text(endpoint, given), speed_of(endpoint, given))
    except InputError:
        return _WORDLESS_SECONDS


def spoken_text(endpoint: Endpoint, given: Mapping[str, Any]) -> str:
    """Return what is to be said or drawn."""
    return str(given.get("text" if "text" in endpoint.fields else "prompt") or "")


def speed_of(endpoint: Endpoint, given: Mapping[str, Any]) -> float:
    """Return how fast a text is spoken, 1 where the endpoint has no such field."""
    return float(endpoint.value(given, "speed") or 1)
