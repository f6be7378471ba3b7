"""Prepare a run: template, table, routes and plan, all checked before anything is sent.

A new run is frozen in its folder; every shard, resume and report then reads the frozen copies.
"""

from __future__ import annotations

import asyncio
import csv
import io
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

from flows.graph import Graph, ModelUse, compile_template
from flows.load import read_template, template_text
from flows.options import RunOptions
from flows.pricing import Pricer
from flows.recall import Known, recall
from flows.routes import Routes, plan_routes
from flows.rows import ReadyRow, media_inputs, ready_rows
from flows.run_folder import RunFolder
from flows.run_plan import Plan, make_plan
from flows.table import InputFile, InputValue, Row, bind_one, bind_table, read_table
from flows.template import Template
from providers.catalog import Model, load_model
from providers.errors import RequestError, SetupError, near
from providers.local.adapter import workers
from tasks.ledger import Ledger, runs, shown_url
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
    table: str
    table_text: str
    table_digest: str
    table_folder: Path
    routes: Routes
    rows: tuple[ReadyRow, ...]
    options: RunOptions
    unused_columns: tuple[str, ...] = ()
    form: Mapping[str, Any] = field(default_factory=dict)
    """A single row's values as the template's own flow takes them."""


@dataclass(frozen=True, slots=True)
class Work:
    """One run as its shards see it, read from the frozen copies."""

    run: str
    folder: RunFolder
    table: str
    graph: Graph
    routes: Routes
    rows: tuple[ReadyRow, ...] = field(repr=False)  # asyncio.run puts its result into words
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
        return _prepare_one(graph, text, routes, request.options)
    table = read_table(request.table)
    bound = bind_table(
        graph,
        table,
        mapping=request.options.map,
        settings=request.options.set,
        id_column=request.options.id_col,
    )
    return Prepared(
        graph=graph,
        template_text=text,
        table=str(request.table),
        table_text=request.table.read_bytes().decode("utf-8-sig"),  # line ends as they are
        table_digest=table.sha256,
        table_folder=request.table.parent.absolute(),
        routes=routes,
        rows=_checked(ready_rows(bound.rows, workers()), graph, routes),
        options=request.options,
        unused_columns=bound.unused_columns,
    )


def _prepare_one(graph: Graph, text: str, routes: Routes, options: RunOptions) -> Prepared:
    bound = bind_one(graph, options.set, Path.cwd())
    row = ready_rows([bound], workers())[0]
    for fault in row.faults:
        raise RequestError(f"--set {fault.column}: {fault.problem}")
    return Prepared(
        graph=graph,
        template_text=text,
        table="",
        table_text=_one_row_table(row),
        table_digest="",
        table_folder=Path.cwd(),
        routes=routes,
        rows=(row,),
        options=options,
        form={name: _form_value(bound.inputs[name]) for name in options.set},
    )


def _form_value(value: InputValue) -> Any:
    if isinstance(value, tuple):
        return [_form_value(item) for item in value]
    return str(value.path) if isinstance(value, InputFile) else value


async def plan_run(prepared: Prepared, ledger: Ledger | None, store: Store) -> tuple[Plan, Known]:
    """Return what the request would do and what is known already; no call is made."""
    good = {row.id: row.inputs for row in prepared.rows if not row.faults}
    known = Known()
    if ledger is not None:
        known = await recall(
            ledger, store, prepared.graph, prepared.routes, good, options=prepared.options
        )
    plan = make_plan(prepared.graph, prepared.routes, prepared.rows, known, prepared.options)
    return plan, known


async def start_run(request: Request, ledger: Ledger, store: Store) -> Work:
    """Check, plan and freeze a request, and say what it will do; whoever calls has said yes.

    Raises:
        UserError: as `prepare`; also for faulty rows under `strict`.
    """
    prepared = prepare(request)
    plan, _ = await plan_run(prepared, ledger, store)
    refuse_faults(plan, prepared)
    return await asyncio.to_thread(freeze, prepared, plan, ledger, runs_folder())


def refuse_faults(plan: Plan, prepared: Prepared) -> None:
    """Raise the first fault where faulty rows are not left out: under `strict`, or all of them.

    Raises:
        RequestError: what is wrong with the first faulty row, and how many there are.
    """
    if not plan.faults or (plan.invalid < plan.rows and not prepared.options.strict):
        return
    count = f"{plan.invalid:,} of {plan.rows:,} rows have faults. "
    raise RequestError(f"{count if plan.rows > 1 else ''}{plan.faults[0]}")


