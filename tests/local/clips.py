"""Small clips and sounds for the tests, each made in hundredths of a second."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from PIL import Image

from providers.local.audio import encode_sound
from providers.local.clip_file import write_clip
from providers.local.sound import CLIP_RATE, Sound, read_sound
from providers.local.upright import from_rgb

FPS = 10
RED, GREEN, BLUE = (200, 30, 40), (30, 160, 60), (40, 60, 190)


def tone(seconds: float, rate: int = CLIP_RATE, channels: int = 2, hertz: float = 440) -> Sound:
    row = 0.3 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)
    return Sound(np.stack([row.astype(np.float32)] * channels), rate)


def a_sound(path: Path, seconds: float, form: str = "wav", rate: int = 44_100) -> Path:
    path.write_bytes(encode_sound(tone(seconds, rate, 1).samples, rate, form))
    return path


def a_clip(
    path: Path,
    seconds: float = 1.0,
    size: tuple[int, int] = (64, 48),
    colours: tuple[tuple[int, int, int], ...] = (RED, GREEN),
    heard: float | None = None,
    fps: int = FPS,
) -> Path:
    """Write a clip that shows its colours one after another, each for as long."""
    count = round(seconds * fps)
    stills = [np.asarray(Image.new("RGB", size, colour)) for colour in colours]
    frames = (from_rgb(stills[number * len(stills) // count]) for number in range(count))
    sound = None if heard is None else tone(heard)
    path.write_bytes(write_clip(frames, Fraction(fps), sound, fast=True))
    return path


def seconds_of(path: Path) -> dict[str, float]:
    """The length of each stream, as the file states it."""
    with av.open(str(path)) as container:
        return {
            stream.type: float((stream.duration or 0) * (stream.time_base or 0))
            for stream in container.streams
        }


def colours_of(path: Path) -> list[str]:
    """The strongest of red, green and blue in the middle of every frame."""
    with av.open(str(path)) as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    middles = [frame[frame.shape[0] // 2, frame.shape[1] // 2] for frame in frames]
    return ["RGB"[int(np.argmax(middle))] for middle in middles]


def packets_of(path: Path) -> list[bytes]:
    """The coded pictures, as they lie in the file."""
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(video=0) if packet.size]


def loudness(path: Path, start: float, end: float) -> float:
    """How loud the sound is between two seconds, 0 to 1."""
    sound = read_sound(path)
    part = sound.samples[:, round(start * sound.rate) : round(end * sound.rate)]
    return float(np.sqrt(np.mean(part**2))) if part.size else 0.0
