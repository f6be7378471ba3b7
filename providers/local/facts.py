"""What can be known of a media file: one record for pictures, clips and sounds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class MediaFacts:
    """What the bytes of a file tell, in the words and units of `providers.media.Media`."""

    kind: Literal["image", "video", "audio"]
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
