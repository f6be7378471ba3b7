"""Prepare a run: template, table, routes and plan, all checked before anything is sent.

A new run is frozen in its folder; every shard, resume and report then reads the frozen copies.
"""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

from flows.graph import Graph, compile_template
from flows.load import read_template, template_text
from flows.options import RunOptions
from flows.plan import Plan, make_plan
from flows.recall import Known, recall
from flows.routes import Routes, plan_routes
from flows.rows import ReadyRow, media_inputs, ready_rows
from flows.run_folder import RunFolder
from flows.table import bind_one, bind_table, read_table
from flows.template import Template
from providers.catalog import Model, load_model
from providers.errors import RequestError, near
from providers.local.adapter import workers
from tasks.ledger import Ledger, runs
from tasks.store import Store


@dataclass(frozen=True, slots=True)
class Request:
    """What a person asked for: a template over a table, or over one row of settings."""

    template: str
    table: Path | None
    options: RunOptions


@dataclass(frozen=True, slots=True)
class Prepared:
    """A request that has been checked; nothing has been written and nothing sent."""

    graph: Graph
    template_text: str
    table_text: str
    table_digest: str
    table_folder: Path
    routes: Routes
    rows: tuple[ReadyRow, ...]
    options: RunOptions


@dataclass(frozen=True, slots=True)
class Work:
    """One run as its shards see it, read from the frozen copies."""

    run: str
    folder: RunFolder
    graph: Graph
    routes: Routes
    rows: tuple[ReadyRow, ...]
    options: RunOptions


def prepare(request: Request) -> Prepared:
    """Return the checked request.

    Raises:
        UserError: the template, the table, an option or a key is wrong; one line.
    """
    text, where = template_text(request.template)
    graph = _graph(text, where, request.options)
    routes = plan_routes(graph, request.options)
    if request.table is None:
        row = bind_one(graph, request.options.set, Path.cwd())
        rows = ready_rows([row], workers())
        _refuse_faults(rows)
        return Prepared(
            graph, text, _one_row_table(rows[0]), "", Path.cwd(), routes, tuple(rows),
            request.options,
        )
    table = read_table(request.table)
    bound = bind_table(
        graph,
        table,
        mapping=request.options.map,
        settings=request.options.set,
        id_column=request.options.id_col,
    )
    return Prepared(
        graph,
        text,
        request.table.read_text(encoding="utf-8-sig"),
        table.sha256,
        request.table.parent.absolute(),
        routes,
        tuple(ready_rows(bound.rows, workers())),
        request.options,
    )


async def plan_run(prepared: Prepared, ledger: Ledger | None, store: Store) -> tuple[Plan, Known]:
    """Return what the request would do and what is known already; no call is made."""
    good = {row.id: row.inputs for row in prepared.rows if not row.faults}
    known = Known()
    if ledger is not None:
        known = await recall(
            ledger, store, prepared.graph, prepared.routes, good, take=prepared.options.take
        )
    plan = make_plan(prepared.graph, prepared.routes, prepared.rows, known, prepared.options)
    return plan, known


def freeze(prepared: Prepared, plan: Plan, ledger: Ledger, parent: Path) -> Work:
    """Write the run down, in the ledger and in a folder of its own below `parent`."""
    run = uuid4().hex[:10]
    stamp = time.strftime("%Y%m%d-%H%M%S")
    folder = RunFolder((parent / prepared.graph.name / f"{stamp}_{run}").absolute())
    folder.path.mkdir(parents=True)
    models = {
        model.model: model.model_dump(mode="json", by_alias=True, exclude_defaults=True)
        for step in prepared.graph.steps
        for model in (step.model, *step.fallback_models)
    }
    folder.write_text("template.yaml", prepared.template_text)
    folder.write_text("inputs.csv", prepared.table_text)
    folder.write_json("plan.json", {**plan.to_json(), "models": models})
    folder.write_json(
        "run.json",
        {
            "run": run,
            "template": prepared.graph.name,
            "version": prepared.graph.template.version,
            "template_digest": prepared.graph.digest,
            "table_digest": prepared.table_digest,
            "table_folder": str(prepared.table_folder),
            "is_one_row": not prepared.table_digest,
            "options": prepared.options.model_dump(mode="json"),
            "created_at": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
            "ledger": ledger.url,
        },
    )
    values = {
        "id": run,
        "template": prepared.graph.name,
        "template_digest": prepared.graph.digest,
        "table_digest": prepared.table_digest,
        "folder": str(folder.path),
    }
    ledger.do_now(runs.create, values, [row.id for row in prepared.rows])
    ledger.do_now(
        runs.keep_inputs,
        run,
        {row.id: found for row in prepared.rows if (found := media_inputs(row))},
    )
    return Work(run, folder, prepared.graph, prepared.routes, prepared.rows, prepared.options)


def open_work(run: runs.Run, ledger: Ledger, positions: range | None = None) -> Work:
    """Return a run from its frozen copies; only the rows at `positions` when given.

    Raises:
        UserError: the folder is gone or damaged, or a key is no longer set.
    """
    folder = RunFolder(Path(run.folder))
    facts, models = folder.read_json("run.json"), folder.read_json("plan.json")["models"]
    options = RunOptions.model_validate(facts["options"])
    text = (folder.path / "template.yaml").read_text(encoding="utf-8")
    graph = _graph(text, "template.yaml", options, models)
    routes = plan_routes(graph, options)
    kept = ledger.do_now(runs.kept_inputs, run.id)
    if facts["is_one_row"]:
        bound = (bind_one(graph, options.set, Path(facts["table_folder"])),)
    else:
        table = replace(
            read_table(folder.path / "inputs.csv"),
            path=Path(facts["table_folder"]) / "inputs.csv",
        )
        bound = bind_table(
            graph, table, mapping=options.map, settings=options.set, id_column=options.id_col
        ).rows
    wanted = bound if positions is None else bound[positions.start : positions.stop]
    return Work(run.id, folder, graph, routes, tuple(ready_rows(wanted, workers(), kept)), options)


def _graph(
    text: str, where: str, options: RunOptions, models: Mapping[str, Any] | None = None
) -> Graph:
    def find_model(name: str) -> Model:
        if models is not None and name in models:
            return Model.model_validate(models[name], strict=False)
        return load_model(name)

    template = _use(read_template(text, where), options.use)
    return compile_template(template, where, text=text, find_model=find_model)


def _use(template: Template, use: Mapping[str, str]) -> Template:
    """Return the template with other models at these steps, without fallbacks."""
    steps = dict(template.steps)
    for name, model in use.items():
        if name not in steps:
            raise RequestError(
                f"--use {name}={model}: {template.name} has no step {name!r}.{near(name, steps)}"
            )
        steps[name] = steps[name].model_copy(update={"model": model, "fallback": ()})
    return template.model_copy(update={"steps": steps})


def _refuse_faults(rows: list[ReadyRow]) -> None:
    for row in rows:
        for fault in row.faults:
            raise RequestError(f"--set {fault.column}: {fault.problem}")


def _one_row_table(row: ReadyRow) -> str:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["id", *row.record])
    writer.writerow([row.id, *row.record.values()])
    return text.getvalue()
