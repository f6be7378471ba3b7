"""Run the flows from the command line, watch them end and say what came of it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from flows.ahead import Ahead
from flows.carry_out import run_flow, run_once
from flows.cli.conclude import close_run, conclude
from flows.cli.tables import tell
from flows.frozen import freeze, runs_folder
from flows.results import Totals, totals_of
from flows.shard import stop_asked
from tasks.ledger import open_ledger
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
    ledger = open_ledger(ahead.home.ledger_url)
    try:
        return conclude(run_once(ahead, ledger), ledger, as_json=as_json)
    finally:
        ledger.close()


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


def short(path: Path) -> str:
    """Return a path as people read it."""
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)
