"""What the local endpoints that give text do: parameters and files in, text out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from providers.errors import InputError
from providers.json_fields import fields_in
from providers.local.description import described
from providers.local.image import open_image
from providers.local.wording import json_text, plain_text


def describe(parameters: Mapping[str, Any], inputs: Mapping[str, Any], take: int) -> str:
    """Return what is measured of `images`, one sentence or two for each."""
    paths: list[Path] = inputs["images"]
    found = [described(image, image.size) for image in map(open_image, paths)]
    if len(found) == 1:
        return found[0]
    return "\n".join(f"{number}. {words}" for number, words in enumerate(found, 1))


def write(parameters: Mapping[str, Any], inputs: Mapping[str, Any], take: int) -> str:
    """Return a text, or JSON where `fields` are asked for, put together from the prompt."""
    words = parameters.get("fields")
    if not words:
        return plain_text(inputs["prompt"], take)
    try:
        fields = fields_in(str(words))
    except ValueError as error:
        raise InputError(f"fields: {error}") from None
    return json_text(inputs["prompt"], fields, take)
