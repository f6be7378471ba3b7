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
from flows.cli.find_run import find_run, open_existing_ledger
from flows.cli.tables import print_json, print_summary, tell
from flows.invoice import compare_with_invoice
from flows.prepare import Work, freeze, frozen_options, open_work, runs_folder
from flows.recorded import mark_crashed, wait_until_recorded
from flows.results import Totals, finish_run, totals_of
from flows.sandboxed import sandboxed
from flows.shard import stop_asked
from flows.template_flow import template_flow
from providers.errors import RequestError
from tasks.home import find_home
from tasks.ledger import Ledger, open_ledger, owners, runs
from tasks.report import read_facts, summary_table
from tasks.store import Store

INCOMPLETE, CANCELLED = 3, 5


def execute_batch(
    ahead: Ahead, pilot: int | None, out: str | None, *, yes: bool, as_json: bool
) -> int:
    """Freeze the run, carry it through Prefect, print what came of it; return the exit code."""
    ledger, store = open_ledger(ahead.home.ledger_url), Store(ahead.home.store)
    try:
        work = freeze(ahead.prepared, ahead.plan, ledger, Path(out) if out else runs_folder())
        tell(f"run {work.run} in {_short(work.folder.path)}")
        valid = ahead.plan.rows - ahead.plan.invalid
        if pilot is not None and pilot < valid:
            _run_flow(work, pilot)
            totals = totals_of(ledger.do_now(read_facts, work.run))
            if stop_asked.is_set():
                return _close(work, ledger, store, "cancelled", "cancelled", as_json=as_json)
            if not _goes_on(ahead, totals, pilot, valid - pilot, yes=yes):
                return _close(work, ledger, store, "not admitted", "pilot", as_json=as_json)
        _run_flow(work, None)
        return _conclude(work, ledger, as_json=as_json)
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
        return _conclude(open_work(found, ledger), ledger, as_json=as_json)
    finally:
        ledger.close()


def execute_resume(name: str, *, as_json: bool) -> int:
    """Go on with a run; return the exit code."""
    home = find_home()
    ledger = open_existing_ledger(home)
    try:
        found = find_run(ledger, name)
        with sandboxed(frozen_options(found), home):
            return _resume(found, ledger, as_json=as_json)
    finally:
        ledger.close()


def _resume(found: runs.Run, ledger: Ledger, *, as_json: bool) -> int:
    if ledger.do_now(owners.is_alive, found.owner) and found.state != "ended":
        raise RequestError(f"Run {found.id} is still running; follow it in the Prefect UI.")
    work = open_work(found, ledger)
    if found.flow_run_id:
        asyncio.run(mark_crashed(found.flow_run_id, f"resumed as run {found.id}"))
    ledger.do_now(runs.reset_rows, found.id)
    tell(f"run {found.id} in {_short(work.folder.path)}: going on")
    _run_flow(work, None)
    return _conclude(work, ledger, as_json=as_json)


def _run_flow(work: Work, pilot: int | None) -> None:
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


def _close(
    work: Work, ledger: Ledger, store: Store, state: str, reason: str, *, as_json: bool
) -> int:
    """End the rows that have not run, write the results anew and conclude."""
    ledger.do_now(runs.close_open_rows, work.run, state, reason)
    finish_run(work, ledger, store)
    return _conclude(work, ledger, as_json=as_json)


def _conclude(work: Work, ledger: Ledger, *, as_json: bool) -> int:
    """Print what a run gave, the contact sheet last; return the exit code."""
    facts = ledger.do_now(read_facts, work.run)
    totals, summary = totals_of(facts), summary_table(facts)
    if missing := asyncio.run(wait_until_recorded()):
        tell(
            f"the Prefect server has not recorded {missing:,} task runs yet; the run itself is "
            "complete, and the UI may lag behind it"
        )
    if as_json:
        print_json({"run": work.run, "folder": work.folder.path, **totals.to_json()})
    else:
        print_summary(work.folder.path, totals, summary)
    run = ledger.do_now(runs.one, work.run)
    if line := compare_with_invoice(work.options, find_home(), facts, run.created_at):
        tell(line)
    if "cancelled" in totals.states:
        tell(f"go on with: mediaflows resume {work.run}")
        return CANCELLED
    return 0 if totals.is_success(work.options.min_success) else INCOMPLETE


@contextmanager
def _stop_on_interrupt() -> Iterator[None]:
    """A first Ctrl-C admits no further row; a second one ends the process."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        if stop_asked.is_set():
            os._exit(CANCELLED)
        stop_asked.set()
        tell("stopping: rows in flight are finished, no other starts; Ctrl-C again ends at once")

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


def _short(path: Path) -> str:
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)
