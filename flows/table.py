"""Bind a table, or one set of values, to the inputs of a graph: one `Row` per record.

Mistakes of the request (columns, ids, options) are raised; mistakes of a row are its `faults`, so
that all of them can be listed at once. Nothing is opened or decoded here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from flows.cells import (
    CellError,
    InputFile,
    InputSource,
    InputValue,
    as_line,
    default_of,
    is_url,
    parse_value,
)
from flows.csv_file import Table, read_table
from flows.graph import Graph
from flows.row_checks import Check, finding_of, row_checks
from providers.errors import RequestError, near

__all__ = [
    "ID_COLUMNS",
    "BoundTable",
    "Fault",
    "InputFile",
    "InputSource",
    "InputValue",
    "Row",
    "Table",
    "bind_one",
    "bind_table",
    "parse_value",
    "read_table",
]

ID_COLUMNS = ("id", "sku", "row_id", "name")


@dataclass(frozen=True, slots=True)
class Fault:
    """Why one row cannot run: which cell, what is wrong with it and what to do."""

    row_id: str
    column: str | None
    step: str | None
    problem: str
    fix: str

    @property
    def line(self) -> str:
        """What is wrong and what to do, without the row's id."""
        step = f"step {self.step!r}: " if self.step else ""
        return as_line(self.column or "row", f"{step}{self.problem}", self.fix)

    def __str__(self) -> str:
        return f"row {self.row_id}: {self.line}"


@dataclass(frozen=True, slots=True)
class Row:
    """One record: its values by input name, without those that are at fault."""

    index: int
    id: str
    record: Mapping[str, str]
    inputs: Mapping[str, InputValue]
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True, slots=True)
class BoundTable:
    """Every row of a table, in order; `id_column` is None when rows are numbered from 1."""

    rows: tuple[Row, ...]
    unused_columns: tuple[str, ...]
    id_column: str | None

    @property
    def faults(self) -> tuple[Fault, ...]:
        """Every fault of every row, in order."""
        return tuple(fault for row in self.rows for fault in row.faults)


def bind_table(
    graph: Graph,
    table: Table,
    *,
    mapping: Mapping[str, str] | None = None,
    settings: Mapping[str, str] | None = None,
    id_column: str | None = None,
) -> BoundTable:
    """Return the rows of a table as inputs of a graph.

    Args:
        graph: The template.
        table: As `read_table` gives it; media cells are paths from its folder.
        mapping: Input -> column, where their names differ (`--map`).
        settings: Input -> text for every row (`--set`); it wins over a column, and a path in it
            starts from the working folder.
        id_column: The column of row ids; else the first of ID_COLUMNS, else rows are numbered.

    Raises:
        RequestError: an unknown name or column, a required input without a column, an id that is
            empty or not unique, a setting that is no value of its input.
    """
    mapping, settings = mapping or {}, settings or {}
    _check_names(graph, mapping, "--map")
    _check_names(graph, settings, "--set")
    _check_mapping(table, mapping, settings)
    fixed = _settings(graph, settings, Path())
    bound = _bound_columns(graph, table, mapping, fixed)
    fixed |= {
        name: default_of(given)
        for name, given in graph.inputs.items()
        if name not in fixed and name not in bound
    }
    key = _id_column(table, id_column)
    binder = _Binder(graph, table.folder, fixed, bound, _open_checks(graph, fixed, settings))
    return BoundTable(
        rows=tuple(
            binder.row(index, row_id, record)
            for index, (row_id, record) in enumerate(
                zip(_ids(table, key), table.records, strict=True)
            )
        ),
        unused_columns=tuple(
            column for column in table.columns if column not in bound.values() and column != key
        ),
        id_column=key,
    )


def bind_one(graph: Graph, settings: Mapping[str, str], folder: Path) -> Row:
    """Return the one row, with id "1", that `--set name=value ...` describes.

    Raises:
        RequestError: an unknown name, a required input that is not given, or a wrong value.
    """
    _check_names(graph, settings, "--set")
    inputs = _settings(graph, settings, folder)
    for name, given in graph.inputs.items():
        if name not in inputs and given.required:
            about = f" ({given.about})" if given.about else ""
            raise RequestError(f"{graph.name} needs {name!r}{about}: give --set {name}=VALUE.")
        inputs.setdefault(name, default_of(given))
    _open_checks(graph, inputs, settings)
    return Row(0, "1", dict(settings), _in_order(graph, inputs))


def _in_order(graph: Graph, inputs: Mapping[str, InputValue]) -> dict[str, InputValue]:
    """Return the values as the template lists them: the first text names the row for people."""
    return {name: inputs[name] for name in graph.inputs if name in inputs}


