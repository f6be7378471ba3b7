"""Plain tables and words for the terminal."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # pandas takes a second to import, and most commands need none
    import pandas as pd

    from flows.results import Totals


def table(header: Sequence[str], lines: Iterable[Sequence[object]]) -> str:
    """Return aligned columns; numbers stand to the right."""
    rows = [[_cell(value) for value in line] for line in lines]
    widths = [
        max(len(name), *(len(row[index]) for row in rows)) if rows else len(name)
        for index, name in enumerate(header)
    ]
    right = [
        bool(rows) and all(_is_number(row[index]) for row in rows) for index in range(len(header))
    ]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if is_right else cell.ljust(width)
            for cell, width, is_right in zip(row, widths, right, strict=True)
        ).rstrip()
        for row in [list(header), *rows]
    )


def _cell(value: object) -> str:
    if value is None or value != value:  # NaN is the only value that differs from itself
        return "-"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _is_number(cell: str) -> bool:
    return cell.lstrip("$<>= ").replace(",", "").replace(".", "", 1).isdigit() or cell == "-"


def print_json(document: Any) -> None:
    """Print the one machine-readable document of a command."""
    print(json.dumps(document, indent=2, ensure_ascii=False, default=str))


def tell(text: str) -> None:
    """Print for people; standard output stays free for machines."""
    print(text, file=sys.stderr, flush=True)


def print_summary(folder: Path, totals: Totals, summary: pd.DataFrame) -> None:
    """Print a run's table by step and model, its totals and, last, the contact sheet."""
    print(table([*summary.columns], summary.itertuples(index=False)))
    print(totals.line())
    shown = os.path.relpath(folder) if folder.is_relative_to(Path.cwd()) else str(folder)
    print(f"{shown}/results.csv")
    if (folder / "contact.jpg").exists():
        print(f"{shown}/contact.jpg")
