"""Rows ready to be planned and run: inputs as values, media described by their bytes' digest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

from flows.table import Fault, InputFile, InputSource, InputValue, Row
from providers.errors import InputError
from providers.fit import FitError
from providers.media import InputUrl, Media, Value, value_from_json, value_to_json
from tasks.keep import describe_file, holds

_NAMED = {"image": "an image", "video": "a video", "audio": "a sound", "mask": "a mask"}


@dataclass(frozen=True, slots=True)
class ReadyRow:
    """One input row. `sources` are the files that it names, by input, in the order of its cell."""

    id: str
    label: str
    record: Mapping[str, str]
    inputs: Mapping[str, Value]
    sources: Mapping[str, tuple[InputSource, ...]] = field(default_factory=dict)
    faults: tuple[Fault, ...] = ()

    @property
    def unfetched(self) -> int:
        """How many files are named by a URL and not fetched: nothing is known of them."""
        given = (item for value in self.inputs.values() for item in each_media(value))
        return sum(isinstance(item, InputUrl) for item in given)

    @property
    def files(self) -> tuple[tuple[Path, Media], ...]:
        """The user's files, and what each of them is, to take into the store at admission."""
        return tuple(
            (source.path, media)
            for name, sources in self.sources.items()
            for source, media in zip(sources, each_media(self.inputs.get(name)), strict=False)
            if isinstance(source, InputFile) and isinstance(media, Media)
        )


def ready_rows(
    rows: Iterable[Row],
    workers: Executor,
    kept: Mapping[str, Mapping[str, Any]] | None = None,
    columns: Mapping[str, str] | None = None,
) -> list[ReadyRow]:
    """Return the rows with every media file described: kind, size, digest.

    A file that cannot be read as media, or is not of its input's kind, becomes a fault of its row.
    A URL stays one.

    Args:
        rows: As they were bound.
        workers: Threads to read files in.
        kept: What a run has kept of a row's media inputs (row id -> input -> JSON): it is taken
            as it was, whatever the file is now.
        columns: Input -> column where their names differ.
    """
    rows, kept, columns = list(rows), kept or {}, columns or {}
    fresh = {
        source.path
        for row in rows
        for name, value in row.inputs.items()
        if name not in kept.get(row.id, {})
        for source in _sources(value)
        if isinstance(source, InputFile)
    }
    described = dict(zip(fresh, workers.map(_describe, fresh), strict=True))
    ready = [_ready(row, described) for row in rows]
    return [with_kept(row, kept[row.id], columns) if row.id in kept else row for row in ready]


def media_inputs(row: ReadyRow) -> dict[str, Any]:
    """Return the row's media inputs as JSON, for the run to keep; what is not fetched is null."""
    return {
        name: value_to_json(value)
        for name, value in row.inputs.items()
        if any(isinstance(item, Media) for item in each_media(value))
    }


def with_kept(
    row: ReadyRow, kept: Mapping[str, Any], columns: Mapping[str, str] | None = None
) -> ReadyRow:
    """Return the row with the media that its run has kept; the user's files may be gone."""
    inputs, mended = dict(row.inputs), set()
    for name, data in kept.items():
        value = value_from_json(data)
        if isinstance(value, tuple) and None in value:  # null: named by URL, and not fetched
            sources = row.sources.get(name, ())
            if len(sources) != len(value):
                continue
            value = tuple(
                source if isinstance(source, InputUrl) and item is None else item
                for source, item in zip(sources, value, strict=True)
            )
        inputs[name] = value
        mended.add((columns or {}).get(name, name))
    faults = tuple(fault for fault in row.faults if fault.column not in mended)
    return replace(row, inputs=inputs, faults=faults)


def fetched_by_url(rows: Iterable[Row], kept: Mapping[str, Mapping[str, Any]]) -> dict[str, Media]:
    """Return what a run has fetched, by URL, as what it is and not as what an input took it for."""
    found = {}
    for row in rows:
        for name, data in kept.get(row.id, {}).items():
            value = value_from_json(data)
            items = value if isinstance(value, tuple) else (value,)
            sources = _sources(row.inputs.get(name))
            for source, media in zip(sources, items, strict=False):
                if isinstance(source, InputUrl) and isinstance(media, Media):
                    is_mask = media.kind == "mask"
                    found[source.url] = replace(media, kind="image") if is_mask else media
    return found


def each_media(value: Value) -> Iterator[Media | InputUrl]:
    """Yield what is media in a value, one or a list, fetched or not."""
    for item in value if isinstance(value, tuple) else (value,):
        if isinstance(item, Media | InputUrl):
            yield item


def _describe(path: Path) -> Media | InputError:
    try:
        return describe_file(path)
    except InputError as error:
        return error


def _ready(row: Row, described: Mapping[Path, Media | InputError]) -> ReadyRow:
    inputs: dict[str, Value] = {}
    named: dict[str, tuple[InputSource, ...]] = {}
    faults = list(row.faults)
    for name, value in row.inputs.items():
        sources = tuple(_sources(value))
        if not sources:
            inputs[name] = cast(Value, value)
            continue
        media: list[Media | InputUrl] = []
        for source in sources:
            if isinstance(source, InputUrl):
                media.append(source)
                continue
            found = fitting(source.word, source.path.name, name, described.get(source.path))
            if isinstance(found, Media):
                media.append(found)
            elif found is not None:
                faults.append(input_fault(row.id, name, found))
        named[name] = sources
        inputs[name] = tuple(media) if isinstance(value, tuple) else next(iter(media), None)
    return ReadyRow(row.id, _label(row), row.record, inputs, named, tuple(faults))


def input_fault(row: str, name: str, error: InputError) -> Fault:
    """Return a file's error as the fault of the row that names it."""
    if isinstance(error, FitError):
        return Fault(row, name, None, error.problem, error.fix)
    return Fault(row, name, None, str(error), "")


def fitting(
    word: str, label: str, name: str, found: Media | InputError | None
) -> Media | InputError | None:
    """Return what was found, as the kind that the input `name` takes, or why it does not take it."""
    if not isinstance(found, Media):
        return found
    if not holds(word, found):
        return FitError(
            f"{label} is {_NAMED[found.kind]}, and `{name}` takes {_NAMED[word]}",
            f"Give {_NAMED[word]}",
        )
    return replace(found, kind="mask") if word == "mask" else found


def _sources(value: InputValue) -> Iterator[InputSource]:
    for item in value if isinstance(value, tuple) else (value,):
        if isinstance(item, InputFile | InputUrl):
            yield item


def short_text(text: str) -> str:
    """Return the beginning of a text, as names of runs bear it."""
    return text if len(text) <= 32 else f"{text[:31]}…"


def _label(row: Row) -> str:
    """The row as task runs name it: its id and the beginning of its first text."""
    text = next((value for value in row.inputs.values() if isinstance(value, str)), "")
    short = short_text(text)
    return f"{row.id} · {short}" if short and short != row.id else row.id
