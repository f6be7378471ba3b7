"""Check a template file, and a table against it: every mistake with its line, no key, no network."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.foresee import foresee
from flows.graph import Graph, compile_template
from flows.lints import Lint, Scene, lint
from flows.load import check_file_name, form_faults, is_path, own_folder, read_template
from flows.load import template_text as text_of
from flows.offers import Offer
from flows.place import Place, PlacedError
from flows.prices import FindModel
from flows.row_price import first_priced, usual_row
from flows.template import Template
from providers.errors import RequestError, UserError
from providers.media import Value

if TYPE_CHECKING:
    from flows.run_plan import Plan

_VARIANTS = 20  # of a usual row, one option of one input changed in each


@dataclass(frozen=True, slots=True)
class Finding:
    """A fault, or a lint where it has a code; `str()` is one line with place and fix."""

    where: str
    line: int | None
    message: str
    step: str | None = None
    code: str | None = None

    def __str__(self) -> str:
        return self.message


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found; `graph` is there when the template loads, `plan` with a table."""

    graph: Graph | None
    faults: tuple[Finding, ...]
    lints: tuple[Finding, ...] = ()
    plan: Plan | None = None


def check_template(name_or_path: str, find_model: FindModel, rows: Path | None = None) -> Checked:
    """Return every fault and lint of a template, and of a table against it.

    Raises:
        RequestError: there is no such file, or it cannot be read.
    """
    text, where = text_of(name_or_path)
    if faults := form_faults(text, where):
        return Checked(None, tuple(_finding(where, fault) for fault in faults))
    template = read_template(text, where)
    found = [*_name_faults(template, name_or_path)]
    graph, faults_of_edges = compile_all(template, where, text, find_model)
    found += faults_of_edges
    if graph is None or found:
        return Checked(None, tuple(_finding(where, fault) for fault in found))
    place = Place(where, text)
    chosen, gone = _first_offers(graph, place)
    if gone:
        return Checked(graph, tuple(_finding(where, fault) for fault in gone))
    lints = _placed(usual_lints(graph, chosen), place)
    if rows is None:
        return Checked(graph, (), tuple(lints))
    return _with_table(graph, name_or_path, rows, lints, place)


def _name_faults(template: Template, name_or_path: str) -> Iterator[RequestError]:
    """A file in the own folder is found by its name."""
    path = Path(name_or_path)
    if is_path(name_or_path) and path.absolute().parent == own_folder().absolute():
        try:
            check_file_name(template, path, name_or_path)
        except RequestError as error:
            yield error


def compile_all(
    template: Template, where: str, text: str, find_model: FindModel
) -> tuple[Graph | None, list[RequestError]]:
    """Return the graph, and every mistake in edges, models and conditions.

    What is wrong is taken out, with all that rests on it, and the rest is looked at.
    """
    faults: list[RequestError] = []
    graph: Graph | None = None
    while True:
        try:
            graph = compile_template(template, where, text=text, find_model=find_model)
            break
        except PlacedError as error:
            path = error.place.path if error.place else ()
            if not _follows(path, faults):
                faults.append(error)
            if len(path) < 2:
                break
            template = _without(template, path)
        except RequestError as error:
            faults.append(error)
            break
    return (None if faults else graph), sorted(faults, key=_line)


def _follows(path: tuple[str | int, ...], faults: list[RequestError]) -> bool:
    """True for "needs 'image'" where the image that was given has been found wrong."""
    places = [
        fault.place.path for fault in faults if isinstance(fault, PlacedError) and fault.place
    ]
    return any(path == place[: len(path)] for place in places)


def _without(template: Template, path: tuple[str | int, ...]) -> Template:
    part, name, *rest = map(str, path)
    if part == "outputs":
        return template.model_copy(update={"outputs": _less(template.outputs, name)})
    step = template.steps[name]
    if len(rest) > 1 and rest[0] == "with" and rest[1] in step.with_:
        step = step.model_copy(update={"with_": _less(step.with_, rest[1])})
        return template.model_copy(update={"steps": {**template.steps, name: step}})
    if rest and rest[0] in ("fallback", "provider", "silence", "when"):
        empty = None if rest[0] == "when" else ()
        step = step.model_copy(update={rest[0]: empty})
        return template.model_copy(update={"steps": {**template.steps, name: step}})
    return _without_step(template, name)


