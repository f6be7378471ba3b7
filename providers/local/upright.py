"""Frames as people see them: turned as the camera was held, and with square pixels."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation
from av.video.stream import VideoStream

_BT709 = 1  # in a frame


def upright_size(frame: VideoFrame, stream: VideoStream) -> tuple[int, int]:
    """Return width and height of a frame as it is to be shown, in square pixels."""
    aspect = stream.sample_aspect_ratio or Fraction(1)
    width = round(frame.width * aspect) if 0.1 < aspect < 10 else frame.width
    return (frame.height, width) if frame.rotation % 180 else (width, frame.height)


def upright(frame: VideoFrame, size: tuple[int, int]) -> VideoFrame:
    """Return the frame in yuv420p at `size`, upright; the sides of `size` are even."""
    turns = round(frame.rotation / 90) % 4
    if turns:
        pixels = np.rot90(frame.to_ndarray(format="rgb24"), turns)
        frame = from_rgb(np.ascontiguousarray(pixels))
    if (frame.width, frame.height) == size and frame.format.name == "yuv420p":
        return frame
    return frame.reformat(*size, format="yuv420p", interpolation=Interpolation.LANCZOS)


def from_rgb(pixels: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> VideoFrame:
    """Return a frame with colours as HD players read them (BT.709); even sides only."""
    frame = VideoFrame.from_ndarray(pixels, format="rgb24")
    return frame.reformat(format="yuv420p", dst_colorspace="ITU709", dst_color_range="MPEG")


def alike(frame: VideoFrame, other: VideoFrame) -> VideoFrame:
    """Return `frame` with the word of `other` on how its colours are to be read."""
    frame.colorspace, frame.color_range = other.colorspace, other.color_range
    frame.color_primaries, frame.color_trc = other.color_primaries, other.color_trc
    return frame


def bt709(frame: VideoFrame) -> VideoFrame:
    """Return the frame with colours that are read as BT.709, whatever it came with."""
    if frame.colorspace == _BT709:
        return frame
    return frame.reformat(dst_colorspace="ITU709", dst_color_range="MPEG")
