"""Write what a run gave: one line per input row, per attempt, the failures, the contact sheet.

Everything is worked out from the ledger and the frozen table, so it can be written at any moment
and is the same whoever writes it.
"""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeAlias

import pandas as pd

from flows.frozen import Work, with_fetched
from flows.grammar import NO_RESULT, NoResult, as_text
from flows.graph import Graph
from flows.resolve import Results, port_values, resolve_outputs
from flows.rows import ReadyRow
from flows.run_folder import safe_name
from flows.table import InputFile
from providers.local.contact import ContactRow, contact_sheet
from providers.local.image import encode_jpeg
from providers.media import Media, Value
from tasks.invoke import result_of
from tasks.ledger import Ledger, runs
from tasks.ledger.attempt import Attempt
from tasks.ledger.runs import RowEnd
from tasks.money import with_unpriced
from tasks.report import (
    Facts,
    attempts_table,
    cost_of,
    is_unpriced,
    read_facts,
    reused_count,
    summary_table,
)
from tasks.store import Store

SUCCEEDED = ("done", "partial")
WHY_COLUMNS = ("mediaflows_state", "mediaflows_reason")
MEDIA_LIMIT = 60  # rows on a contact sheet


@dataclass(frozen=True, slots=True)
class Totals:
    """A run in numbers; `states` adds up to the input rows."""

    rows: int
    states: Mapping[str, int]
    calls: int
    reused: int
    cost_usd: Decimal
    unpriced: int

    @property
    def cost(self) -> str:
        """The cost as people read it."""
        return with_unpriced(self.cost_usd, self.unpriced)

    @property
    def succeeded(self) -> int:
        """How many rows gave what was asked for, or part of it."""
        return sum(self.states.get(state, 0) for state in SUCCEEDED)

    def is_success(self, min_success: float) -> bool:
        """True when the share of rows that succeeded is at least `min_success`."""
        wanted = self.states.get("done", 0) if min_success == 1.0 else self.succeeded
        return wanted >= min_success * self.rows

    def line(self) -> str:
        """The run in one line: "12 rows: 12 done · 24 attempts, 0 reused, $0.00"."""
        states = ", ".join(f"{count:,} {state}" for state, count in self.states.items())
        rows = f"{self.rows:,} row{'s' if self.rows != 1 else ''}"
        return f"{rows}: {states} · {self.calls:,} attempts, {self.reused:,} reused, {self.cost}"

    def to_json(self) -> dict[str, Any]:
        """Return the numbers as JSON data; amounts are text."""
        return {
            "rows": self.rows,
            "states": dict(self.states),
            "attempts": self.calls,
            "reused": self.reused,
            "cost_usd": format(self.cost_usd, "f"),
            "unpriced": self.unpriced,
        }


def finish_run(work: Work, ledger: Ledger, store: Store) -> tuple[Totals, pd.DataFrame]:
    """Write the results of a run and mark it as ended; return its totals and its summary."""
    work = with_fetched(work, ledger)
    facts = ledger.do_now(read_facts, work.run)
    totals = write_results(work, facts, store)
    ledger.do_now(runs.end, work.run)
    return totals, summary_table(facts)


def totals_of(facts: Facts) -> Totals:
    """Return a run's numbers from the ledger; a row that has not ended counts as "open"."""
    states = Counter(end.state if end else "open" for end in facts.ends)
    known, unpriced = cost_of(facts)
    return Totals(
        rows=len(facts.ends),
        states=dict(states.most_common()),
        calls=len(facts.made),
        reused=reused_count(facts),
        cost_usd=known,
        unpriced=unpriced,
    )


def write_results(work: Work, facts: Facts, store: Store) -> Totals:
    """Write results.csv, attempts.csv, failures.csv and contact.jpg, and return the totals."""
    outputs = outputs_by_row(work, facts)
    folder = work.folder
    folder.write_text("results.csv", _results_csv(work, facts, outputs))
    folder.write_text("attempts.csv", attempts_table(facts).to_csv(index=False))
    folder.write_text("failures.csv", _failures_csv(work, facts.ends))
    _write_contact(work, facts, store, outputs)
    totals = totals_of(facts)
    folder.write_json("run.json", {**folder.read_json("run.json"), "totals": totals.to_json()})
    return totals


Outputs: TypeAlias = "Mapping[str, Mapping[str, Value | NoResult]]"


def outputs_by_row(work: Work, facts: Facts) -> Outputs:
    """Return by row id and output what the run has of it."""
    made: dict[str, dict[str, dict[int, Mapping[str, Value]]]] = {}
    for (row, step, item), attempt in facts.used.items():
        values = result_of(attempt, reused=False).values
        made.setdefault(row, {}).setdefault(step, {})[item] = values
    return {
        row.id: resolve_outputs(work.graph, row.inputs, _results(work.graph, made.get(row.id, {})))
        for row in work.rows
    }


def _results(graph: Graph, made: Mapping[str, Mapping[int, Mapping[str, Value]]]) -> Results:
    """Step -> its values; an item that has none is a gap, and so keeps the place of the next."""
    return {
        step: port_values(
            graph.step(step), [items.get(n) for n in range(min(1, *items), max(items) + 1)]
        )
        for step, items in made.items()
    }


