"""Lints that look at every row of a table: a condition that is true of none of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from flows.conditions import condition_references
from flows.graph import Graph, GraphStep
from flows.lints import Lint
from flows.options import RunOptions
from flows.will_run import may_run
from providers.media import Media

if TYPE_CHECKING:  # it imports what reads media files, and whoever only looks needs none of that
    from flows.rows import ReadyRow

NEVER_TRUE = "MF011"
_SHOWN, _LONGEST = 4, 24  # values that stand in the table, and the characters of one


def lint_rows(graph: Graph, rows: Sequence[ReadyRow], options: RunOptions) -> list[Lint]:
    """Return a lint for each step whose condition the table alone decides, and never for yes.

    What is one value for all rows by a default or `--set` has been chosen so; one row says nothing.
    """
    if len(rows) < 2:
        return []
    found = []
    for step in graph.steps:
        read = _columns_read(graph, step, rows[0].record, options)
        if not read or NEVER_TRUE in step.silence:
            continue
        if not any(may_run(step, row.inputs) for row in rows):
            problem = f"`when: {step.when}` is never true over these {len(rows):,} rows"
            found.append(Lint(NEVER_TRUE, step.name, problem + _seen(read, rows)))
    return found


def _columns_read(
    graph: Graph, step: GraphStep, record: Mapping[str, str], options: RunOptions
) -> list[str]:
    """Return the inputs that a step's condition reads from columns; none: something else decides."""
    if step.when is None:
        return []
    read = {ref.name: ref for ref in condition_references(step.when, step.name)}
    if not read.keys() <= graph.inputs.keys():
        return []  # a step's result decides
    return [
        name for name in read if name not in options.set and options.map.get(name, name) in record
    ]


def _seen(names: Sequence[str], rows: Sequence[ReadyRow]) -> str:
    """Return " (category there: bag, shoes)" for the columns of a few short values."""
    told = []
    for name in names:
        values = {row.inputs.get(name) for row in rows if not _is_large(row.inputs.get(name))}
        words = sorted(str(value) for value in values if value is not None)
        if words and all(len(word) <= _LONGEST for word in words):
            more = ", ..." if len(words) > _SHOWN else ""
            told.append(f"{name} there: {', '.join(words[:_SHOWN])}{more}")
    return f" ({'; '.join(told)})" if told else ""


def _is_large(value: object) -> bool:
    return isinstance(value, Media | tuple | Mapping)
