"""DataFrames in: a table in memory is the CSV that it would be, so one reading serves both."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.cells import value_text
from providers.errors import RequestError

if TYPE_CHECKING:  # a table in a file needs no pandas
    import pandas as pd

IN_MEMORY = Path("DataFrame")  # what errors call it; paths in its cells start in the working folder


def as_table(table: Any) -> tuple[Path, bytes | None]:
    """Return the path of a table, with its bytes where it is a DataFrame.

    Raises:
        RequestError: neither a path nor a DataFrame.
    """
    if isinstance(table, str | Path):
        return Path(table), None
    import pandas as pd

    if isinstance(table, pd.DataFrame):
        return IN_MEMORY, frame_csv(table)
    raise RequestError(
        f"A table is the path of a CSV file or a DataFrame, not a {type(table).__name__}; "
        "pandas.DataFrame(rows) makes one of a list of dicts."
    )


def frame_csv(frame: pd.DataFrame) -> bytes:
    """Return a DataFrame as a CSV file; an index that has a name is a column.

    Raises:
        RequestError: a row without any value, which a table passes over.
    """
    if any(frame.index.names):
        frame = frame.reset_index()
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    if len(frame.columns):
        writer.writerow([str(column) for column in frame.columns])
    for number, row in enumerate(frame.itertuples(index=False, name=None)):
        cells = [_cell(value) for value in row]
        if not any(cell.strip() for cell in cells):
            raise RequestError(f"{IN_MEMORY}: row {number} has no value in any column; drop it.")
        writer.writerow(cells)
    return text.getvalue().encode()


def _cell(value: Any) -> str:
    import pandas as pd

    if isinstance(value, list | tuple | dict):
        return value_text(value)
    return "" if pd.isna(value) else value_text(_plain(value))


def _plain(value: Any) -> Any:
    """Return a scalar of numpy's as Python's own."""
    return value.item() if hasattr(value, "item") else value
