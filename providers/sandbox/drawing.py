"""What a job really makes of its input, with the means of this machine: no plain stand-ins."""

from __future__ import annotations

import hashlib
import io
import tempfile
import wave
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from providers.errors import InputError
from providers.local.audio import ambience, encode_sound, speech_tone
from providers.local.clip_frames import open_clip
from providers.local.cutout import remove_background
from providers.local.edit import crop, resize
from providers.local.image import open_image
from providers.local.sound import Sound
from providers.local.standin import draw_photo
from providers.local.video import clip_from_picture, concat, crop_clip, extract_frame, mux
from providers.sandbox.endpoints import Endpoint
from providers.sandbox.jobs import Job
from providers.sandbox.made import FORMATS, is_heard, sound_rate, speed_of, spoken_text
from providers.sandbox.plain import encoded

_WORDLESS = "a"  # what is spoken of a text without a word


def drawn(endpoint: Endpoint, job: Job, index: int, inputs: Sequence[Path]) -> bytes:
    """Return one of the job's outputs as a file.

    Raises:
        InputError: an input turns out to be broken.
    """
    if endpoint.kind in _FILES:
        return _FILES[endpoint.kind](endpoint, job, inputs)
    return encoded(_picture(endpoint, job, index, inputs), FORMATS[job.format])


def _picture(endpoint: Endpoint, job: Job, index: int, inputs: Sequence[Path]) -> Image.Image:
    if endpoint.kind == "remove-background":
        return remove_background(open_image(inputs[0]))
    if endpoint.kind == "upscale":
        return resize(open_image(inputs[0]), job.width, job.height)
    if endpoint.kind == "extract-frame":
        return extract_frame(inputs[0], str(endpoint.value(job.given, "frame_type")))
    prompt = _prompt(endpoint, job)
    if inputs:
        return _edited(open_image(inputs[0]), prompt, job.width, job.height)
    return _photo(endpoint, job, index)


def _photo(endpoint: Endpoint, job: Job, index: int) -> Image.Image:
    seed = _seed(job) + 1000 * index
    return draw_photo(_prompt(endpoint, job), job.width, job.height, seed)


def _prompt(endpoint: Endpoint, job: Job) -> str:
    default = endpoint.fields["prompt"].default if "prompt" in endpoint.fields else None
    return str(job.given.get("prompt") or default or "anything")


def _seed(job: Job) -> int:
    """Return the seed; without the caller's, asking again gives another, as at a vendor."""
    seed = job.given.get("seed")
    return job.repeat if seed is None else int(seed)


def _edited(image: Image.Image, prompt: str, width: int, height: int) -> Image.Image:
    """Return the picture at its new size in a light that depends on the prompt."""
    wide, high = image.size
    ratio = width / height
    inside = (min(wide, max(1, round(high * ratio))), min(high, max(1, round(wide / ratio))))
    fitted = resize(crop(image, width=inside[0], height=inside[1]), width, height).convert("RGB")
    red, green, blue = hashlib.sha256(prompt.encode()).digest()[:3]
    return Image.blend(fitted, Image.new("RGB", fitted.size, (red, green, blue)), 0.15)


def _clip(endpoint: Endpoint, job: Job, inputs: Sequence[Path]) -> bytes:
    pictures = [open_image(path) for path in inputs[:2]]
    first = pictures[0] if pictures else _photo(endpoint, job, 0)
    last = pictures[1] if len(pictures) > 1 else None
    size = (job.width, job.height)
    heard = is_heard(endpoint, job.given)
    return clip_from_picture(first, job.lasts_seconds, *size, job.fps, heard, last)


def _speech(endpoint: Endpoint, job: Job, inputs: Sequence[Path]) -> bytes:
    rate = sound_rate(endpoint, job.given)
    text, speed = spoken_text(endpoint, job.given), speed_of(endpoint, job.given)
    try:
        data = speech_tone(text, rate, speed)
    except InputError:
        data = speech_tone(_WORDLESS, rate)
    return _as(job, data)


def _sounds(endpoint: Endpoint, job: Job, inputs: Sequence[Path]) -> bytes:
    prompt = spoken_text(endpoint, job.given) or "anything"
    return _as(job, ambience(prompt, job.lasts_seconds, _seed(job)))


def _as(job: Job, data: bytes) -> bytes:
    """Return a 16-bit WAV at the job's length and in its format."""
    with wave.open(io.BytesIO(data)) as file:
        rate, channels = file.getframerate(), file.getnchannels()
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
    rows = (samples.reshape(-1, channels).T / 32768).astype(np.float32)
    fitted = Sound(rows, rate).fitted(job.lasts_seconds)
    return encode_sound(fitted.samples, rate, job.format)


def _muxed(endpoint: Endpoint, job: Job, inputs: Sequence[Path]) -> bytes:
    offset = float(endpoint.value(job.given, "start_offset") or 0)
    return mux(inputs[0], inputs[1], offset_seconds=offset, length="video")


def _joined(endpoint: Endpoint, job: Job, inputs: Sequence[Path]) -> bytes:
    """Return the clips one after another; of one with another shape the middle is kept."""
    with tempfile.TemporaryDirectory(prefix="sandbox-") as folder:
        fitted = []
        for number, path in enumerate(inputs):
            wide, high = open_clip(path).size
            width = min(wide, round(high * job.width / job.height / 2) * 2)
            height = min(high, round(wide * job.height / job.width / 2) * 2)
            if (width, height) != (wide, high):
                part = Path(folder) / f"{number}.mp4"
                part.write_bytes(crop_clip(path, width, height))
                path = part
            fitted.append(path)
        return concat(fitted, job.width, job.height, job.fps)


_FILES: Mapping[str, Callable[[Endpoint, Job, Sequence[Path]], bytes]] = {
    "image-to-video": _clip,
    "text-to-speech": _speech,
    "text-to-audio": _sounds,
    "merge-audio-video": _muxed,
    "merge-videos": _joined,
}