def runs_folder() -> Path:
    """Return where run folders go: MEDIAFLOWS_RUNS_URL, else ./runs."""
    return Path(os.environ.get("MEDIAFLOWS_RUNS_URL") or "runs").absolute()


def freeze(prepared: Prepared, plan: Plan, ledger: Ledger, parent: Path) -> Work:
    """Write the run down, in the ledger and in a folder of its own below `parent`."""
    run = uuid4().hex[:10]
    stamp = time.strftime("%Y%m%d-%H%M%S")
    folder = RunFolder((parent / prepared.graph.name / f"{stamp}_{run}").absolute())
    try:
        folder.path.mkdir(parents=True)
    except OSError as error:
        raise SetupError(
            f"{folder.path}: cannot be made: {error.strerror or error}; choose another folder "
            "with --out."
        ) from None
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
            "table": prepared.table,
            "table_folder": str(prepared.table_folder),
            "realms": sorted(_realms(prepared.routes)),
            "is_one_row": not prepared.table_digest,
            "options": prepared.options.model_dump(mode="json"),
            "created_at": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
            "ledger": shown_url(ledger.url),
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
    return Work(
        run,
        folder,
        prepared.table,
        prepared.graph,
        prepared.routes,
        prepared.rows,
        prepared.options,
    )


def frozen_options(run: runs.Run) -> RunOptions:
    """Return how a run is done, from its folder.

    Raises:
        SetupError: the folder is gone or damaged.
    """
    return RunOptions.model_validate(RunFolder(Path(run.folder)).read_json("run.json")["options"])


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
    if "live" in _realms(routes) and "live" not in facts["realms"]:
        raise RequestError(
            f"Run {run.id} was a rehearsal at {', '.join(facts['realms'])}, and would go live now: "
            "set the *_BASE_URL variables as they were, or start a live run with `batch`."
        )
    kept = ledger.do_now(runs.kept_inputs, run.id)
    if facts["is_one_row"]:
        bound: tuple[Row, ...] = (bind_one(graph, options.set, Path(facts["table_folder"])),)
    else:
        table = replace(
            read_table(folder.path / "inputs.csv"),
            path=Path(facts["table_folder"]) / "inputs.csv",
        )
        bound = bind_table(
            graph, table, mapping=options.map, settings=options.set, id_column=options.id_col
        ).rows
    wanted = bound if positions is None else bound[positions.start : positions.stop]
    rows = _checked(ready_rows(wanted, workers(), kept, options.map), graph, routes)
    return Work(run.id, folder, facts["table"], graph, routes, tuple(rows), options)


def _realms(routes: Routes) -> set[str]:
    return {route.realm for found in routes.values() for route in found}


def _checked(rows: list[ReadyRow], graph: Graph, routes: Routes) -> tuple[ReadyRow, ...]:
    """Return the rows with a fault for every step that no provider would do with their values."""
    pricer = Pricer(graph, routes)
    return tuple(
        row if row.faults else replace(row, faults=tuple(pricer.problems(row))) for row in rows
    )


def _graph(
    text: str, where: str, options: RunOptions, models: Mapping[str, Any] | None = None
) -> Graph:
    def find_model(name: str) -> Model:
        if models is not None and name in models:
            return Model.model_validate(models[name], strict=False)
        return load_model(name)

    template = _use(read_template(text, where), options.use, find_model)
    return compile_template(template, where, text=text, find_model=find_model)


def _use(
    template: Template, use: Mapping[str, str], find_model: Callable[[str], Model]
) -> Template:
    """Return the template with other models at these steps, without fallbacks."""
    steps = dict(template.steps)
    for name, model in use.items():
        if name not in steps:
            raise RequestError(
                f"--use {name}={model}: {template.name} has no step {name!r}.{near(name, steps)}"
            )
        given, own = (find_model(ModelUse.parse(m).model).kind for m in (model, steps[name].model))
        if given != own:
            raise RequestError(f"--use {name}={model}: that is {given}, and {name!r} needs {own}.")
        steps[name] = steps[name].model_copy(update={"model": model, "fallback": ()})
    return template.model_copy(update={"steps": steps})


def _one_row_table(row: ReadyRow) -> str:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["id", *row.record])
    writer.writerow([row.id, *row.record.values()])
    return text.getvalue()
