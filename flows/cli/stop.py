"""Stop a run from outside the process that works on it, or bring in what a dead one left."""

from __future__ import annotations

import asyncio
import time

from flows.cli.find_run import find_run, open_existing_ledger
from flows.cli.tables import tell
from flows.frozen import frozen_options, open_work
from flows.interrupt import CANCELLED_CODE
from flows.receipt import receipt
from flows.results import finish_run
from flows.sandboxed import sandboxed
from providers.errors import RequestError
from tasks.home import Home, find_home
from tasks.ledger import Ledger, owners, runs
from tasks.ledger.runs import CANCELLED, Run
from tasks.orphans import drain_run
from tasks.report import read_facts
from tasks.services import open_services
from tasks.store import Store

LOOK_SECONDS = 0.5
SPARE_SECONDS = 15.0  # beyond the time to drain: for writing the results


def execute_cancel(name: str) -> int:
    """Stop a run and print its receipt; return the exit code.

    Raises:
        RequestError: it has ended already.
    """
    home = find_home()
    ledger = open_existing_ledger(home)
    try:
        run = find_run(ledger, name)
        if run.state == "ended":
            raise RequestError(f"Run {run.id} has ended; nothing of it is being sent.")
        ledger.do_now(runs.stop, run.id, CANCELLED)
        if ledger.do_now(owners.is_alive, run.owner):
            _await_its_end(run, ledger)
        else:
            _end_it(run, ledger, home)
        for line in receipt(run.id, ledger.do_now(read_facts, run.id)):
            tell(line)
        return CANCELLED_CODE
    finally:
        ledger.close()


def _await_its_end(run: Run, ledger: Ledger) -> None:
    seconds = frozen_options(run).drain + SPARE_SECONDS
    tell(f"run {run.id}: its process sends nothing more; it has {seconds:g} s to bring in the rest")
    last = time.monotonic() + seconds
    while time.monotonic() < last:
        if ledger.do_now(runs.one, run.id).state == "ended":
            return
        time.sleep(LOOK_SECONDS)
    tell("its process has not ended yet; this is how it stands")


def _end_it(run: Run, ledger: Ledger, home: Home) -> None:
    """No process works on it: its jobs are cancelled or brought in from here."""
    options = frozen_options(run)
    tell(f"run {run.id}: no process works on it; its jobs are brought in from here")
    with sandboxed(options, home):
        asyncio.run(_drain(run, home, options.drain))
        ledger.do_now(runs.close_open_rows, run.id, CANCELLED, CANCELLED)
        finish_run(open_work(run, ledger), ledger, Store(home.store))


async def _drain(run: Run, home: Home, seconds: float) -> None:
    async with open_services(home) as services:
        await drain_run(services, run.id, seconds)
