"""Read a CSV file whole: its columns, its records and where each began. Cells stay text."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from providers.errors import RequestError

_DELIMITERS = ",;\t"


@dataclass(frozen=True, slots=True)
class Table:
    """A CSV file: a record per row, the line each begins on, and the digest of the file's bytes."""

    path: Path
    columns: tuple[str, ...]
    records: tuple[dict[str, str], ...]
    lines: tuple[int, ...]
    sha256: str

    @property
    def folder(self) -> Path:
        """Where paths in media cells start from."""
        return self.path.parent


def read_table(path: Path, data: bytes | None = None) -> Table:
    """Return the table in a CSV file: UTF-8, a header row, `,` or `;` or tabs between cells.

    Rows without any text are passed over; a short row is filled up with empty cells. With `data`
    the bytes are at hand, and `path` is what errors call them and where paths in cells start.

    Raises:
        RequestError: no such file, not UTF-8, no header, no rows, or a row of the wrong form; with
            the line.
    """
    data = _read(path) if data is None else data
    rows = _rows(data, _delimiter(_decode(data, path)), path)
    line, header = next(rows, (1, []))
    if not header:
        raise RequestError(
            f"{path}: is empty; line 1 names the columns, each further line is a row"
        )
    columns = _columns(header, f"{path}:{line}")
    records: list[dict[str, str]] = []
    lines: list[int] = []
    width = len(columns)
    for line, cells in rows:
        if len(cells) > width:
            raise RequestError(
                f"{path}:{line}: has {len(cells)} cells and the header has {width}; "
                'put a cell with a comma in it in quotes, "like, this"'
            )
        cells.extend([""] * (width - len(cells)))
        records.append(dict(zip(columns, cells, strict=True)))
        lines.append(line)
    if not records:
        raise RequestError(
            f"{path}: has a header and no rows, so there is nothing to do; add a row"
        )
    digest = hashlib.sha256(data).hexdigest()
    return Table(path, columns, tuple(records), tuple(lines), digest)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise RequestError(f"There is no file {path}; check the path of the table.") from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise RequestError(f"{path}: cannot be read: {reason}") from None


def _decode(data: bytes, path: Path) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # `start` counts from after a BOM.
        offset = error.start + len(data) - len(error.object)
        line = data.count(b"\n", 0, offset) + 1
        raise RequestError(
            f"{path}:{line}: is not UTF-8: byte 0x{data[offset]:02x} at offset "
            f"{offset}; save the table as CSV UTF-8"
        ) from None


def _rows(data: bytes, delimiter: str, path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield the first line and the cells of each row that has any text."""
    # Line by line out of the bytes: a StringIO takes four bytes for each letter of the table.
    text = io.TextIOWrapper(io.BytesIO(data), encoding="utf-8-sig", newline="")
    reader = csv.reader(text, delimiter=delimiter, strict=True)
    line = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield line, cells
            line = reader.line_num + 1
    except csv.Error as error:
        raise RequestError(
            f"{path}:{line}: is not CSV: {error}; check the quotes of this row"
        ) from None


def _delimiter(text: str) -> str:
    """Return the delimiter that the header row uses most, a comma when it has only one cell."""
    header = text.lstrip().split("\n", 1)[0]
    outside_quotes = "".join(header.split('"')[::2])
    return max(_DELIMITERS, key=outside_quotes.count)


def _columns(header: list[str], where: str) -> tuple[str, ...]:
    columns = tuple(cell.strip() for cell in header)
    for position, column in enumerate(columns, start=1):
        if not column:
            raise RequestError(
                f"{where}: column {position} has no name; the first row names every column"
            )
        if columns.index(column) + 1 != position:
            first = columns.index(column) + 1
            raise RequestError(
                f"{where}: columns {first} and {position} are both named {column!r}; "
                "rename one, or add the missing header row"
            )
    return columns
