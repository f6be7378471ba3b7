"""What the facts say only in prose: limits of what is sent, and sizes and lengths of what is made.

Each entry names its source. A guess is called one, here and in the vendor file.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Facts = Mapping[str, Any]
_EVERY = ("bfl", "bria", "fal", "replicate")

# Model, vendors, what is limited, the limit. Sides and pixels are of the upright picture.
_LIMITS: tuple[tuple[str, tuple[str, ...], str, Facts], ...] = (
    (
        "kling-2.5-turbo-pro",
        _EVERY,
        "picture",
        {
            "formats": ["jpeg", "png"],
            "max_bytes": 10_000_000,
            "min_side": 300,
            "min_aspect": 0.4,
            "max_aspect": 2.5,
            "source": "Kling's own API description; that fal takes more formats is not relied on",
        },
    ),
    (
        "seedance",
        _EVERY,
        "picture",
        {
            "formats": ["jpeg", "png", "webp"],
            "max_bytes": 30_000_000,
            "min_side": 300,
            "max_side": 6000,
            "min_aspect": 0.4,
            "max_aspect": 2.5,
            "source": "ByteDance's text for 2.0, taken for 1.0 as well",
        },
    ),
    (
        "stable-video-diffusion",
        ("fal",),
        "picture",
        {
            "min_width": 1024,
            "min_height": 576,
            "exact_aspect": "16:9",
            "source": "its native size; that another is refused is ours, it would be distorted",
        },
    ),
    (
        "bria-rmbg-2",
        ("fal", "replicate"),
        "picture",
        {
            "formats": ["jpeg", "png", "webp"],
            "max_bytes": 12_000_000,
            "source": "Bria's API description",
        },
    ),
    (
        "bria-rmbg-2",
        ("bria",),
        "picture",
        {
            "formats": ["jpeg", "png"],
            "max_bytes": 12_000_000,
            "source": "Bria's API description: the stricter of its two lists",
        },
    ),
    (
        "flux-kontext-pro",
        _EVERY,
        "picture",
        {
            "formats": ["jpeg", "png", "gif", "webp"],
            "min_aspect": 3 / 7,
            "max_aspect": 7 / 3,
            "source": "BFL's range of shapes and the formats of its API",
        },
    ),
    (
        "birefnet",
        _EVERY,
        "picture",
        {
            "formats": ["jpeg", "png", "webp"],
            "source": "not stated by a vendor: the formats that all agree on",
        },
    ),
    (
        "vision-caption",
        ("replicate",),
        "picture",
        {
            "formats": ["jpeg", "png", "webp"],
            "max_bytes": 7_000_000,
            "source": "7 MB by the version's schema; the formats are those that all agree on",
        },
    ),
    (
        "vision-caption",
        ("fal",),
        "picture",
        {
            "formats": ["jpeg", "png", "webp"],
            "source": "not stated by fal: the formats that all agree on",
        },
    ),
    (
        "real-esrgan",
        ("replicate",),
        "picture",
        {"max_pixels": 2_096_704, "source": "the error text of nightmareai/real-esrgan"},
    ),
    (
        "ffmpeg-merge",
        ("fal",),
        "clip",
        {
            "formats": ["mp4", "quicktime", "webm"],
            "source": "not stated by fal: what browsers play",
        },
    ),
    (
        "ffmpeg-merge",
        ("fal",),
        "sound",
        {
            "formats": ["mpeg", "wav", "mp4", "ogg", "aac", "flac"],
            "source": "not stated by fal: what FFmpeg reads of what is common",
        },
    ),
)

_ROUTED = ("google/gemini-2.5-flash", "openai/gpt-4o-mini", "openai/gpt-4.1")

# Of a field: characters from the models' constraints; numbers and words from their own pages.
_TEXTS: Mapping[tuple[str, str], Mapping[str, Any]] = {
    ("kling-2.5-turbo-pro", "prompt"): {"max_length": 2500},
    ("recraft-v4", "prompt"): {"max_length": 10_000},
    ("elevenlabs-tts", "text"): {"max_length": 10_000},
    ("luma-ray-2", "prompt"): {"min_length": 3},
    # The router takes hundreds of models; a name that nobody has checked is refused here.
    ("llm-prompt-enhancer", "model"): {"type": "choice", "options": _ROUTED},
    ("vision-caption", "model"): {"type": "choice", "options": _ROUTED},
    ("llm-prompt-enhancer", "prompt"): {"required": True},  # or `messages`, which nobody sends
    ("llm-prompt-enhancer", "max_tokens"): {"minimum": 1},
    ("vision-caption", "max_tokens"): {"minimum": 1},
    ("vision-caption", "max_output_tokens"): {"minimum": 1, "maximum": 65_535},
    ("vision-caption", "temperature"): {"minimum": 0, "maximum": 2},
    ("vision-caption", "thinking_budget"): {"minimum": 0, "maximum": 24_576},
}

# How a clip's size follows: `short` and `area` by the word for the resolution ("" without one).
_SIZES: Mapping[str, Facts] = {
    "kling-2.5-turbo-pro": {"short": {"": 1080}, "longest": 1920, "image_wins": True},
    "seedance": {
        "area": {"480p": [864, 480], "720p": [1248, 704], "1080p": [1920, 1088]},
        "step": 32,
    },
    "luma-ray-2": {"short": {"540p": 540, "720p": 720, "1080p": 1080}},
    "veo-3-fast": {
        "short": {"720p": 720, "1080p": 1080, "4k": 2160},
        "nearest": ["16:9", "9:16"],
    },
}
_FIXED = {"stable-video-diffusion": {"rule": "fixed", "width": 1024, "height": 576}}

# How long the output is: a field with its seconds, or frames, or what is said or sent.
_LENGTHS: Mapping[tuple[str, str], Facts] = {
    ("seedance", "fal"): {"field": "duration", "frames_field": "num_frames"},
    ("seedance", "replicate"): {"field": "duration", "fps_field": "fps"},
    ("stable-video-diffusion", "fal"): {"frames": 25, "fps_field": "fps"},
    ("stable-video-diffusion", "replicate"): {
        "frames_field": "video_length",
        "fps_field": "frames_per_second",
    },
    ("elevenlabs-sfx", "fal"): {"field": "duration_seconds", "otherwise": 5},  # a guess
    ("stable-audio-2.5", "fal"): {"field": "seconds_total"},
}
_LENGTHS_OF_KINDS: Mapping[str, Facts] = {
    "image-to-video": {"field": "duration"},
    "text-to-speech": {"spoken": True},
    "merge-audio-video": {"inputs": "first"},
    "merge-videos": {"inputs": "all"},
}

# The file of a sound; a field with another format comes before it.
_SOUNDS: Mapping[str, Facts] = {
    "elevenlabs-tts": {"format": "mp3", "rate": 44_100},
    "elevenlabs-sfx": {"format": "mp3", "rate": 44_100},
    "chatterbox-tts": {"format": "wav", "rate": 24_000},
    "stable-audio-2.5": {"format": "wav", "rate": 44_100},
}
TEXT_KINDS = ("text-generation", "image-to-text")
_CLIPS = ("image-to-video", "merge-audio-video", "merge-videos")


def limits_of(model: str, vendor: str, fields: Facts) -> dict[str, Any]:
    """Return the limits of pictures, clips and sounds that this endpoint takes, by that word."""
    taken = {str(field["type"]).removesuffix("s") for field in fields.values()}
    return {
        what: dict(limit)
        for name, vendors, what, limit in _LIMITS
        if name == model and vendor in vendors and what in taken
    }


def text_limits(model: str, field: str) -> dict[str, Any]:
    """Return what a field takes, as far as only prose says it."""
    return dict(_TEXTS.get((model, field), {}))


def clip_size(model: str, vendor: str, fields: Facts) -> dict[str, Any]:
    """Return the rule for the size of a clip that a model makes."""
    if model in _FIXED:
        return dict(_FIXED[model])
    known: dict[str, Any] = {"rule": "clip", **_SIZES[model]}
    known |= {
        f"{name}_field": field
        for name, field in (("aspect", "aspect_ratio"), ("resolution", "resolution"))
        if field in fields
    }
    # Seedance at Replicate takes no notice of the aspect where a picture is given.
    return known | ({"image_wins": True} if (model, vendor) == ("seedance", "replicate") else {})


def made_by(model: str, vendor: str, kind: str, fields: Facts) -> dict[str, Any]:
    """Return what says how long the output is and of which kind; nothing of a picture."""
    if kind in TEXT_KINDS:
        return {"makes": {"kind": "text"}}
    if kind not in _CLIPS and model not in _SOUNDS:
        return {}
    length = _LENGTHS.get((model, vendor)) or _LENGTHS_OF_KINDS[kind]
    makes: dict[str, Any] = {"kind": "sound", **_SOUNDS[model]} if model in _SOUNDS else {}
    if not makes:
        makes = {"kind": "clip"}
        if "generate_audio" in fields:
            makes["sound_field"] = "generate_audio"
    return {"length": dict(length), "makes": makes}
