"""Prepare a run: template, table, routes and plan, all checked before anything is sent."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from flows.caps import with_known_prices
from flows.cells import as_line
from flows.graph import Graph, ModelUse, compile_template
from flows.load import read_template, template_text
from flows.options import RunOptions
from flows.prices import PRICES, read_prices, with_prices
from flows.pricing import Pricer
from flows.recall import Known, recall
from flows.routes import Routes, plan_routes
from flows.rows import ReadyRow, ready_rows
from flows.run_plan import Plan, make_plan
from flows.table import InputFile, InputValue, bind_one, bind_table, read_table
from flows.template import Template
from providers.catalog import Model, load_model
from providers.errors import RequestError, near
from providers.local.adapter import workers
from providers.media import InputUrl
from tasks.home import find_home
from tasks.ledger import Ledger
from tasks.store import Store


@dataclass(frozen=True, slots=True)
class Request:
    """What a person asked for: a template over a table, or over one row of settings."""

    template: str | Template
    table: Path | None
    options: RunOptions
    data: bytes | None = field(default=None, repr=False)
    """The table's bytes where it is in no file."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A request that has been checked; nothing has been written and nothing sent."""

    # Left out of the repr: asyncio.run puts its task's result into words, 100 MB for 10,000 rows.
    graph: Graph = field(repr=False)
    template_text: str = field(repr=False)
    table: str
    table_text: str = field(repr=False)
    table_digest: str
    table_folder: Path
    routes: Routes = field(repr=False)
    rows: tuple[ReadyRow, ...] = field(repr=False)
    options: RunOptions
    unused_columns: tuple[str, ...] = ()
    form: Mapping[str, Any] = field(default_factory=dict)
    """A single row's values as the template's own flow takes them."""


FindRoutes = Callable[[Graph, RunOptions], Routes]


def prepare(request: Request, find_routes: FindRoutes = plan_routes) -> Prepared:
    """Return the checked request.

    Raises:
        UserError: the template, the table, an option or a key is wrong; one line.
    """
    prepared = _prepare(request, find_routes)
    if prepared.options.from_step:
        prepared.graph.step(prepared.options.from_step)
    return prepared


def _prepare(request: Request, find_routes: FindRoutes) -> Prepared:
    text, where = template_text(request.template)
    graph = graph_of(text, where, request.options)
    routes = find_routes(graph, request.options)
    routes = with_known_prices(graph, routes, request.options, find_home())
    if request.table is None:
        return _prepare_one(graph, text, routes, request.options)
    table = read_table(request.table, request.data)
    data = request.table.read_bytes() if request.data is None else request.data
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
        table_text=data.decode("utf-8-sig"),  # line ends as they are
        table_digest=table.sha256,
        table_folder=request.table.parent.absolute(),
        routes=routes,
        rows=checked(ready_rows(bound.rows, workers()), graph, routes),
        options=request.options,
        unused_columns=bound.unused_columns,
    )


def _prepare_one(graph: Graph, text: str, routes: Routes, options: RunOptions) -> Prepared:
    bound = bind_one(graph, options.set, Path.cwd())
    row = checked(ready_rows([bound], workers()), graph, routes)[0]
    for fault in row.faults:
        place = [f"--set {fault.column}"] if fault.column else []
        place += [f"step {fault.step!r}"] if fault.step else []
        raise RequestError(as_line(": ".join(place), fault.problem, fault.fix))
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
    if isinstance(value, InputUrl):
        return value.url
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


def refuse_lints(plan: Plan, prepared: Prepared) -> None:
    """Raise the first lint under `strict`.

    Raises:
        RequestError: what is most likely not meant, and how many such things there are.
    """
    if plan.lints and prepared.options.strict:
        raise RequestError(f"--strict: {plan.lints[0]}, {len(plan.lints)} such in all.")


def refuse_faults(plan: Plan, prepared: Prepared) -> None:
    """Raise the first fault where faulty rows are not left out: under `strict`, or all of them.

    Raises:
        RequestError: what is wrong with the first faulty row, and how many there are; under
            `strict` also what is most likely not meant.
    """
    refuse_lints(plan, prepared)
    if not plan.faults or (plan.invalid < plan.rows and not prepared.options.strict):
        return
    count = f"{plan.invalid:,} of {plan.rows:,} rows have faults. "
    raise RequestError(f"{count if plan.rows > 1 else ''}{plan.faults[0]}")


def realms_of(routes: Routes) -> set[str]:
    """Return where results would come from."""
    return {route.realm for found in routes.values() for route in found}


def checked(rows: list[ReadyRow], graph: Graph, routes: Routes) -> tuple[ReadyRow, ...]:
    """Return the rows with a fault for every step that no provider would do with their values.

    A row that has faults already is asked for the rest of them, as far as its values go.
    """
    pricer = Pricer(graph, routes)
    return tuple(
        replace(row, faults=(*row.faults, *found)) if (found := pricer.problems(row)) else row
        for row in rows
    )


def graph_of(
    text: str, where: str, options: RunOptions, models: Mapping[str, Any] | None = None
) -> Graph:
    """Return the graph of a template as these options change it.

    `models` are catalog entries that a run has frozen; today's catalog has the others.

    Raises:
        RequestError: the template or an option is wrong.
    """
    own = read_prices(find_home().folder / PRICES)

    def find_model(name: str) -> Model:
        if models is not None and name in models:
            return Model.model_validate(models[name], strict=False)
        return with_prices(load_model(name), own)

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
