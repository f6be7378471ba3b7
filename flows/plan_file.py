"""A plan as a file: what it was made of, so that a run can refuse when any of that has changed.

A person looks at plan.json and its price; `batch --plan plan.json` then does that and nothing else.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from flows.prepare import Prepared
from flows.run_plan import Plan
from providers.errors import RequestError
from tasks.key import digest

FORMAT = 1
# Options that change what is asked for; how many rows are in flight changes nothing.
_DECIDING = (
    "local",
    "sandbox",
    "provider",
    "use",
    "take",
    "takes",
    "from_step",
    "map",
    "set",
    "id_col",
)


def plan_document(plan: Plan, prepared: Prepared) -> dict[str, Any]:
    """Return the plan as JSON data, with the digests of all that it rests on."""
    return {"format": FORMAT, **plan.to_json(), "digests": digests(prepared)}


def digests(prepared: Prepared) -> dict[str, Any]:
    """Return what the plan rests on: table, template, options, models, prices and files."""
    options = prepared.options.model_dump(mode="json")
    return {
        "options": digest({name: options[name] for name in _DECIDING}),
        "table": prepared.table_digest,
        "template": prepared.graph.digest,  # with `--use`, so that comes after the options
        "routes": {
            step: [f"{route.model.model}@{route.provider}" for route in routes if route.is_sendable]
            for step, routes in prepared.routes.items()
        },
        "models": dict(_models(prepared)),
        "prices": dict(_prices(prepared)),
        "files": dict(_files(prepared)),
    }


def write_plan(document: Mapping[str, Any], path: Path) -> None:
    """Write the plan as one JSON document.

    Raises:
        RequestError: the file cannot be written.
    """
    try:
        path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise RequestError(f"{path}: cannot be written: {error.strerror or error}") from None


def require_plan(path: Path, prepared: Prepared) -> None:
    """Return only when the request is the one that was planned.

    Raises:
        RequestError: the file is no plan, or something has changed since; it is named.
    """
    document = _read(path)
    if document.get("template") != prepared.graph.name:
        raise RequestError(
            f"{path}: is a plan of {document.get('template')!r}, and this is "
            f"{prepared.graph.name!r}. Look at a new one: {_ANEW}"
        )
    for name, now in digests(prepared).items():
        then = document["digests"].get(name)
        if then == now:
            continue
        what = _CHANGED[name]
        if isinstance(now, Mapping) and isinstance(then, Mapping):
            names = sorted(key for key in {*now, *then} if now.get(key) != then.get(key))
            more = f" and {len(names) - 3} more" if len(names) > 3 else ""
            what += f" {', '.join(names[:3])}{more}"
        if name == "table" and document.get("rows") != len(prepared.rows):
            what += f" ({document.get('rows')} rows then, {len(prepared.rows)} now)"
        raise RequestError(
            f"{path}: {what} changed since the plan was made. Look at a new one: {_ANEW}"
        )


_ANEW = "mediaflows plan ... -o plan.json"
_CHANGED = {
    "table": "the table",
    "template": "the template",
    "options": "the options (models, providers, settings, takes)",
    "routes": "what can be sent to (keys, models) for step",
    "models": "the catalog's entry of",
    "prices": "the price of",
    "files": "the file of",
}


def _read(path: Path) -> Mapping[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8"
        raise RequestError(f"{path}: cannot be read: {reason}") from None
    except ValueError:
        raise RequestError(f"{path}: is not JSON. Write it with {_ANEW}") from None
    if not isinstance(document, dict) or not isinstance(document.get("digests"), dict):
        raise RequestError(f"{path}: is no plan. Write it with {_ANEW}")
    if document.get("format") != FORMAT:
        raise RequestError(
            f"{path}: is a plan of format {document.get('format')!r}, and this version reads "
            f"{FORMAT}. Write it anew: {_ANEW}"
        )
    return document


def _models(prepared: Prepared) -> Iterator[tuple[str, str]]:
    for routes in prepared.routes.values():
        for route in routes:
            data = route.model.model_dump(mode="json", by_alias=True)
            for binding in data["bindings"]:
                binding.pop("price")
                binding.pop("ceiling_usd")
            yield route.model.model, digest(data)


def _prices(prepared: Prepared) -> Iterator[tuple[str, str]]:
    for routes in prepared.routes.values():
        for route in routes:
            data = route.binding.model_dump(mode="json", include={"price", "ceiling_usd"})
            yield f"{route.model.model}@{route.provider}", digest(data)


def _files(prepared: Prepared) -> Iterator[tuple[str, str]]:
    """One digest a row: of its files' digests, in order."""
    for row in prepared.rows:
        if row.files:
            text = " ".join(media.sha256 for _, media in row.files)
            yield f"row {row.id}", hashlib.sha256(text.encode()).hexdigest()[:16]
