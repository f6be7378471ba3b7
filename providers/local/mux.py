"""Lay a sound under a clip; the picture stays as it is, bit by bit, where its length does."""

from __future__ import annotations

from pathlib import Path

from providers.errors import InputError
from providers.local.clip_file import copy_picture, write_clip
from providers.local.clip_frames import Clip, count_for, frames_of, lasting, open_clip
from providers.local.container import LONGEST, opened_container, picture_of
from providers.local.sound import Sound, read_sound

MODES = ("replace", "mix")
LENGTHS = ("video", "audio", "shortest")
# What players read from an MP4; another picture is encoded again.
_COPIED = {"h264", "hevc", "av1", "vp9", "mpeg4"}


def mux(
    video: Path,
    audio: Path,
    *,
    offset_seconds: float = 0.0,
    mode: str = "replace",
    length: str = "video",
) -> bytes:
    """Return the clip with a sound, as an MP4 with AAC in 48 kHz stereo.

    Args:
        video: The clip.
        audio: A sound, or a clip that has one.
        offset_seconds: When the sound begins in the clip; below 0 its start is left out.
        mode: "replace" takes the clip's own sound away, "mix" keeps it.
        length: Who says how long the result is: "video" pads the sound with silence or cuts it;
            "audio" holds the clip's last frame or cuts the clip; "shortest" cuts the longer one.
            The picture ends within one frame of that.

    Raises:
        InputError: a word that is none of these, a file that cannot be read, or an offset after
            which nothing is left to hear.
    """
    _check("mode", mode, MODES)
    _check("length", length, LENGTHS)
    if not abs(offset_seconds) <= LONGEST:
        raise InputError(f"mux: offset_seconds {offset_seconds:g} is above {LONGEST:g}.")
    clip = open_clip(video)
    given = read_sound(audio)
    sound = given.moved(offset_seconds)
    if offset_seconds < 0 and not sound.samples.shape[1]:
        raise InputError(
            f"mux: offset_seconds {offset_seconds:g} leaves nothing of '{audio.name}', which lasts"
            f" {given.seconds:.2f} s. Give a smaller one."
        )
    count = _count(clip, sound.seconds, length)
    if mode == "mix" and clip.has_sound:
        sound = sound.mixed(read_sound(video))
    seconds = sound.seconds if length == "audio" and mode == "replace" else None
    sound = sound.fitted(count / clip.rate) if seconds is None else sound
    if count != clip.count:
        return write_clip(lasting(frames_of(clip), count), clip.rate, sound)
    return _with_sound(clip, sound)


def _check(name: str, word: str, words: tuple[str, ...]) -> None:
    if word not in words:
        raise InputError(f"mux: {name} {word!r} is none of {', '.join(words)}.")


def _count(clip: Clip, heard_seconds: float, length: str) -> int:
    """Return how many frames the result has."""
    if length == "video":
        return clip.count
    wanted = count_for(heard_seconds, clip.rate)
    return wanted if length == "audio" else min(clip.count, wanted)


def _with_sound(clip: Clip, sound: Sound) -> bytes:
    """Return the clip with another sound, its picture copied where an MP4 can hold it."""
    with opened_container(clip.path) as container:
        stream = picture_of(container)
        if stream is not None and stream.codec_context.name in _COPIED:
            return copy_picture(stream, container.demux(stream), sound)
    return write_clip(frames_of(clip), clip.rate, sound)
