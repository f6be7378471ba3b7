"""What a run gave, for Python: files with their paths, texts, costs, and tables as DataFrames."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeAlias

import pandas as pd

from flows.frozen import Work
from flows.grammar import NO_RESULT, NoResult
from flows.results import Totals, outputs_by_row, totals_of
from providers.errors import (
    BudgetError,
    InputError,
    JobFailedError,
    MediaflowsError,
    ParkedError,
    RefusedError,
    RejectedError,
    RequestError,
    StepError,
    StoppedError,
    near,
)
from providers.media import Media, Value
from tasks.ledger import Ledger
from tasks.money import with_unpriced
from tasks.report import attempts_table, read_facts, summary_table

_ERRORS: Mapping[str, type[MediaflowsError]] = {
    "invalid": InputError,
    "parked": ParkedError,
    "cancelled": StoppedError,
    "not admitted": BudgetError,
    "failed": JobFailedError,
    "rejected": RejectedError,
    "refused": RefusedError,
}
_SHOWN = ("image/png", "image/jpeg")  # what notebooks show
_TYPES = {
    "cost_usd": "float64",
    "unpriced": "int64",
    "attempts": "int64",
    "reused": "int64",
    "seconds": "float64",
}


@dataclass(frozen=True, slots=True)
class File:
    """A file that a run made; whatever takes a path takes it, too."""

    path: Path
    media: Media

    def __fspath__(self) -> str:
        return str(self.path)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        """A notebook shows the picture."""
        bundle = {"text/plain": str(self.path)}
        if self.media.media_type in _SHOWN:
            data = base64.b64encode(self.path.read_bytes()).decode()
            bundle[self.media.media_type] = data
        return bundle


Output: TypeAlias = (
    "File | str | int | float | bool | Mapping[str, Any] | tuple[Output, ...] | None"
)


@dataclass(frozen=True, slots=True)
class Made:
    """What one run over one input gave; an output without a result is None."""

    run: str
    folder: Path
    state: str
    reason: str
    outputs: Mapping[str, Output]
    totals: Totals = field(repr=False)

    def __getitem__(self, output: str) -> Any:
        """Return an output: a `File` for media, a text, a number, or a tuple of these."""
        if output not in self.outputs:
            raise RequestError(f"There is no output {output!r}.{near(output, self.outputs)}")
        return self.outputs[output]

    @property
    def cost_usd(self) -> Decimal:
        """What it cost, as far as prices are known."""
        return self.totals.cost_usd

    @property
    def cost(self) -> str:
        """The cost as people read it."""
        return with_unpriced(self.totals.cost_usd, self.totals.unpriced)


@dataclass(frozen=True, slots=True)
class MadeBatch:
    """What a run over a table gave.

    `results` has a line for each row of the table, in its order: its own columns, then state,
    reason, a path for each output, cost and seconds. `attempts` has a line for each call, `summary`
    one for each step and model. `outputs` are the same files by row id and output.
    """

    run: str
    folder: Path
    totals: Totals
    results: pd.DataFrame = field(repr=False)
    attempts: pd.DataFrame = field(repr=False)
    summary: pd.DataFrame = field(repr=False)
    outputs: Mapping[str, Mapping[str, Output]] = field(repr=False)

    def __getitem__(self, row: str) -> Mapping[str, Output]:
        """Return the outputs of one row, by its id."""
        if row not in self.outputs:
            raise RequestError(f"There is no row {row!r}.{near(row, self.outputs)}")
        return self.outputs[row]

    @property
    def states(self) -> Mapping[str, int]:
        """How many rows ended in which state."""
        return self.totals.states

    @property
    def cost_usd(self) -> Decimal:
        """What the run cost, as far as prices are known; exact, where the tables have floats."""
        return self.totals.cost_usd

    @property
    def cost(self) -> str:
        """The cost as people read it."""
        return with_unpriced(self.totals.cost_usd, self.totals.unpriced)

    @property
    def contact(self) -> Path:
        """The contact sheet: before and after, row by row."""
        return self.folder / "contact.jpg"

    def line(self) -> str:
        """The run in one line: "12 rows: 12 done · 24 attempts, 0 reused, $0.00"."""
        return self.totals.line()


def made_once(work: Work, ledger: Ledger) -> Made:
    """Return what a run over one input gave.

    Raises:
        StepError: it has not come to its end, or nothing came of it; which one says why.
    """
    facts = ledger.do_now(read_facts, work.run)
    (end,) = facts.ends
    if end is None or end.state not in ("done", "partial"):
        state, reason = (end.state, end.reason) if end else ("open", "it broke off")
        raise _ERRORS.get(state, StepError)(f"{work.graph.name}: {reason} (run {work.run}).")
    ((row, outputs),) = outputs_by_row(work, facts).items()
    made = _made(work, row, outputs)
    return Made(work.run, work.folder.path, end.state, end.reason, made, totals_of(facts))


def made_by_batch(work: Work, ledger: Ledger, table: pd.DataFrame | None) -> MadeBatch:
    """Return what a run over a table gave; `table` is the DataFrame that it was given as."""
    facts = ledger.do_now(read_facts, work.run)
    by_row = {
        row: _made(work, row, outputs) for row, outputs in outputs_by_row(work, facts).items()
    }
    return MadeBatch(
        run=work.run,
        folder=work.folder.path,
        totals=totals_of(facts),
        results=_results(work, by_row, table),
        attempts=attempts_table(facts).astype({"amount_usd": "float64"}),
        summary=summary_table(facts).astype({"cost_usd": "float64"}),
        outputs=by_row,
    )


def _made(work: Work, row: str, outputs: Mapping[str, Value | NoResult]) -> dict[str, Output]:
    return {name: _output(work, row, name, value) for name, value in outputs.items()}


def _output(work: Work, row: str, stem: str, value: Value | NoResult) -> Any:
    if isinstance(value, Media):
        path = work.folder.output(row, stem, value)
        return File(path, value) if path.exists() else None
    if isinstance(value, tuple):
        return tuple(
            _output(work, row, f"{stem}_{number}", item) for number, item in enumerate(value, 1)
        )
    return None if value is NO_RESULT else value


def _results(
    work: Work, outputs: Mapping[str, Mapping[str, Output]], table: pd.DataFrame | None
) -> pd.DataFrame:
    """Return results.csv with types; the columns of a DataFrame stay what they were."""
    given = list(work.rows[0].record) if work.rows else []
    written = pd.read_csv(work.folder.path / "results.csv", dtype=str, keep_default_na=False)
    ours = written.iloc[:, len(given) :]
    names = {name: f"mediaflows_{name}" if name in given else name for name in _TYPES}
    ours = ours.astype({names[name]: kind for name, kind in _TYPES.items()})
    for name in work.graph.outputs:
        column = f"mediaflows_{name}" if name in given else name
        ours[column] = pd.Series(
            [_path(outputs[row.id][name]) for row in work.rows], index=ours.index, dtype=object
        )
    if table is None:
        return pd.concat([written.iloc[:, : len(given)], ours], axis=1)
    return pd.concat([table, ours.set_axis(table.index)], axis=1)


def _path(value: Output) -> Any:
    if isinstance(value, tuple):
        return [_path(item) for item in value]
    return value.path if isinstance(value, File) else value
