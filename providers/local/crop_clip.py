"""Cut the edges of a clip that came to the aspect ratio that was asked for, without loss."""

from __future__ import annotations

import io
from pathlib import Path

import av
from av.bitstream import BitStreamFilterContext

from providers.errors import InputError
from providers.local.container import opened_container


def cropped_clip(path: Path, size: tuple[int, int]) -> bytes | None:
    """Return the MP4 with its H.264 marked to show only the middle; nothing is encoded again.

    None for a clip in another codec.
    """
    with opened_container(path) as source:
        if not source.streams.video or source.streams.video[0].codec.name != "h264":
            return None
        buffer = io.BytesIO()
        with av.open(buffer, "w", format="mp4") as target:
            _copy(source, target, size)
    return buffer.getvalue()


def _copy(
    source: av.container.InputContainer, target: av.container.OutputContainer, size: tuple[int, int]
) -> None:
    outputs = {
        stream.index: target.add_stream_from_template(stream)
        for stream in source.streams
        if stream.type in ("video", "audio")
    }
    video = source.streams.video[0]
    shown = BitStreamFilterContext(
        _window((video.width, video.height), size), video, outputs[video.index]
    )
    for packet in source.demux():
        output = outputs.get(packet.stream.index)
        if packet.dts is None or output is None:
            continue
        for one in shown.filter(packet) if packet.stream.index == video.index else [packet]:
            one.stream = output
            target.mux(one)


def _window(whole: tuple[int, int], size: tuple[int, int]) -> str:
    """Return the filter that shows the middle; H.264 counts in pairs of pixels.

    What it says takes the place of the window that is there: whole blocks of 16 are coded, and
    1080 lines are 1088 of which 8 are not shown.
    """
    lost = [all_ - kept for all_, kept in zip(whole, size, strict=True)]
    if any(part < 0 or part % 2 for part in lost):
        raise InputError(f"a clip of {whole[0]}x{whole[1]} cannot be cut to {size[0]}x{size[1]}.")
    # Columns are cut at the right alone: FFmpeg's decoder passes over a left edge that is not
    # aligned in memory, and shows the frame two pixels wider than the file says.
    left, top = 0, lost[1] // 4 * 2
    return (
        f"h264_metadata=crop_left={left}:crop_right={lost[0] - left + -whole[0] % 16}"
        f":crop_top={top}:crop_bottom={lost[1] - top + -whole[1] % 16}"
    )
