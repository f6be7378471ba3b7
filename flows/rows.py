"""Rows ready to be planned and run: inputs as values, media described by their bytes' digest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from flows.table import Fault, InputFile, InputValue, Row
from providers.errors import InputError
from providers.fit import FitError
from providers.media import Media, Value, value_from_json, value_to_json
from tasks.keep import describe_file, holds

_NAMED = {"image": "an image", "video": "a video", "audio": "a sound", "mask": "a mask"}


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
    rows: Iterable[Row],
    workers: Executor,
    kept: Mapping[str, Mapping[str, Any]] | None = None,
    columns: Mapping[str, str] | None = None,
) -> list[ReadyRow]:
    """Return the rows with every media file described: kind, size, digest.

    A file that cannot be read as media, or is not of its input's kind, becomes a fault of its row.

    Args:
        rows: As they were bound.
        workers: Threads to read files in.
        kept: What a run has kept of a row's media inputs (row id -> input -> JSON): it is taken
            as it was, whatever the file is now.
        columns: Input -> column where their names differ.
    """
    rows, kept, columns = list(rows), kept or {}, columns or {}
    fresh = {
        file.path
        for row in rows
        if row.id not in kept
        for value in row.inputs.values()
        for file in _files(value)
    }
    described = dict(zip(fresh, workers.map(_describe, fresh), strict=True))
    return [
        _with_kept(_ready(row, described), row, kept[row.id], columns)
        if row.id in kept
        else _ready(row, described)
        for row in rows
    ]


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


def _ready(row: Row, described: Mapping[Path, Media | InputError]) -> ReadyRow:
    inputs: dict[str, Value] = {}
    files: list[tuple[Path, Media]] = []
    faults = list(row.faults)
    for name, value in row.inputs.items():
        named = list(_files(value))
        if not named:
            inputs[name] = cast(Value, value)
            continue
        media = []
        for file in named:
            found = _fitting(file, name, described.get(file.path))
            if isinstance(found, Media):
                media.append(found)
                files.append((file.path, found))
            elif found is not None:
                faults.append(_fault(row.id, name, found))
        inputs[name] = tuple(media) if isinstance(value, tuple) else next(iter(media), None)
    return ReadyRow(row.id, _label(row), row.record, inputs, tuple(files), tuple(faults))


def _fault(row: str, name: str, error: InputError) -> Fault:
    if isinstance(error, FitError):
        return Fault(row, name, None, error.problem, error.fix)
    return Fault(row, name, None, str(error), "")


def _fitting(
    file: InputFile, name: str, found: Media | InputError | None
) -> Media | InputError | None:
    """Return what was found, as the kind that the input takes, or why it does not take it."""
    if not isinstance(found, Media):
        return found
    if not holds(file.word, found):
        return FitError(
            f"{file.path.name} is {_NAMED[found.kind]}, and `{name}` takes {_NAMED[file.word]}",
            f"Give {_NAMED[file.word]}",
        )
    return replace(found, kind="mask") if file.word == "mask" else found


def _with_kept(
    ready: ReadyRow, row: Row, kept: Mapping[str, Any], columns: Mapping[str, str]
) -> ReadyRow:
    """Return the row with the media that its run has kept; the user's files may be gone."""
    inputs, files = dict(ready.inputs), []
    for name, data in kept.items():
        inputs[name] = value_from_json(data)
        paths = [file.path for file in _files(row.inputs.get(name))]
        files += list(zip(paths, _media(inputs[name]), strict=False))
    known = {columns.get(name, name) for name in kept}
    faults = tuple(fault for fault in ready.faults if fault.column not in known)
    return replace(ready, inputs=inputs, files=tuple(files), faults=faults)


def _files(value: InputValue) -> Iterator[InputFile]:
    for item in value if isinstance(value, tuple) else (value,):
        if isinstance(item, InputFile):
            yield item


def _media(value: Value) -> Iterator[Media]:
    for item in value if isinstance(value, tuple) else (value,):
        if isinstance(item, Media):
            yield item


def short_text(text: str) -> str:
    """Return the beginning of a text, as names of runs bear it."""
    return text if len(text) <= 32 else f"{text[:31]}…"


def _label(row: Row) -> str:
    """The row as task runs name it: its id and the beginning of its first text."""
    text = next((value for value in row.inputs.values() if isinstance(value, str)), "")
    short = short_text(text)
    return f"{row.id} · {short}" if short and short != row.id else row.id
