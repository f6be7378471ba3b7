"""The state folder: who this sandbox is, and an append-only journal of what happened.

A line is written when it happens and is not synced: a killed sandbox loses nothing, a power cut
may. Files of uploads and pictures lie beside it, named by what they hold.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import uuid
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from providers.errors import SetupError
from providers.sandbox.endpoints import VENDORS

_ENCODER = json.JSONEncoder(separators=(",", ":"))


class Folder:
    """One sandbox's folder, open for one process."""

    def __init__(self, path: Path) -> None:
        self.path = path
        for name in ("pictures", "uploads"):
            (path / name).mkdir(parents=True, exist_ok=True)
        self._lock = (path / "lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise SetupError(f"a sandbox is already running in '{path}'") from None
        self.identity = _identity(path / "sandbox.json")
        self._lines = (path / "journal.jsonl").open("a", encoding="utf-8")

    @property
    def id(self) -> str:
        """The id of this sandbox; it stays the same over restarts."""
        return str(self.identity["id"])

    @property
    def keys(self) -> dict[str, str]:
        """The key that each vendor accepts."""
        return dict(self.identity["keys"])

    def events(self) -> Iterator[dict[str, Any]]:
        """Yield what happened before this start; a last line that a kill cut short is left out."""
        with (self.path / "journal.jsonl").open(encoding="utf-8") as lines:
            for line in lines:
                with suppress(ValueError):
                    yield json.loads(line)

    def write(self, event: dict[str, Any]) -> None:
        """Append one event."""
        self._lines.write(_ENCODER.encode(event) + "\n")
        self._lines.flush()

    def announce(self, facts: dict[str, Any]) -> None:
        """Say where the sandbox can be found while it runs, and remember its port."""
        replace(self.path / "server.json", facts)
        self.identity["port"] = facts["port"]
        replace(self.path / "sandbox.json", self.identity)

    def close(self) -> None:
        """Take the announcement back and let go of the folder."""
        with suppress(FileNotFoundError):
            (self.path / "server.json").unlink()
        self._lines.close()
        self._lock.close()


def _identity(path: Path) -> dict[str, Any]:
    if path.is_file():
        known: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return known
    made = {
        "id": str(uuid.uuid4()),
        "port": 0,
        "keys": {vendor: f"sandbox-{vendor}-{secrets.token_hex(8)}" for vendor in VENDORS},
    }
    replace(path, made)
    return made


def replace(path: Path, data: dict[str, Any]) -> None:
    """Write `data` so that a reader sees the old file or the new one, never half of it."""
    part = path.with_suffix(f".{os.getpid()}.part")
    part.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    part.replace(path)
