"""The example table of a template: beside its own file, or among the project's examples."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Mapping
from pathlib import Path

from flows.csv_file import Table, read_table
from flows.load import SHIPPED
from flows.template import MEDIA_WORDS, Input
from providers.errors import RequestError

EXAMPLES = SHIPPED.parents[1] / "examples"


def example_table(file: Path, inputs: Mapping[str, Input]) -> Path | None:
    """Return the table that shows what the template in this file takes, or None.

    Beside a file of one's own it bears its name. Among our examples it bears the template's name
    or a word of it, and has its columns: products.csv is that of product-photo.
    """
    names = [file.stem, *(f"{word}{end}" for word in file.stem.split("-") for end in ("", "s"))]
    found = [file.with_suffix(".csv")]
    if file.parent == SHIPPED:
        found = [EXAMPLES / f"{name}.csv" for name in names]
    needed = {name for name, given in inputs.items() if given.required}
    return next((path for path in found if path.is_file() and needed <= _columns(path)), None)


def _columns(path: Path) -> set[str]:
    try:
        return set(read_table(path).columns)
    except RequestError:
        return set()


def first_rows(path: Path, inputs: Mapping[str, Input], folder: Path, most: int) -> str:
    """Return the first rows of a table as the text of one in `folder`: its files are still found.

    Raises:
        RequestError: the table cannot be read.
    """
    table = read_table(path)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(table.columns)
    media = {name for name, given in inputs.items() if given.port_type.word in MEDIA_WORDS}
    for record in table.records[:most]:
        writer.writerow(
            _seen_from(folder, table, cell) if column in media else cell
            for column, cell in record.items()
        )
    return text.getvalue()


def _seen_from(folder: Path, table: Table, cell: str) -> str:
    """Return a cell of paths as they are from another folder; what is no file here stays."""
    parts = cell.split("|")
    moved = [
        os.path.relpath(there, folder) if (there := table.folder / part.strip()).is_file() else part
        for part in parts
        if part
    ]
    return "|".join(moved)
