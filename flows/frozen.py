"""A run's frozen copies: written before anything is sent, and read by every shard and resume."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

from flows.caps import caps_for, with_known_prices
from flows.fresh import fix_takes
from flows.graph import Graph
from flows.options import RunOptions
from flows.prepare import (
    Prepared,
    Request,
    checked,
    graph_of,
    plan_run,
    prepare,
    realms_of,
    refuse_faults,
)
from flows.routes import Routes, plan_routes
from flows.rows import ReadyRow, fetched_by_url, media_inputs, ready_rows, with_kept
from flows.run_folder import RunFolder
from flows.run_plan import Plan
from flows.table import Row, bind_one, bind_table, read_table
from providers.errors import RequestError, SetupError
from providers.local.adapter import workers
from providers.media import Media
from tasks.home import find_home
from tasks.ledger import Ledger, budget, runs, shown_url
from tasks.store import Store


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
    fetched: Mapping[str, Media] = field(default_factory=dict, repr=False)
    """What the run has fetched already, by its URL."""


async def start_run(request: Request, ledger: Ledger, store: Store) -> Work:
    """Check, plan and freeze a request, and say what it will do; whoever calls has said yes.

    Raises:
        UserError: as `prepare`; also for faulty rows under `strict`.
    """
    prepared = await fix_takes(prepare(request), ledger, store)
    plan, _ = await plan_run(prepared, ledger, store)
    refuse_faults(plan, prepared)
    return await asyncio.to_thread(freeze, prepared, plan, ledger, runs_folder())


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
            "realms": sorted(realms_of(prepared.routes)),
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
    ledger.do_now(budget.set_caps, run, caps_for(prepared.options, find_home()))
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


def change_options(run: runs.Run, ledger: Ledger, changes: Mapping[str, Any]) -> None:
    """Go on with a run under other terms from now on: a higher cap, another drain.

    Raises:
        UserError: as `open_work` would under these terms; then they stay as they were.
    """
    folder = RunFolder(Path(run.folder))
    options = RunOptions.model_validate({**frozen_options(run).model_dump(), **changes})
    _frozen_graph(run, options)
    facts = {**folder.read_json("run.json"), "options": options.model_dump(mode="json")}
    folder.write_json("run.json", facts)
    ledger.do_now(budget.set_caps, run.id, caps_for(options, find_home()))


def open_work(run: runs.Run, ledger: Ledger, positions: range | None = None) -> Work:
    """Return a run from its frozen copies; only the rows at `positions` when given.

    Raises:
        UserError: the folder is gone or damaged, or a key is no longer set.
    """
    folder, options = RunFolder(Path(run.folder)), frozen_options(run)
    facts = folder.read_json("run.json")
    graph, routes = _frozen_graph(run, options)
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
    rows = checked(ready_rows(wanted, workers(), kept, options.map), graph, routes)
    fetched = fetched_by_url(bound, kept)  # also by the rows of other shards
    return Work(run.id, folder, facts["table"], graph, routes, tuple(rows), options, fetched)


def with_fetched(work: Work, ledger: Ledger) -> Work:
    """Return the run with what its rows have fetched since it was opened."""
    if not any(row.unfetched for row in work.rows):
        return work
    kept = ledger.do_now(runs.kept_inputs, work.run)
    rows = (with_kept(row, kept[row.id]) if row.id in kept else row for row in work.rows)
    return replace(work, rows=tuple(rows))


def _frozen_graph(run: runs.Run, options: RunOptions) -> tuple[Graph, Routes]:
    folder = RunFolder(Path(run.folder))
    facts, models = folder.read_json("run.json"), folder.read_json("plan.json")["models"]
    text = (folder.path / "template.yaml").read_text(encoding="utf-8")
    graph = graph_of(text, "template.yaml", options, models)
    if graph.digest != facts["template_digest"]:
        raise RequestError(
            f"{folder.path}: template.yaml was changed since run {run.id} began: put it back as it "
            "was, or start a new run with `batch`; what is unchanged is reused there."
        )
    routes = with_known_prices(graph, plan_routes(graph, options), options, find_home())
    if "live" in realms_of(routes) and "live" not in facts["realms"]:
        raise RequestError(
            f"Run {run.id} was a rehearsal at {', '.join(facts['realms'])}, and would go live now: "
            "set the *_BASE_URL variables as they were, or start a live run with `batch`."
        )
    return graph, routes