def _results_csv(work: Work, facts: Facts, outputs: Outputs) -> str:
    made, used = _by_row(facts.made), _used_by_row(facts)
    columns = list(work.rows[0].record) if work.rows else []
    lines = []
    for row, end in zip(work.rows, facts.ends, strict=True):
        own, has = made.get(row.id, []), used.get(row.id, [])
        ids = {attempt.id for attempt in own}
        lines.append(
            {
                "row_id": row.id,
                "state": end.state if end else "open",
                "reason": end.reason if end else "",
                **_paths(row, outputs[row.id]),
                "models": " ".join(f"{a.model}@{a.provider}" for a in has),
                "cost_usd": format(sum((a.amount or Decimal(0) for a in own), Decimal(0)), "f"),
                "unpriced": sum(is_unpriced(attempt) for attempt in own),
                "attempts": len(own),
                "reused": sum(attempt.id not in ids for attempt in has),
                "seconds": round(sum(_seconds(attempt) for attempt in own), 2),
            }
        )
    ours = list(lines[0]) if lines else []
    # A column of the user's keeps its name; ours steps aside.
    names = [f"mediaflows_{name}" if name in columns else name for name in ours]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*columns, *names])
    for row, line in zip(work.rows, lines, strict=True):
        writer.writerow([*(row.record[name] for name in columns), *(line[name] for name in ours)])
    return text.getvalue()


def _paths(row: ReadyRow, outputs: Mapping[str, Value | NoResult]) -> dict[str, str]:
    paths = {}
    for name, value in outputs.items():
        if isinstance(value, Media):
            paths[name] = f"outputs/{safe_name(row.id)}/{name}.{value.extension}"
        elif isinstance(value, tuple) and all(isinstance(item, str) for item in value):
            paths[name] = json.dumps(value, ensure_ascii=False)
        elif isinstance(value, tuple):
            paths[name] = "|".join(
                f"outputs/{safe_name(row.id)}/{name}_{number}.{item.extension}"
                if isinstance(item, Media)
                else as_text(item)
                for number, item in enumerate(value, 1)
                if item is not None
            )
        else:
            paths[name] = "" if value is NO_RESULT or value is None else str(value)
    return paths


def _failures_csv(work: Work, ends: Sequence[RowEnd | None]) -> str:
    """The input rows that have no result, as they came: to be mended and fed back."""
    text = io.StringIO()
    columns = list(work.rows[0].record) if work.rows else []
    writer = csv.writer(text, lineterminator="\n")
    columns = [name for name in columns if name not in WHY_COLUMNS]  # fed back before
    writer.writerow([*columns, *WHY_COLUMNS])
    for row, end in zip(work.rows, ends, strict=True):
        if end is None or end.state != "done":
            state, reason = (end.state, end.reason) if end else ("open", "")
            files = _absolute_cells(work, row)
            writer.writerow(
                [*(files.get(name, row.record[name]) for name in columns), state, reason]
            )
    return text.getvalue()


def _absolute_cells(work: Work, row: ReadyRow) -> dict[str, str]:
    """Column -> the row's files by their whole paths: the user's paths start from another folder.

    A cell of URLs stays as it came.
    """
    cells = {}
    for name, sources in row.sources.items():
        if any(isinstance(source, InputFile) for source in sources):
            words = [
                str(source.path) if isinstance(source, InputFile) else source.url
                for source in sources
            ]
            cells[work.options.map.get(name, name)] = "|".join(words)
    return cells


def _write_contact(work: Work, facts: Facts, store: Store, outputs: Outputs) -> None:
    rows = []
    for row, end in zip(work.rows, facts.ends, strict=True):
        note = "" if end and end.state == "done" else _note(end)
        rows.append(ContactRow(row.id, note, _before_and_after(row, outputs[row.id], store)))
    if any(row.images for row in rows):
        data = encode_jpeg(contact_sheet(rows, limit=MEDIA_LIMIT))
        (work.folder.path / "contact.jpg").write_bytes(data)


def _note(end: RowEnd | None) -> str:
    if end is None:
        return "open"
    return f"{end.state}: {end.reason}" if end.reason else end.state


def _before_and_after(
    row: ReadyRow, outputs: Mapping[str, Value | NoResult], store: Store
) -> tuple[Path, ...]:
    pictures = [
        value
        for value in (*row.inputs.values(), *outputs.values())
        if isinstance(value, Media) and value.kind == "image" and store.has(value.sha256)
    ]
    chosen = pictures if len(pictures) < 2 else [pictures[0], pictures[-1]]
    return tuple(store.path(media.sha256) for media in chosen)


def _by_row(made: Sequence[Attempt]) -> dict[str, list[Attempt]]:
    found: dict[str, list[Attempt]] = {}
    for attempt in made:
        found.setdefault(attempt.place.row, []).append(attempt)
    return found


def _used_by_row(facts: Facts) -> dict[str, list[Attempt]]:
    found: dict[str, list[Attempt]] = {}
    for (row, _, _), attempt in facts.used.items():
        found.setdefault(row, []).append(attempt)
    return found


def _seconds(attempt: Attempt) -> float:
    return (attempt.settled_at or attempt.created_at) - attempt.created_at
