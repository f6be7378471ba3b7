"""Write an MP4: H.264 pictures and AAC sound, the same bytes for the same frames."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import TypeAlias

import av
from av.codec.context import Flags
from av.container import OutputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from providers.errors import InputError
from providers.local.container import LARGEST
from providers.local.sound import Sound, sound_frames

VideoPacket: TypeAlias = "Packet[VideoStream]"

_FINE = {"preset": "veryfast", "crf": "17"}
_FAST = {"preset": "ultrafast", "crf": "21", "g": "48"}
# One thread: x264 gives other bytes with another count of them.
_ALIKE = {"threads": "1"}


def even_size(width: int, height: int, who: str) -> tuple[int, int]:
    """Return the size of a clip, as it is.

    Raises:
        InputError: a side is odd, which H.264 with shared colours cannot have, below 16 or above
            LARGEST pixels.
    """
    if width % 2 or height % 2:
        raise InputError(
            f"{who}: a clip of {width}x{height} cannot be made. Give even sides, such as"
            f" {width // 2 * 2}x{height // 2 * 2}."
        )
    if min(width, height) < 16 or max(width, height) > LARGEST:
        raise InputError(
            f"{who}: a clip of {width}x{height} cannot be made: each side is 16 to {LARGEST} pixels."
        )
    return width, height


def write_clip(
    frames: Iterable[VideoFrame], rate: Fraction, sound: Sound | None = None, *, fast: bool = False
) -> bytes:
    """Return the frames (yuv420p, all of one even size) as an MP4 of `rate` frames a second.

    Args:
        frames: At least one, in order, evenly spaced; their own times are not looked at.
        rate: Frames of a second.
        sound: What is heard with them, from the first frame on.
        fast: For drawings that are seen once: larger files in half the time.

    Raises:
        InputError: there is no frame.
    """
    waiting = iter(frames)
    first = next(waiting, None)
    if first is None:
        raise InputError("a clip without a single picture cannot be made.")
    with _mp4() as (container, path):
        stream = container.add_stream(
            "libx264", rate=rate, options=(_FAST if fast else _FINE) | _ALIKE
        )
        context = stream.codec_context
        context.width, context.height, context.pix_fmt = first.width, first.height, "yuv420p"
        context.time_base, context.thread_count = 1 / rate, 1
        context.flags |= Flags.bitexact
        context.colorspace, context.color_range = first.colorspace, first.color_range
        context.color_primaries, context.color_trc = first.color_primaries, first.color_trc
        packets = _encoded(stream, first, waiting, rate)
        _interleave(container, packets, sound)
        container.close()
        return path.read_bytes()


def copy_picture(source: VideoStream, packets: Iterable[VideoPacket], sound: Sound | None) -> bytes:
    """Return an MP4 with a clip's picture as it is, not encoded again, and another sound."""
    with _mp4() as (container, path):
        stream = container.add_stream_from_template(source)
        _interleave(container, _moved(packets, source, stream), sound)
        container.close()
        return path.read_bytes()


@contextmanager
def _mp4() -> Iterator[tuple[OutputContainer, Path]]:
    """Give a container to write to, and where: only a real file can be given its index first."""
    with tempfile.TemporaryDirectory(prefix="mediaflows-") as folder:
        path = Path(folder) / "clip.mp4"
        options = {"movflags": "+faststart", "fflags": "+bitexact"}
        with av.open(str(path), "w", format="mp4", options=options) as container:
            yield container, path


def _encoded(
    stream: VideoStream, first: VideoFrame, others: Iterable[VideoFrame], rate: Fraction
) -> Iterator[VideoPacket]:
    for number, frame in enumerate(_chain(first, others)):
        frame.pts, frame.time_base, frame.pict_type = number, 1 / rate, 0
        yield from stream.encode(frame)
    yield from stream.encode(None)


def _chain(first: VideoFrame, others: Iterable[VideoFrame]) -> Iterator[VideoFrame]:
    yield first
    yield from others


def _moved(
    packets: Iterable[VideoPacket], source: VideoStream, stream: VideoStream
) -> Iterator[VideoPacket]:
    """Give the packets with their times from 0, as those of `stream`."""
    start = source.start_time or 0
    for packet in packets:
        if packet.dts is None:
            continue  # the mark of the end
        packet.dts -= start
        if packet.pts is not None:
            packet.pts -= start
        packet.stream = stream
        yield packet


def _interleave(
    container: OutputContainer, packets: Iterator[VideoPacket], sound: Sound | None
) -> None:
    """Write pictures and sound side by side, so that a player need not jump."""
    if sound is None:
        for packet in packets:
            container.mux(packet)
        return
    layout = "mono" if len(sound.samples) == 1 else "stereo"
    stream = container.add_stream("aac", rate=sound.rate, layout=layout)
    stream.codec_context.bit_rate = 96_000 * len(sound.samples)
    stream.codec_context.flags |= Flags.bitexact
    pieces = sound_frames(sound)
    heard = 0.0
    for packet in packets:
        shown = float((packet.dts or 0) * (packet.time_base or Fraction(0)))
        container.mux(packet)
        while heard < shown and (piece := next(pieces, None)) is not None:
            heard = float((piece.pts or 0) / sound.rate)
            container.mux(stream.encode(piece))
    for piece in pieces:
        container.mux(stream.encode(piece))
    container.mux(stream.encode(None))
