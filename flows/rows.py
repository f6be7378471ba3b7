"""Rows ready to be planned and run: inputs as values, media described by their bytes' digest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from flows.table import Fault, InputFile, InputValue, Row
from providers.errors import InputError
from providers.media import Media, Value, value_from_json, value_to_json
from tasks.keep import describe_file


@dataclass(frozen=True, slots=True)
class ReadyRow:
    """One input row. `files` are the user's files to take into the store at admission."""

    id: str
    label: str
    record: Mapping[str, str]
    inputs: Mapping[str, Value]
    files: tuple[tuple[Path, Media], ...] = ()
    faults: tuple[Fault, ...] = ()


def ready_rows(
    rows: Iterable[Row], workers: Executor, kept: Mapping[str, Mapping[str, Any]] | None = None
) -> list[ReadyRow]:
    """Return the rows with every media file described: kind, size, digest.

    A file that cannot be read as media becomes a fault of its row. What a run has kept of a row's
    media inputs (row id -> input -> JSON) is taken as it was, whatever the file is now.
    """
    rows, kept = list(rows), kept or {}
    fresh = {
        file.path
        for row in rows
        if row.id not in kept
        for value in row.inputs.values()
        for file in _files(value)
    }
    described = dict(zip(fresh, workers.map(_describe, fresh), strict=True))
    return [_ready(row, described, kept.get(row.id, {})) for row in rows]


def media_inputs(row: ReadyRow) -> dict[str, Any]:
    """Return the row's media inputs as JSON, for the run to keep."""
    return {
        name: value_to_json(value)
        for name, value in row.inputs.items()
        if isinstance(value, Media | tuple) and any(True for _ in _media(value))
    }


def _describe(path: Path) -> Media | InputError:
    try:
        return describe_file(path)
    except InputError as error:
        return error


def _ready(
    row: Row, described: Mapping[Path, Media | InputError], kept: Mapping[str, Any]
) -> ReadyRow:
    inputs: dict[str, Value] = {}
    files: list[tuple[Path, Media]] = []
    faults = list(row.faults)
    for name, value in row.inputs.items():
        paths = [file.path for file in _files(value)]
        if not paths:
            inputs[name] = cast(Value, value)
            continue
        media = _kept_media(kept, name) or [described[path] for path in paths]
        good = tuple(item for item in media if isinstance(item, Media))
        faults += [
            Fault(row.id, name, None, str(item), "") for item in media if isinstance(item, InputError)
        ]
        inputs[name] = good if isinstance(value, tuple) else next(iter(good), None)
        files += [(path, item) for path, item in zip(paths, media, strict=True)
                  if isinstance(item, Media)]
    return ReadyRow(row.id, _label(row), row.record, inputs, tuple(files), tuple(faults))


def _kept_media(kept: Mapping[str, Any], name: str) -> list[Media | InputError]:
    return list(_media(value_from_json(kept[name]))) if name in kept else []


def _files(value: InputValue) -> Iterator[InputFile]:
    for item in value if isinstance(value, tuple) else (value,):
        if isinstance(item, InputFile):
            yield item


def _media(value: Value) -> Iterator[Media]:
    for item in value if isinstance(value, tuple) else (value,):
        if isinstance(item, Media):
            yield item


def _label(row: Row) -> str:
    """The row as task runs name it: its id and the beginning of its first text."""
    text = next((value for value in row.inputs.values() if isinstance(value, str)), "")
    short = text if len(text) <= 32 else f"{text[:31]}…"
    return f"{row.id} · {short}" if short and short != row.id else row.id
