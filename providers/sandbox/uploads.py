"""Files that clients uploaded: what they are called, and where their bytes lie."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from providers.sandbox.inputs import stored
from providers.sandbox.journal import Folder


@dataclass(frozen=True, slots=True)
class Upload:
    """One uploaded file; `sha256` names its bytes."""

    id: str
    vendor: str
    name: str
    type: str
    sha256: str
    size: int
    created_at: float


class Uploads:
    """The uploads of one sandbox."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._known: dict[str, Upload] = {}
        self._announced: dict[str, tuple[str, str, str]] = {}

    def replay(self, event: Mapping[str, Any]) -> None:
        """Take in an upload of an earlier start."""
        upload = Upload(**event["upload"])
        self._known[upload.id] = upload

    def add(self, vendor: str, name: str, kind: str, data: bytes, id: str | None = None) -> Upload:
        """Keep a file and return its record."""
        digest = stored(self._folder.path / "uploads", data)
        upload = Upload(id or uuid.uuid4().hex, vendor, name, kind, digest, len(data), time.time())
        self._known[upload.id] = upload
        self._folder.write({"event": "uploaded", "upload": asdict(upload)})
        return upload

    def announce(self, vendor: str, name: str, kind: str) -> str:
        """Return the id under which a file will be uploaded in a second request."""
        id = uuid.uuid4().hex
        self._announced[id] = (vendor, name, kind)
        return id

    def announced(self, id: str) -> tuple[str, str, str] | None:
        """Return (vendor, name, type) of an upload that was announced."""
        return self._announced.get(id)

    def get(self, id: str) -> Upload | None:
        """Return the upload of that id."""
        return self._known.get(id)

    def of(self, vendor: str) -> list[Upload]:
        """Return a vendor's uploads, newest first."""
        return [one for one in reversed(self._known.values()) if one.vendor == vendor]

    def forget(self, id: str) -> None:
        """Drop an upload until the next start; its bytes may serve another."""
        self._known.pop(id, None)

    def bytes_of(self, upload: Upload) -> bytes:
        """Return the file."""
        return (self._folder.path / "uploads" / upload.sha256).read_bytes()
