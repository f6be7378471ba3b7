"""Read a clip's frames: upright, at one even size, evenly spaced, one at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice, repeat
from pathlib import Path

from av.video.frame import VideoFrame

from providers.errors import InputError
from providers.local.container import LONGEST, opened_container, picture_of, rate_of, sound_of
from providers.local.probe_moving import playing_seconds
from providers.local.upright import upright, upright_size


@dataclass(frozen=True, slots=True)
class Clip:
    """A clip to read: its upright size in even pixels, frames of a second, and how many frames."""

    path: Path
    size: tuple[int, int]
    rate: Fraction
    count: int
    has_sound: bool

    @property
    def seconds(self) -> Fraction:
        """The playing time."""
        return self.count / self.rate


def open_clip(path: Path) -> Clip:
    """Return what there is to read of the clip at `path`.

    Raises:
        InputError: the file is missing, is no clip, says that it lasts above LONGEST seconds, or
            has no frame that decodes.
    """
    with opened_container(path) as container:
        stream = picture_of(container)
        if stream is None:
            raise InputError(f"'{path}' is a sound, not a clip. Give a file with a picture.")
        seconds, rate = playing_seconds(container), rate_of(stream)
        if seconds > LONGEST:
            raise InputError(
                f"'{path.name}' lasts {seconds:.0f} s by its own account, more than {LONGEST:.0f}."
                " Give a shorter clip."
            )
        frame = next(iter(container.decode(stream)), None)
        if frame is None:
            raise InputError(f"'{path}' has no picture that decodes. Give a whole file.")
        width, height = (max(16, side // 2 * 2) for side in upright_size(frame, stream))
        count = max(1, round(seconds * rate))
        return Clip(path, (width, height), rate, count, sound_of(container) is not None)


def frames_of(
    clip: Clip, size: tuple[int, int] | None = None, rate: Fraction | None = None
) -> Iterator[VideoFrame]:
    """Give the clip's frames at `size` and `rate`, its own where they are left out.

    Frames that come too fast are left out, and a frame is shown again where the next is late.
    They last as long as the clip says, whatever their own times are.

    Raises:
        InputError: as `open_clip`, while it is being read.
    """
    rate = rate or clip.rate
    yield from lasting(_spaced(clip, size or clip.size, rate), max(1, round(clip.seconds * rate)))


def _spaced(clip: Clip, size: tuple[int, int], rate: Fraction) -> Iterator[VideoFrame]:
    with opened_container(clip.path) as container:
        stream = picture_of(container)
        slot, held, start = 0, None, None
        for frame in container.decode(stream) if stream else ():
            if frame.pts is None or frame.time_base is None:
                continue
            time = frame.pts * frame.time_base
            start = time if start is None else start
            due = round((time - start) * rate)
            if held is not None and slot < due:
                shown = upright(held, size)
                yield from repeat(shown, due - slot)
                slot = due
            held = frame
        if held is not None:
            yield upright(held, size)


def lasting(frames: Iterable[VideoFrame], count: int) -> Iterator[VideoFrame]:
    """Give exactly `count` frames: the first ones, or all and then the last one again."""
    given, last = 0, None
    for last in islice(frames, count):
        given += 1
        yield last
    if last is not None:
        yield from repeat(last, count - given)


def count_for(seconds: float, rate: Fraction) -> int:
    """Return how many frames last `seconds`, or less than one frame more."""
    whole = round(seconds * rate)
    enough = whole if abs(seconds * rate - whole) < 0.05 else -int(-seconds * rate // 1)
    return max(1, enough)
