"""Go on with a run that is there: resume it, try some of its rows anew, or stop it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from flows.carry_out import run_flow
from flows.cli.before import may_go_on
from flows.cli.conclude import conclude
from flows.cli.execute import short
from flows.cli.find_run import find_run, open_existing_ledger
from flows.cli.tables import tell
from flows.frozen import Work, change_options, frozen_options, open_work
from flows.outlook import look_ahead
from flows.recorded import mark_crashed
from flows.runner import STATES
from flows.sandboxed import sandboxed
from providers.errors import RequestError
from tasks.home import find_home
from tasks.ledger import Ledger, owners, runs
from tasks.store import Store

NOT_DONE = tuple(state for state in STATES if state != "done")


def execute_resume(name: str, terms: Mapping[str, Any], *, as_json: bool) -> int:
    """Go on with every row that is not done; return the exit code."""

    def reopen(ledger: Ledger, run: str) -> None:
        ledger.do_now(runs.reset_rows, run)

    return _go_on(name, terms, NOT_DONE, reopen, yes=True, as_json=as_json)


def execute_retry(
    name: str, states: Sequence[str], terms: Mapping[str, Any], *, yes: bool, as_json: bool
) -> int:
    """Try the rows in these states anew, each with a new budget; return the exit code."""

    def reopen(ledger: Ledger, run: str) -> None:
        ledger.do_now(runs.retry_rows, run, states)

    return _go_on(name, terms, states, reopen, yes=yes, as_json=as_json)


def _go_on(
    name: str,
    terms: Mapping[str, Any],
    states: Sequence[str],
    reopen: Callable[[Ledger, str], None],
    *,
    yes: bool,
    as_json: bool,
) -> int:
    home = find_home()
    ledger = open_existing_ledger(home)
    try:
        found = find_run(ledger, name)
        if is_running(ledger, found):
            raise RequestError(f"Run {found.id} is still running; follow it in the Prefect UI.")
        with sandboxed(frozen_options(found), home):
            if terms:
                change_options(found, ledger, terms)
            work = open_work(found, ledger)
            _say_what_will_happen(work, ledger, Store(home.store), states, yes=yes)
            reopen(ledger, found.id)
            if found.flow_run_id:
                asyncio.run(mark_crashed(found.flow_run_id, f"resumed as run {found.id}"))
            run_flow(work, None)
            return conclude(work, ledger, as_json=as_json)
    finally:
        ledger.close()


def is_running(ledger: Ledger, run: runs.Run) -> bool:
    """True while a process works on a run."""
    return run.state != "ended" and ledger.do_now(owners.is_alive, run.owner)


def _say_what_will_happen(
    work: Work, ledger: Ledger, store: Store, states: Sequence[str], *, yes: bool
) -> None:
    tell(f"run {work.run} in {short(work.folder.path)}: going on")
    outlook = asyncio.run(look_ahead(work, ledger, store, states))
    if not outlook.rows:
        raise RequestError(f"Run {work.run} has no row that is {' or '.join(states)}.")
    tell(outlook.line())
    may_go_on(outlook.plan, yes=yes)