def _without_step(template: Template, name: str) -> Template:
    """Return the template without a step and all that refers to it."""
    gone, steps = {name}, dict(template.steps)
    for other, step in template.steps.items():
        values = json.dumps([step.with_, step.each], default=str)
        names = set(re.findall(r"\$\{?([a-z]\w*)", values))
        names |= set(re.findall(r"[a-z]\w*", step.when or ""))
        if other in gone or names & gone:
            gone.add(other)
            del steps[other]
    outputs = {
        key: value
        for key, value in template.outputs.items()
        if not set(re.findall(r"\$([a-z]\w*)", json.dumps(value, default=str))) & gone
    }
    return template.model_copy(update={"steps": steps, "outputs": outputs})


def _less(entries: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in entries.items() if key != name}


def _first_offers(graph: Graph, place: Place) -> tuple[dict[str, Offer], list[RequestError]]:
    chosen: dict[str, Offer] = {}
    gone: list[RequestError] = []
    for step in graph.steps:
        try:
            chosen[step.name] = first_priced(step)
        except UserError as error:
            problem = str(error).removeprefix(f"step {step.name!r}: ")
            gone.append(place.at("steps", step.name, "model").fault(problem))
    return chosen, gone


def usual_lints(graph: Graph, chosen: Mapping[str, Offer]) -> list[Lint]:
    """Return the lints of usual rows: with the defaults, and with every other option."""
    found: dict[tuple[str, str], Lint] = {}
    for inputs in _variants(graph):
        calls = foresee(graph, chosen, inputs)
        seen = {name: each[0] for name, each in calls.items() if each}
        for one in lint(Scene(graph, chosen, seen)):
            found.setdefault((one.code, one.step), one)
    return list(found.values())


def _variants(graph: Graph) -> Iterator[dict[str, Value]]:
    usual = usual_row(graph)
    yield usual
    changed = [
        {**usual, name: option}
        for name, given in graph.inputs.items()
        for option in given.options or ((True, False) if given.type == "boolean" else ())
        if not given.port_type.is_list and option != usual.get(name)
    ]
    yield from changed[:_VARIANTS]


def _with_table(
    graph: Graph, name_or_path: str, rows: Path, lints: list[Finding], place: Place
) -> Checked:
    """Bind, describe and price every row, as `plan` does, with keys taken for granted."""
    from flows.csv_file import read_table
    from flows.keys import routes_without_keys
    from flows.options import RunOptions
    from flows.prepare import Request, prepare
    from flows.recall import Known
    from flows.run_plan import make_plan

    try:
        prepared = prepare(Request(name_or_path, rows, RunOptions()), routes_without_keys)
    except UserError as error:
        return Checked(graph, (_finding(str(rows), error),), tuple(lints))
    plan = make_plan(prepared.graph, prepared.routes, prepared.rows, Known(), prepared.options)
    lines = dict(zip((row.id for row in prepared.rows), read_table(rows).lines, strict=True))
    faults = [
        Finding(
            str(rows), lines[fault.row_id], f"{rows}:{lines[fault.row_id]}: {fault}", fault.step
        )
        for fault in plan.faults
    ]
    known = {(one.code, one.step) for one in lints}
    more = [one for one in plan.lints if (one.code, one.step) not in known]
    return Checked(graph, tuple(faults), (*lints, *_placed(more, place)), plan)


def _placed(lints: list[Lint], place: Place) -> list[Finding]:
    found = []
    for one in lints:
        here = place.at("steps", one.step)
        problem = f"{here}: {one.code} {one.problem} (silence: [{one.code}])"
        found.append(Finding(place.file, here.line, problem, one.step, one.code))
    return sorted(found, key=lambda each: each.line or 0)


def _finding(where: str, error: UserError) -> Finding:
    place = error.place if isinstance(error, PlacedError) else None
    path = place.path if place else ()
    step = str(path[1]) if len(path) > 1 and path[0] == "steps" else None
    return Finding(where, _line(error) or None, str(error), step)


def _line(error: UserError) -> int:
    place = error.place if isinstance(error, PlacedError) else None
    if place is not None:
        return place.line or 0
    found = re.match(r"[^:\n]*:(\d+): ", str(error))
    return int(found[1]) if found else 0
