"""The run folder: frozen copies of what was asked for, and everything the run gave.

runs/<template>/<stamp>_<id>/
run.json  plan.json  template.yaml  inputs.csv
outputs/<row id>/<output>.<ext> (texts as .txt, or .json)  contact.jpg
results.csv  attempts.csv  failures.csv
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from providers.errors import SetupError
from providers.media import Media, Value
from tasks.store import Store

LONGEST_NAME = 64


@dataclass(frozen=True, slots=True)
class RunFolder:
    """One run's folder."""

    path: Path

    def write_json(self, name: str, data: Mapping[str, Any]) -> None:
        """Write one JSON document, whole or not at all."""
        self.write_text(name, json.dumps(data, indent=2, ensure_ascii=False, default=str) + "\n")

    def write_text(self, name: str, text: str) -> None:
        """Write one file, whole or not at all."""
        part = self.path / f".{name}.part"
        part.write_text(text, encoding="utf-8", newline="")
        os.replace(part, self.path / name)

    def read_json(self, name: str) -> dict[str, Any]:
        """Return one JSON document of the folder.

        Raises:
            SetupError: it is missing or damaged.
        """
        try:
            return dict(json.loads((self.path / name).read_text(encoding="utf-8")))
        except (OSError, ValueError) as error:
            raise SetupError(
                f"The run folder {self.path} has no readable {name}: {error}"
            ) from None

    def place(self, store: Store, row: str, outputs: Mapping[str, Value]) -> dict[str, Path]:
        """Put a row's outputs into `outputs/<row id>/`: media from the store, texts as files.

        Returns:
            Their paths.
        """
        placed = {}
        for name, value in outputs.items():
            for stem, item in _numbered(name, value):
                if isinstance(item, Media):
                    path = self.output(row, stem, item)
                    store.place(item.sha256, path)
                    placed[stem] = path
                elif isinstance(item, str):
                    path = self.text_output(row, stem, item)
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_text(item, encoding="utf-8", newline="")
                    placed[stem] = path
        return placed

    def output(self, row: str, stem: str, media: Media) -> Path:
        """Return where one output stands."""
        return self.path / "outputs" / safe_name(row) / f"{stem}.{media.extension}"

    def text_output(self, row: str, stem: str, text: str) -> Path:
        """Return where a text stands: JSON has an ending of its own."""
        ending = "json" if _is_json(text) else "txt"
        return self.path / "outputs" / safe_name(row) / f"{stem}.{ending}"


def _is_json(text: str) -> bool:
    """True for one JSON object or list; a bare number or word is a text like any other."""
    try:
        return text.lstrip()[:1] in ("{", "[") and isinstance(json.loads(text), dict | list)
    except (ValueError, RecursionError):
        return False


def _numbered(name: str, value: Value) -> list[tuple[str, Value]]:
    if isinstance(value, tuple):
        return [(f"{name}_{number}", item) for number, item in enumerate(value, 1)]
    return [(name, value)]


def safe_name(row: str) -> str:
    """Return a row id as a folder name: ASCII, at most 64 characters, and still its own.

    An id that had to be changed gets a digest at its end, so that "Ä 1" and "A 1" stay apart.
    """
    plain = unicodedata.normalize("NFKD", row).encode("ascii", "ignore").decode()
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", plain).strip("-.")[:LONGEST_NAME]
    if plain == row:
        return row
    digest = hashlib.sha256(row.encode()).hexdigest()[:8]
    return f"{plain[: LONGEST_NAME - 9]}-{digest}" if plain else digest
