"""Replicate's files, and what it says of a model: its version and the schema of its input."""

from __future__ import annotations

import email
import hashlib
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from providers.sandbox.desk import Desk
from providers.sandbox.endpoints import Endpoint, Field, endpoints
from providers.sandbox.replies import Reply, refusal
from providers.sandbox.uploads import Upload
from providers.sandbox.visit import Visit

NAME = "replicate"
_KEPT_SECONDS = 86400.0  # how long an input file is kept is not documented; ours
_NOT_FOUND = {"detail": "The requested resource could not be found.", "status": 404}


async def answer(desk: Desk, visit: Visit, parts: list[str]) -> Reply:
    """Answer at `/v1/files`: upload, list, get, delete."""
    if not parts:
        if visit.method == "POST":
            return await _upload(desk, visit)
        files = [_facts(one, visit) for one in desk.uploads.of(NAME)]
        return Reply(200, {"previous": None, "next": None, "results": files})
    upload = desk.uploads.get(parts[0])
    if upload is None or upload.vendor != NAME:
        raise refusal(404, _NOT_FOUND)
    if visit.method == "DELETE":
        desk.uploads.forget(upload.id)
        return Reply(204)
    return Reply(200, _facts(upload, visit))


async def _upload(desk: Desk, visit: Visit) -> Reply:
    form = parts_of(await visit.request.body(), visit.headers.get("content-type", ""))
    if "content" not in form:
        body = {"title": "Invalid file", "detail": "Missing content", "status": 400}
        raise refusal(400, body)
    name, kind, data = form["content"]
    given = {
        field: form[field][2].decode("utf-8", "replace")
        for field in ("filename", "type")
        if field in form
    }
    name = given.get("filename") or name or "file"
    if len(name.encode()) > 255:
        raise refusal(400, {"detail": "filename is longer than 255 bytes", "status": 400})
    upload = desk.uploads.add(NAME, name, given.get("type") or kind, data)
    return Reply(201, _facts(upload, visit))


def parts_of(body: bytes, content_type: str) -> Mapping[str, tuple[str, str, bytes]]:
    """Return the parts of a multipart form: field -> (file name, type, bytes)."""
    outer = email.message_from_string(f"Content-Type: {content_type}\n\n")
    boundary = outer.get_param("boundary")
    found: dict[str, tuple[str, str, bytes]] = {}
    if not isinstance(boundary, str):
        return found
    for piece in (b"\r\n" + body).split(b"\r\n--" + boundary.encode())[1:]:
        head, gap, data = piece.partition(b"\r\n\r\n")
        part = email.message_from_bytes(head.lstrip(b"\r\n") + b"\n\n")
        field = part.get_param("name", header="content-disposition")
        if gap and isinstance(field, str):
            found[field] = (part.get_filename() or "", part.get_content_type(), data)
    return found


def _facts(upload: Upload, visit: Visit) -> dict[str, Any]:
    return {
        "id": upload.id,
        "name": upload.name,
        "content_type": upload.type,
        "size": upload.size,
        "etag": upload.sha256[:32],
        "checksums": {"sha256": upload.sha256},
        "metadata": {},
        "created_at": _stamp(upload.created_at),
        "expires_at": _stamp(upload.created_at + _KEPT_SECONDS),
        "urls": {"get": f"{visit.base}/v1/files/{upload.id}"},
    }


def _stamp(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


def model(parts: list[str]) -> Reply:
    """Answer at `/v1/models/{owner}/{name}` and its versions."""
    name = "/".join(parts[:2])
    endpoint = next(
        (one for one in endpoints(NAME).values() if one.name.partition(":")[0] == name), None
    )
    if endpoint is None or parts[2:3] not in ([], ["versions"]):
        raise refusal(404, _NOT_FOUND)
    version = _version(endpoint)
    if parts[2:] == ["versions"]:
        return Reply(200, {"previous": None, "next": None, "results": [version]})
    if len(parts) == 4:
        if parts[3] != version["id"]:
            raise refusal(404, _NOT_FOUND)
        return Reply(200, version)
    owner, _, title = name.partition("/")
    facts = {"url": "", "owner": owner, "name": title, "visibility": "public", "run_count": 0}
    return Reply(200, facts | {"latest_version": version})


def _version(endpoint: Endpoint) -> dict[str, Any]:
    made_up = hashlib.sha256(endpoint.name.encode()).hexdigest()
    properties = {name: _property(field) for name, field in endpoint.fields.items()}
    required = [name for name, field in endpoint.fields.items() if field.required]
    url = {"type": "string", "format": "uri"}
    output = {"type": "array", "items": url} if endpoint.is_list else url
    schema = {"type": "object", "properties": properties, "required": required}
    return {
        "id": endpoint.version or made_up,
        "created_at": "2026-01-01T00:00:00Z",
        "cog_version": "0.0.0",
        "openapi_schema": {"components": {"schemas": {"Input": schema, "Output": output}}},
    }


_LISTS = ("pictures", "clips")
_TYPES = {"integer": "integer", "number": "number", "boolean": "boolean"}


def _property(field: Field) -> dict[str, Any]:
    is_number = all(isinstance(option, int) for option in field.options) and field.options
    plain = "integer" if is_number else _TYPES.get(field.type, "string")
    facts: dict[str, Any] = {"type": plain}
    if field.type in _LISTS:
        facts = {"type": "array", "items": {"type": "string", "format": "uri"}}
    limits = {
        "default": field.default,
        "enum": list(field.options) or None,
        "minimum": field.minimum,
        "maximum": field.maximum,
    }
    return facts | {name: value for name, value in limits.items() if value is not None}


_LETTERS = "0123456789abcdefghjkmnpqrstvwxyz"


def new_id() -> str:
    """Return an id of a prediction in Replicate's form: 26 letters and digits."""
    return "".join(secrets.choice(_LETTERS) for _ in range(26))
