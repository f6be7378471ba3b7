"""Drive the plain core as the flows do, without Prefect: one call is one process's work on a run."""

from __future__ import annotations

import asyncio
import csv
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import update

from flows.frozen import Work, change_options, open_work, start_run
from flows.options import RunOptions
from flows.prepare import Request
from flows.results import Totals, finish_run
from flows.shard import Shard
from providers import registry
from tasks.home import find_home
from tasks.invoke import Perform, perform_plainly
from tasks.ledger import Ledger, open_ledger, runs
from tasks.ledger.attempt import Attempt
from tasks.ledger.lookup import made_by
from tasks.ledger.schema import run_rows
from tasks.services import Services, open_services

FLUX = "fal-ai/flux-2-pro"
RECRAFT = "fal-ai/recraft/v4/text-to-image"
BIREFNET = "fal-ai/birefnet/v2"
BRIA = "fal-ai/bria/background/remove"


@dataclass(frozen=True)
class Ran:
    """A run that has come to its end, and what it wrote."""

    work: Work
    totals: Totals
    summary: list[dict[str, Any]]
    attempts: list[Attempt]

    @property
    def run(self) -> str:
        return self.work.run

    @property
    def folder(self) -> Path:
        return self.work.folder.path

    def lines(self, name: str) -> list[dict[str, str]]:
        """One of the run's CSV files."""
        with (self.folder / name).open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    @property
    def results(self) -> dict[str, dict[str, str]]:
        return {line["row_id"]: line for line in self.lines("results.csv")}

    @property
    def states(self) -> dict[str, str]:
        return {row: line["state"] for row, line in self.results.items()}

    def outcomes(self, **where: str) -> Counter[str]:
        """How this run's attempts ended, or in which state they are; by step or model."""
        return Counter(
            attempt.outcome or attempt.state
            for attempt in self.attempts
            if where.get("step", attempt.place.step) == attempt.place.step
            and where.get("model", attempt.model) == attempt.model
        )


async def start(
    table: Path,
    template: str | Path = "product-photo",
    perform: Perform = perform_plainly,
    **options: Any,
) -> Ran:
    """Start a run over a table and bring every row to its end."""
    async with open_services(find_home(), registry.PROVIDERS) as services:
        request = Request(str(template), table, RunOptions(**options))
        work = await start_run(request, services.ledger, services.store)
        return await _run(services, work, perform)


async def resume(
    run: str, perform: Perform = perform_plainly, only: tuple[str, ...] = (), **terms: Any
) -> Ran:
    """Go on with a run from its frozen copies, as another process would.

    With `only` the rows in these states are tried anew, and no other.
    """
    async with open_services(find_home(), registry.PROVIDERS) as services:
        found = await services.ledger.do(runs.one, run)
        if terms:
            await asyncio.to_thread(change_options, found, services.ledger, terms)
        work = open_work(found, services.ledger)
        await services.ledger.do(runs.begin, run, owner=services.owner.id, flow_run_id=None)
        if only:
            await services.ledger.do(runs.retry_rows, run, only)
        else:
            await services.ledger.do(runs.reset_rows, run)
        return await _run(services, work, perform)


async def _run(services: Services, work: Work, perform: Perform) -> Ran:
    await Shard(services, work, perform).run(work.rows)
    totals, summary = finish_run(work, services.ledger, services.store)
    made = await services.ledger.do(made_by, work.run)
    return Ran(work, totals, summary.to_dict("records"), made)


def as_killed(run: str) -> None:
    """Leave a run as one that was killed before any of its rows was recorded as ended."""
    ledger = opened()
    try:
        ledger.do_now(
            lambda connection: connection.execute(
                update(run_rows).where(run_rows.c.run == run).values(state=None)
            )
        )
    finally:
        ledger.close()


def write_table(path: Path, rows: Mapping[str, str], header: str = "id,prompt") -> Path:
    """Write a table with one prompt (or file) by row id."""
    lines = [header, *(f"{row},{value}" for row, value in rows.items())]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def append(table: Path, *lines: str) -> None:
    """Add lines to a table."""
    with table.open("a", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in lines)


def write_template(folder: Path, text: str) -> Path:
    """Write a template under its own name."""
    name = next(line for line in text.splitlines() if line.startswith("name: "))
    path = folder / f"{name.removeprefix('name: ')}.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def opened() -> Ledger:
    """The ledger of the home in force; the caller closes it."""
    return open_ledger(find_home().ledger_url)
