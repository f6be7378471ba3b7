"""Facts of a clip or a sound, by its bytes, and whether all of it decodes."""

from __future__ import annotations

from pathlib import Path

import av
from av.audio.frame import AudioFrame
from av.container import InputContainer
from av.frame import Frame

from providers.errors import InputError
from providers.local.container import opened_container, picture_of, rate_of, sound_of
from providers.local.facts import MediaFacts
from providers.local.upright import upright_size

_SOUNDS = {
    "wav": "audio/wav",
    "mp3": "audio/mpeg",
    "ogg": "audio/ogg",
    "flac": "audio/flac",
    "aac": "audio/aac",
}


def probe_moving(path: Path, data: bytes | None = None) -> MediaFacts:
    """Return the facts of the clip or sound at `path`; of a clip, one frame is decoded.

    Raises:
        InputError: the file is missing, neither clip nor sound, broken or cut short before its
            first frame.
    """
    data = _bytes_of(path) if data is None else data
    with opened_container(path, data) as container:
        picture, sound = picture_of(container), sound_of(container)
        seconds = playing_seconds(container)
        if seconds <= 0:
            raise InputError(f"'{path}' plays for no time at all. Give a whole file.")
        size = None
        if picture is not None:
            frame = next(iter(container.decode(picture)), None)
            if frame is None:
                raise InputError(f"'{path}' has no picture that decodes. Give a whole file.")
            size = upright_size(frame, picture)
        return MediaFacts(
            kind="audio" if picture is None else "video",
            media_type=_media_type(container, data[:64], is_clip=picture is not None),
            size_bytes=len(data),
            width=size[0] if size else None,
            height=size[1] if size else None,
            seconds=round(seconds, 6),
            fps=None if picture is None else round(float(rate_of(picture)), 6),
            has_audio=None if picture is None else sound is not None,
            sample_rate=sound.sample_rate if sound else None,
            channels=sound.codec_context.layout.nb_channels if sound else None,
        )


def decodes_moving(path: Path, data: bytes | None = None) -> None:
    """Decode every packet of the clip or sound at `path` and forget it.

    Raises:
        InputError: the file is truncated or damaged.
    """
    data = _bytes_of(path) if data is None else data
    with opened_container(path, data) as container:
        streams = [stream for stream in (picture_of(container), sound_of(container)) if stream]
        stated, reached = playing_seconds(container), 0.0
        try:
            for packet in container.demux(streams):
                if packet.is_corrupt:
                    raise InputError(f"'{path}' is damaged. Give the whole file again.")
                for frame in packet.decode():
                    reached = max(reached, _end_of(frame))
        except av.FFmpegError as error:
            raise InputError(
                f"'{path}' is damaged or cut short: {error.strerror}. Give the whole file again."
            ) from error
        start = (container.start_time or 0) / av.time_base
        # Headers state a little more than there is; a clip that ends early is another matter.
        if reached - start < stated - max(0.5, stated * 0.02):
            raise InputError(
                f"'{path}' is cut short: it ends after {reached - start:.1f} of {stated:.1f} s."
                " Give the whole file again."
            )


def _end_of(frame: object) -> float:
    """Return the second at which the frame ends, as far as it says."""
    if not isinstance(frame, Frame) or frame.pts is None or not frame.time_base:
        return 0.0
    if isinstance(frame, AudioFrame):
        return float(frame.pts * frame.time_base) + frame.samples / frame.sample_rate
    return float((frame.pts + (frame.duration or 0)) * frame.time_base)


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise InputError(f"'{path}' does not exist. Check the path.") from error
    except OSError as error:
        raise InputError(f"'{path}' cannot be read: {error.strerror}.") from error


def _media_type(container: InputContainer, head: bytes, *, is_clip: bool) -> str:
    """Return the media type; one family of formats holds clips and sounds alike."""
    name = container.format.name.split(",")[0]
    if name == "mov":
        is_apples = head[4:12] in (b"ftypqt  ", b"moov", b"mdat") or head[4:8] != b"ftyp"
        return ("video/quicktime" if is_apples else "video/mp4") if is_clip else "audio/mp4"
    if name == "matroska":
        family = "video" if is_clip else "audio"
        return f"{family}/webm" if b"webm" in head else f"{family}/x-matroska"
    if name == "ogg" and is_clip:
        return "video/ogg"
    return _SOUNDS.get(name, "application/octet-stream")


def playing_seconds(container: InputContainer) -> float:
    """Return the playing time: that of the picture where there is one and it says."""
    stream = picture_of(container) or sound_of(container)
    name = container.format.name.split(",")[0]
    if stream is not None and stream.duration and stream.time_base and name not in ("mp3", "aac"):
        return float(stream.duration * stream.time_base)
    if name in ("mp3", "aac"):
        return _counted(container)
    return (container.duration or 0) / av.time_base


def _counted(container: InputContainer) -> float:
    """Return the time that all packets hold: such files only guess from their first ones."""
    stream = sound_of(container)
    if stream is None:
        return 0.0
    ticks = sum(packet.duration or 0 for packet in container.demux(stream) if packet.size)
    container.seek(0)
    return float(ticks * (stream.time_base or 0))
