"""Run the flows from the command line, watch them end and say what came of it."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import click
from prefect.client.schemas.objects import State
from prefect.states import raise_state_exception

from flows.batch_flow import BAD_REQUEST_STATE, INCOMPLETE_STATE, batch
from flows.cli.before import Ahead
from flows.cli.conclude import CANCELLED_CODE, close_run, conclude
from flows.cli.tables import tell
from flows.frozen import Work, freeze, open_work, runs_folder
from flows.results import Totals, totals_of
from flows.shard import stop_asked
from flows.template_flow import template_flow
from providers.errors import RequestError
from tasks.ledger import open_ledger, runs
from tasks.report import read_facts
from tasks.store import Store


def execute_batch(
    ahead: Ahead, pilot: int | None, out: str | None, *, yes: bool, as_json: bool
) -> int:
    """Freeze the run, carry it through Prefect, print what came of it; return the exit code."""
    ledger, store = open_ledger(ahead.home.ledger_url), Store(ahead.home.store)
    try:
        work = freeze(ahead.prepared, ahead.plan, ledger, Path(out) if out else runs_folder())
        tell(f"run {work.run} in {short(work.folder.path)}")
        valid = ahead.plan.rows - ahead.plan.invalid
        if pilot is not None and pilot < valid:
            run_flow(work, pilot)
            totals = totals_of(ledger.do_now(read_facts, work.run))
            if stop_asked.is_set():
                return close_run(work, ledger, store, "cancelled", "cancelled", as_json=as_json)
            if not _goes_on(ahead, totals, pilot, valid - pilot, yes=yes):
                return close_run(work, ledger, store, "not admitted", "pilot", as_json=as_json)
        run_flow(work, None)
        return conclude(work, ledger, as_json=as_json)
    finally:
        ledger.close()


def execute_one(ahead: Ahead, out: str | None, *, as_json: bool) -> int:
    """Run a template's own flow once; return the exit code."""
    if out:
        os.environ["MEDIAFLOWS_RUNS_URL"] = str(Path(out).absolute())
    flow = template_flow(ahead.request.template)
    options = ahead.request.options.model_copy(update={"set": {}})
    with _stop_on_interrupt():
        state = asyncio.run(_call(flow, {**ahead.prepared.form, "options": options}))
    _raise_unless_ended(state)
    flow_run = str(state.state_details.flow_run_id)
    ledger = open_ledger(ahead.home.ledger_url)
    try:
        found = ledger.do_now(runs.of_flow_run, flow_run)
        if found is None:
            raise RuntimeError(f"the flow run ended as {state.name} and left no run")
        return conclude(open_work(found, ledger), ledger, as_json=as_json)
    finally:
        ledger.close()


def run_flow(work: Work, pilot: int | None) -> None:
    """Run the batch flow on a run, until every row of it has ended."""
    with _stop_on_interrupt():
        state: State[Any] = batch(
            template=work.graph.name,
            table=work.table,
            options=work.options,
            run=work.run,
            pilot=pilot,
            return_state=True,
        )
    _raise_unless_ended(state)


def _goes_on(ahead: Ahead, totals: Totals, pilot: int, rest: int, *, yes: bool) -> bool:
    """Ask whether the pilot was good enough; without a terminal the answer is no."""
    done = totals.states.get("done", 0)
    seen = f"Pilot done: {totals.cost}, {done} of {pilot}, see contact.jpg."
    if not done:
        tell(f"{seen} Nothing came of it: stopping.")
        return False
    question = f"{seen} Go on with {rest:,} rows for about {ahead.plan.expected_for(rest)}?"
    if yes:
        tell(f"{question} Yes.")
        return True
    if not sys.stdin.isatty():
        tell(f"{question} No terminal to ask at: no. Add --yes to go on.")
        return False
    try:
        return click.confirm(question, err=True)
    except click.Abort:
        return False


@contextmanager
def _stop_on_interrupt() -> Iterator[None]:
    """A first Ctrl-C admits no further row; a second one ends the process."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        if stop_asked.is_set():
            os._exit(CANCELLED_CODE)
        stop_asked.ask()
        tell(
            "stopping: nothing more is sent, and what is paid for is taken for some seconds yet; "
            "Ctrl-C again ends at once"
        )

    before = signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


async def _call(flow: Callable[..., Any], parameters: dict[str, Any]) -> State[Any]:
    state: State[Any] = await flow(**parameters, return_state=True)
    return state


def _raise_unless_ended(state: State[Any]) -> None:
    """Do nothing for a flow run that came to its end, whatever became of its rows."""
    if state.is_completed() or state.name == INCOMPLETE_STATE:
        return
    if state.name == BAD_REQUEST_STATE:
        raise RequestError(state.message or "")
    raise_state_exception(state)
    raise RuntimeError(f"the flow run ended as {state.name}")


def short(path: Path) -> str:
    """Return a path as people read it."""
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)
