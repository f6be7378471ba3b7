"""Turn the researched model facts into the sandbox's own vendor files.

    python -m providers.sandbox.convert PATH/models.json

Run by hand when the facts change; the same facts always give the same files. It reads nothing of
the catalog. What is a guess of ours rather than a fact (latencies) is marked so in the output.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from providers.sandbox.convert_media import (
    TEXT_KINDS,
    clip_size,
    limits_of,
    made_by,
    text_limits,
)
from providers.sandbox.convert_price import price_of

VENDORS = ("bfl", "bria", "fal", "replicate")
FOLDER = Path(__file__).parent / "vendors"
Facts = Mapping[str, Any]

# Our own estimates: no vendor states a latency.
LATENCY_SECONDS = {
    "text-to-image": 8,
    "image-edit": 10,
    "remove-background": 4,
    "upscale": 14,
    "image-to-video": 60,
    "text-to-speech": 3,
    "text-to-audio": 8,
    "merge-audio-video": 6,
    "merge-videos": 8,
    "extract-frame": 2,
    "text-generation": 4,
    "image-to-text": 5,
}

_TYPES = {
    "string": "text",
    "secret": "text",
    "integer": "integer",
    "number": "number",
    "boolean": "boolean",
    "enum": "choice",
    "string_enum": "choice",
    "enum|object": "size",
    "uri": "url",
    "uri[]": "pictures",
    "rgb": "object",
    "rgb[]": "objects",
    "object[]": "objects",
}
# Fields that hold media, by their names; "uri" and "uri[]" say no more than that.
_MEDIA = (
    ("picture", re.compile(r"(^|_)(image|mask)(_url|_\d)?$|^last_frame$")),
    ("clip", re.compile(r"^video(s|_urls?)$")),
    ("sound", re.compile(r"^audio_(url|prompt)$")),
)
# "owner/name" or "owner/name:version": other words at Replicate are no single model.
_ONE_MODEL = re.compile(r"[\w.-]+/[\w.-]+(:[0-9a-f]{64})?")
_SCALES = ("upscale_factor", "scale_factor", "scale")
_FORMATS = ("output_format", "format")
_COUNTS = ("num_images", "num_outputs", "number_of_images")


def convert(models: list[Facts]) -> dict[str, list[dict[str, Any]]]:
    """Return the endpoints of each vendor, sorted by name."""
    found: dict[str, list[dict[str, Any]]] = {vendor: [] for vendor in VENDORS}
    for model in models:
        if str(model["status"]).startswith("retired"):
            continue
        for binding in model["bindings"]:
            kind = _kind(model, binding)
            if binding["provider"] in VENDORS and kind in LATENCY_SECONDS:
                found[binding["provider"]].append(_endpoint(model, binding, kind))
    return {
        vendor: sorted(entries, key=lambda entry: str(entry["endpoint"]))
        for vendor, entries in found.items()
    }


def _kind(model: Facts, binding: Facts) -> str | None:
    """Return the kind of work, or None where the facts name no endpoint."""
    kind: str = binding.get("kind") or model["kind"]
    if binding["provider"] == "replicate" and not _ONE_MODEL.fullmatch(binding["endpoint"]):
        return None
    return binding["endpoint"].rsplit("/", 1)[-1] if kind == "video-compose" else kind


def _endpoint(model: Facts, binding: Facts, kind: str) -> dict[str, Any]:
    name, vendor = str(model.get("id")), binding["provider"]
    fields = {
        field["name"]: _field(field) | text_limits(name, field["name"])
        for field in map(_unremarked, binding["params"])
    }
    # "input_image, input_image_2 .. input_image_8(9)": only the first is written out.
    if "input_image_2" in str(binding["input_map"].get("images")):
        for number in range(2, 9):
            fields[f"input_image_{number}"] = dict(fields["input_image"])
    entry: dict[str, Any] = {
        "endpoint": _path(binding["endpoint"]),
        "kind": kind,
        "fields": fields,
        "output": _output(binding),
        "size": (
            clip_size(name, vendor, fields)
            if kind == "image-to-video"
            else _size(kind, fields) | _area(binding)
        ),
        "format_field": next((name for name in _FORMATS if name in fields), None),
        "count_field": next((name for name in _COUNTS if name in fields), None),
        "price": price_of(binding["price"], kind, fields),
        "latency": _latency(model, binding, kind),
    }
    entry |= made_by(name, vendor, kind, fields)
    if limits := limits_of(name, vendor, fields):
        entry["limits"] = limits
    if vendor == "replicate":
        entry["official"] = bool(binding.get("official"))
        entry["version"] = _version(binding)
    return entry


def _unremarked(field: Facts) -> Facts:
    """Return the field without the remark of a name such as "duration (string)"."""
    return {**field, "name": field["name"].split(" ")[0]}


def _path(endpoint: str) -> str:
    """Return "POST https://host/v1/x" as "/v1/x", and an app id or model name unchanged."""
    match = re.match(r"POST https://[^/]+(/.*)", endpoint)
    return match.group(1) if match else endpoint


def _version(binding: Facts) -> str | None:
    _, _, version = binding["endpoint"].partition(":")
    seen: str | None = binding.get("version_seen")
    return version or seen


def _field(facts: Facts) -> dict[str, Any]:
    kind = _TYPES[facts["type"]]
    if kind in ("url", "text", "pictures"):
        plural = "s" if kind == "pictures" else ""
        media = (word for word, name in _MEDIA if name.search(facts["name"]))
        kind = next((word + plural for word in media), kind)
    field: dict[str, Any] = {"type": kind}
    if facts.get("required"):
        field["required"] = True
    if facts.get("default") is not None:
        default = facts["default"]
        field["default"] = str(default) if facts["type"] == "string_enum" else default
    options = [option for option in facts.get("enum", ()) if option != "(width,height)"]
    if kind == "integer" and options:
        field["type"], options = "choice", [int(option) for option in options]
    elif kind == "choice" and not options:
        field["type"] = "text"  # which words it takes is not known
    if options:
        field["options"] = options
    return field | _range(str(facts.get("range") or ""), kind)


def _range(text: str, kind: str) -> dict[str, Any]:
    """Return what "256..2048, x16", "max 8" or "10000 chars" says; words beyond that are notes."""
    found: dict[str, Any] = {}
    if match := re.match(r"(\d+) chars", text):
        found["max_length"] = int(match.group(1))
    elif kind == "pictures" and (match := re.match(r"max (\d+)", text)):
        found["max_items"] = int(match.group(1))
    elif kind == "size" and (match := re.match(r"(\d+)\.\.(\d+) per side", text)):
        found["minimum"], found["maximum"] = int(match.group(1)), int(match.group(2))
    elif kind in ("integer", "number"):
        if match := re.match(r"([\d.]*\d)\.\.([\d.]*\d)?", text):
            found["minimum"] = _number(match.group(1))
            if match.group(2):
                found["maximum"] = _number(match.group(2))
        if match := re.search(r"x(\d+)", text):
            found["multiple_of"] = int(match.group(1))
    return found


def _number(text: str) -> int | float:
    return float(text) if "." in text else int(text)


def _output(binding: Facts) -> dict[str, Any]:
    """Return the shape of the answer and which facts stand beside the picture."""
    path = binding["output_path"].split(" ")[0]
    if path.startswith('"".join('):  # pieces of one text, in a list
        return {"path": "output", "extras": [], "measured": False, "pieces": True}
    schema = binding.get("output_schema") or {}
    picture = str(schema.get("images[]") or schema.get("image") or "")
    extras = [name.removesuffix("[]") for name in schema if name.split("[")[0] not in _SHAPES]
    return {
        "path": path,
        "extras": [name for name in extras if not name.startswith("mask_image")],
        "measured": "no width/height" not in picture,
    }


_SHAPES = ("images", "image", "video", "audio", "output")


def _size(kind: str, fields: Facts) -> dict[str, Any]:
    """Return the rule for the size of the picture."""
    if kind in ("remove-background", "extract-frame", "merge-audio-video"):
        return {"rule": "input"}
    if kind == "merge-videos":
        return {"rule": "least", "field": "resolution"}
    if kind in ("text-to-speech", "text-to-audio", *TEXT_KINDS):
        return {"rule": "none"}
    if kind == "upscale":
        return {"rule": "scale", "field": next(name for name in _SCALES if name in fields)}
    if "image_size" in fields:
        return {"rule": "preset", "field": "image_size"}
    if "aspect_ratio" in fields:
        area = next((name for name in ("resolution", "megapixels") if name in fields), None)
        return {"rule": "aspect", "field": "aspect_ratio", "area_field": area}
    return {"rule": "sides"}


def _area(binding: Facts) -> dict[str, Any]:
    """Return the limit of both sides together, which the facts state with the width."""
    ranges = " ".join(str(field.get("range")) for field in binding["params"])
    match = re.search(r"total<=(\d+)MP", ranges)
    return {"max_megapixels": int(match.group(1))} if match else {}


def _latency(model: Facts, binding: Facts, kind: str) -> dict[str, Any]:
    facts = model.get("latency") or {}
    typical = facts.get(f"{binding['provider']}_typical_s") or facts.get("estimate_s")
    if typical is not None:
        return {"usual_seconds": typical, "source": facts.get("source")}
    return {"usual_seconds": LATENCY_SECONDS[kind], "source": "our estimate"}


def main(arguments: list[str]) -> int:
    """Write vendors/*.json from the file of facts that is named."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m providers.sandbox.convert PATH/models.json\n")
        return 2
    models = json.loads(Path(arguments[0]).read_text(encoding="utf-8"))
    for vendor, endpoints in convert(models).items():
        text = json.dumps({"vendor": vendor, "endpoints": endpoints}, indent=1, ensure_ascii=False)
        (FOLDER / f"{vendor}.json").write_text(text + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
