"""The texts that language models answer with here, made by the stand-ins of this machine.

A text is written when its job is accepted, for it says how many tokens are billed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from math import ceil
from pathlib import Path
from typing import Any

from providers.errors import InputError
from providers.json_fields import fields_asked
from providers.local.description import described
from providers.local.image import open_image
from providers.local.wording import json_text, plain_text
from providers.sandbox.endpoints import Endpoint
from providers.sandbox.inputs import Medium
from providers.sandbox.jobs import Job

CHARACTERS_OF_A_TOKEN = 4
TOKENS_OF_A_PICTURE = 258
_SYSTEM = ("system_prompt", "system_instruction")
_LONGEST = ("max_tokens", "max_completion_tokens", "max_output_tokens")
_PIECE = 24  # characters of one of the pieces in which Replicate gives a text
_CHATTER = "Sure! Here is what you asked for:\n\n"


async def written(
    endpoint: Endpoint, given: Mapping[str, Any], media: Sequence[Medium], folder: Path
) -> dict[str, Any]:
    """Return the text of a job and the tokens it is billed for; nothing for what gives no text."""
    if endpoint.output_kind != "text":
        return {}
    prompt = str(given.get("prompt") or "")
    seen = [folder / medium.name for medium in media if medium.kind == "image"]
    text = await asyncio.to_thread(_answer, prompt, seen)
    limits = [endpoint.value(given, name) for name in _LONGEST]
    longest = min((limit for limit in limits if isinstance(limit, int)), default=4096)
    text = text[: longest * CHARACTERS_OF_A_TOKEN]  # as a model stops in the middle of a word
    said = prompt + "".join(str(given.get(name) or "") for name in _SYSTEM)
    tokens = [_tokens(said) + TOKENS_OF_A_PICTURE * len(seen), _tokens(text)]
    return {"text": text, "tokens": tokens}


def _answer(prompt: str, pictures: Sequence[Path]) -> str:
    try:
        fields = fields_asked(prompt)
    except ValueError:
        fields = ()
    if fields:
        return json_text(prompt, fields)
    try:
        opened = [open_image(path) for path in pictures]
    except InputError:
        opened = []  # its header was sound, or it would not have come so far
    if opened:
        return "\n".join(described(image, image.size) for image in opened)
    return plain_text(prompt)


def _tokens(text: str) -> int:
    return ceil(len(text) / CHARACTERS_OF_A_TOKEN)


def tokens_of(note: Mapping[str, Any]) -> tuple[int, int]:
    """Return the tokens that were given to a job and made by it."""
    given, made = note.get("tokens", (0, 0))
    return given, made


def text_of(job: Job) -> str:
    """Return the text that a job's answer holds, or what a fault makes of it."""
    text = str(job.note.get("text", ""))
    if job.fault("empty_output"):
        return ""
    if job.fault("truncated"):
        return text[: len(text) // 2]
    return _CHATTER + text if job.fault("chatty") else text


def pieces_of(job: Job) -> list[str]:
    """Return the same in pieces."""
    text = text_of(job)
    return [text[start : start + _PIECE] for start in range(0, len(text), _PIECE)]


def counts_of(job: Job) -> dict[str, int]:
    """Return the tokens as Replicate's metrics count them; nothing for what gives no text."""
    given, made = tokens_of(job.note)
    counts = {"input_token_count": given, "output_token_count": made}
    return counts if "tokens" in job.note else {}


def usage_of(job: Job) -> dict[str, int]:
    """Return the tokens as fal's answers count them."""
    given, made = tokens_of(job.note)
    return {"prompt_tokens": given, "completion_tokens": made, "total_tokens": given + made}
