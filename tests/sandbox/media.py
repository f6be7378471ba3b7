"""The endpoints for clips and sounds, each with an input that its vendor takes."""

from __future__ import annotations

from typing import Any

KLING = "fal-ai/kling-video/v2.5-turbo/pro/image-to-video"
SEEDANCE = "fal-ai/bytedance/seedance/v1/pro/image-to-video"
LUMA = "fal-ai/luma-dream-machine/ray-2/image-to-video"
SVD = "fal-ai/stable-video"
VEO = "fal-ai/veo3.1/fast/image-to-video"
SPEECH = "fal-ai/elevenlabs/tts/multilingual-v2"
CHATTERBOX = "fal-ai/chatterbox/text-to-speech"
SFX = "fal-ai/elevenlabs/sound-effects/v2"
AMBIENCE = "fal-ai/stable-audio-25/text-to-audio"
MUX = "fal-ai/ffmpeg-api/merge-audio-video"
JOIN = "fal-ai/ffmpeg-api/merge-videos"
FRAME = "fal-ai/ffmpeg-api/extract-frame"

SVD_AT_REPLICATE = "3f0457e4619daac51203dedb472816fd4af51f3149fa7a9e0b5ffcf1b8172438"


def moved(image: str, **more: Any) -> dict[str, Any]:
    """Return the input of an endpoint that takes a picture and a prompt."""
    return {"prompt": "it turns", "image_url": image} | more
