"""What is wrong with a picture, clip or sound that was sent, in the vendor's words for it."""

from __future__ import annotations

from collections.abc import Iterator

from providers.local.facts import MediaFacts
from providers.sandbox.clip_sizes import ratio_in
from providers.sandbox.endpoints import Limit
from providers.sandbox.problems import Problem

# The word of `limits` for a kind of media, and fal's word in the type of its error.
_KINDS = {"picture": "image", "clip": "video", "sound": "audio"}


def too_heavy(field: str, limit: Limit, size_bytes: int) -> Problem | None:
    """Return the problem of a file that is refused before anybody looks into it."""
    if limit.max_bytes is None or size_bytes <= limit.max_bytes:
        return None
    message = f"File size exceeds the maximum allowed size of {limit.max_bytes} bytes."
    return Problem(field, "file_too_large", message, {"max_size": limit.max_bytes})


def unreadable(field: str, what: str) -> Problem:
    """Return the problem of bytes that are no picture, clip or sound, as the field needs one."""
    if what not in ("clip", "sound"):
        return Problem(field, "image_load_error", "Failed to load the image.")
    kind = _KINDS[what]
    return Problem(field, f"unsupported_{kind}_format", f"Unsupported {kind} format.")


def beyond(field: str, what: str, limit: Limit, facts: MediaFacts) -> Problem | None:
    """Return the first limit that the file is beyond, or None."""
    form = facts.media_type.partition("/")[2]
    if limit.formats and form not in limit.formats:
        kind = _KINDS[what]
        message = f"Unsupported {kind} format. Supported formats: {', '.join(limit.formats)}."
        context = {"supported_formats": list(limit.formats)}
        return Problem(field, f"unsupported_{kind}_format", message, context)
    if facts.width is None or facts.height is None:
        return None
    return next(_sides(field, limit, facts.width, facts.height), None)


def _sides(field: str, limit: Limit, width: int, height: int) -> Iterator[Problem]:
    least = (limit.min_width or limit.min_side or 1, limit.min_height or limit.min_side or 1)
    if width < least[0] or height < least[1]:
        message = f"Image is too small. It needs at least {least[0]}x{least[1]} pixels."
        context = {"min_width": least[0], "min_height": least[1]}
        yield Problem(field, "image_too_small", message, context)
    most = limit.max_side
    if most is not None and max(width, height) > most:
        message = f"Image is too large. It may have up to {most}x{most} pixels."
        yield Problem(field, "image_too_large", message, {"max_width": most, "max_height": most})
    if limit.max_pixels is not None and width * height > limit.max_pixels:
        message = f"Image is too large. It may have up to {limit.max_pixels} pixels."
        yield Problem(field, "image_too_large", message, {"max_pixels": limit.max_pixels})
    yield from _aspects(field, limit, width, height)


def _aspects(field: str, limit: Limit, width: int, height: int) -> Iterator[Problem]:
    """Yield what is wrong with the shape; no vendor documents a type for it."""
    if limit.exact_aspect and abs(width / (ratio_in(limit.exact_aspect) or 1) - height) > 1:
        message = f"The aspect ratio of the image must be {limit.exact_aspect}."
        yield Problem(field, "value_error", message, {"aspect_ratio": limit.exact_aspect})
    low, high = limit.min_aspect or 0, limit.max_aspect or float("inf")
    if not low <= width / height <= high:
        message = f"The aspect ratio of the image must be between {low:.4g} and {high:.4g}."
        yield Problem(field, "value_error", message, {"min_aspect": low, "max_aspect": high})