@dataclass(frozen=True, slots=True)
class _Binder:
    graph: Graph
    folder: Path
    fixed: Mapping[str, InputValue]
    bound: Mapping[str, str]
    checks: tuple[Check, ...]

    def row(self, index: int, row_id: str, record: Mapping[str, str]) -> Row:
        inputs = dict(self.fixed)
        faults: list[Fault] = []
        for name, column in self.bound.items():
            try:
                inputs[name] = parse_value(
                    self.graph.inputs[name], name, record[column], self.folder
                )
            except CellError as error:
                faults.append(Fault(row_id, column, None, error.problem, error.fix))
        faults += self._findings(row_id, inputs)
        return Row(index, row_id, record, _in_order(self.graph, inputs), tuple(faults))

    def _findings(self, row_id: str, inputs: Mapping[str, InputValue]) -> list[Fault]:
        faults = []
        for check in self.checks:
            if all(name in inputs for name in check.inputs) and (
                found := finding_of(check, inputs)
            ):
                column = self.bound.get(found.input, found.input)
                faults.append(Fault(row_id, column, found.step, found.problem, found.fix))
        return faults


def _check_names(graph: Graph, names: Mapping[str, str], option: str) -> None:
    for name in names:
        if name not in graph.inputs:
            raise RequestError(
                f"{option} {name}: {graph.name} has no input {name!r}.{near(name, graph.inputs)}"
            )


def _check_mapping(table: Table, mapping: Mapping[str, str], settings: Mapping[str, str]) -> None:
    for name, column in mapping.items():
        if column not in table.columns:
            raise RequestError(
                f"--map {name}={column}: {table.path.name} has no column {column!r}."
                f"{near(column, table.columns)}"
            )
        if name in settings:
            raise RequestError(f"{name!r} is given by both --map and --set; leave one of them out.")


def _settings(graph: Graph, settings: Mapping[str, str], folder: Path) -> dict[str, InputValue]:
    values: dict[str, InputValue] = {}
    for name, text in settings.items():
        try:
            values[name] = parse_value(graph.inputs[name], name, text, folder)
        except CellError as error:
            where = f"--set {name}" if is_url(text) else f"--set {name}={text}"
            raise RequestError(as_line(where, error.problem, error.fix)) from None
    return values


def _bound_columns(
    graph: Graph, table: Table, mapping: Mapping[str, str], fixed: Mapping[str, InputValue]
) -> dict[str, str]:
    bound = {
        name: mapping.get(name, name)
        for name in graph.inputs
        if name not in fixed and mapping.get(name, name) in table.columns
    }
    for name, given in graph.inputs.items():
        if given.required and name not in bound and name not in fixed:
            free = [column for column in table.columns if column not in bound.values()]
            header = "" if bound else " Is line 1 a header that names the columns?"
            raise RequestError(
                f"{table.path.name}: no column for the input {name!r}.{near(name, free)}{header} "
                f"Name a column so, or give --map {name}=COLUMN or --set {name}=VALUE."
            )
    return bound


def _open_checks(
    graph: Graph, fixed: Mapping[str, InputValue], settings: Mapping[str, str]
) -> tuple[Check, ...]:
    """Return the checks that need a row's values; what is the same for all rows is checked now."""
    still_open = []
    for check in row_checks(graph):
        if not all(name in fixed for name in check.inputs):
            still_open.append(check)
        elif found := finding_of(check, fixed):
            name = found.input
            given = f"--set {name}={settings[name]}" if name in settings else f"input {name!r}"
            raise RequestError(as_line(f"{given}: step {found.step!r}", found.problem, found.fix))
    return tuple(still_open)


def _id_column(table: Table, asked: str | None) -> str | None:
    if asked is not None and asked not in table.columns:
        raise RequestError(
            f"--id-col {asked}: {table.path.name} has no column {asked!r}."
            f"{near(asked, table.columns)}"
        )
    return asked or next((column for column in ID_COLUMNS if column in table.columns), None)


def _ids(table: Table, column: str | None) -> list[str]:
    if column is None:
        return [str(number) for number in range(1, len(table.records) + 1)]
    seen: dict[str, int] = {}
    for record, line in zip(table.records, table.lines, strict=True):
        row_id = record[column].strip()
        if not row_id:
            raise RequestError(
                f"{table.path.name}:{line}: {column!r} is empty, and it is the id of the row; "
                "fill it in, or name another column with --id-col."
            )
        if row_id in seen:
            raise RequestError(
                f"{table.path.name}:{line}: the id {row_id!r} in {column!r} stands on line "
                f"{seen[row_id]}, too; make ids unique, or name another column with --id-col."
            )
        seen[row_id] = line
    return list(seen)
