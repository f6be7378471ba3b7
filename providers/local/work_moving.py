"""What the local endpoints for clips and sounds do: parameters and files in, bytes out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PIL import Image

from providers.catalog.shape import MATCH
from providers.local.audio import ambience, speech_tone
from providers.local.clip_frames import open_clip
from providers.local.edit import crop, parse_aspect
from providers.local.image import encode_png, open_image
from providers.local.video import (
    clip_from_picture,
    concat,
    crop_clip,
    extract_frame,
    mux,
    resize_clip,
    trim,
)

_LONGEST_SIDE = 1280  # pixels of a drawn clip


def animate(parameters: Mapping[str, Any], inputs: Mapping[str, Any], take: int) -> bytes:
    """Return an MP4 that moves into `image`, and fades to `end_image` where there is one."""
    image = in_aspect(open_image(inputs["image"]), parameters)
    end = in_aspect(open_image(inputs["end_image"]), parameters) if "end_image" in inputs else None
    shrink = min(1.0, _LONGEST_SIDE / max(image.size))
    width, height = (max(16, round(side * shrink / 2) * 2) for side in image.size)
    seconds, with_sound = float(parameters.get("seconds", 5)), bool(parameters.get("audio", False))
    fps = float(parameters.get("fps", 24))
    return clip_from_picture(image, seconds, width, height, fps, with_sound, end)


def in_aspect(image: Image.Image, parameters: Mapping[str, Any]) -> Image.Image:
    """Return the middle of the picture in the aspect ratio that is asked for, if any is."""
    aspect = parameters.get("aspect_ratio", MATCH)
    return image if aspect == MATCH else crop(image, aspect=aspect)


def speak(parameters: Mapping[str, Any], inputs: Mapping[str, Any], take: int) -> bytes:
    """Return a WAV with one note for each word of `text`."""
    return speech_tone(inputs["text"], speed=float(parameters.get("speed", 1)))


def hum(parameters: Mapping[str, Any], inputs: Mapping[str, Any], take: int) -> bytes:
    """Return a WAV with a soft chord of the prompt's own."""
    seed = int(parameters.get("seed", 0)) + take - 1
    return ambience(inputs["prompt"], float(parameters.get("seconds", 10)), seed)


def lay_sound(parameters: Mapping[str, Any], inputs: Mapping[str, Any], take: int) -> bytes:
    """Return `video` with `audio` as an MP4."""
    return mux(
        inputs["video"],
        inputs["audio"],
        offset_seconds=float(parameters.get("offset_seconds", 0)),
        mode=parameters.get("mode", "replace"),
        length=parameters.get("length", "video"),
    )


def join(parameters: Mapping[str, Any], inputs: Mapping[str, Any], take: int) -> bytes:
    """Return `videos` one after another, at the first one's size and frames where not given."""
    paths: list[Path] = inputs["videos"]
    width, height, fps = (parameters.get(name) for name in ("width", "height", "fps"))
    if paths and not (width and height and fps):
        first = open_clip(paths[0])
        wide, high = first.size
        if not width:
            width = round(height * wide / high / 2) * 2 if height else wide
        if not height:
            height = round(width * high / wide / 2) * 2
        fps = fps or float(first.rate)
    return concat(paths, int(width or 0), int(height or 0), float(fps or 0))


def take_frame(parameters: Mapping[str, Any], inputs: Mapping[str, Any], take: int) -> bytes:
    """Return one frame of `video` as a PNG."""
    at = parameters.get("seconds", parameters.get("at", "first"))
    return encode_png(extract_frame(inputs["video"], at))


def trim_clip(parameters: Mapping[str, Any], inputs: Mapping[str, Any], take: int) -> bytes:
    """Return the first seconds of `video`."""
    return trim(inputs["video"], float(parameters["seconds"]))


def scale_clip(parameters: Mapping[str, Any], inputs: Mapping[str, Any], take: int) -> bytes:
    """Return `video` at another size."""
    return resize_clip(inputs["video"], parameters.get("width"), parameters.get("height"))


def cut_clip(parameters: Mapping[str, Any], inputs: Mapping[str, Any], take: int) -> bytes:
    """Return the middle of `video`: the largest of an aspect, or exact pixels."""
    width, height = parameters.get("width"), parameters.get("height")
    clip = open_clip(inputs["video"])
    if "aspect_ratio" in parameters:
        aspect = parse_aspect(parameters["aspect_ratio"], "crop_clip")
        width = min(clip.size[0], round(clip.size[1] * aspect / 2) * 2)
        height = min(clip.size[1], round(clip.size[0] / aspect / 2) * 2)
    return crop_clip(inputs["video"], width or clip.size[0], height or clip.size[1])
