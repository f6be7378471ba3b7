"""Look ahead, before Prefect starts: a checked request and its plan, and what is said of them."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass, replace
from pathlib import Path

from flows.fresh import fix_takes
from flows.prepare import FindRoutes, Prepared, Request, plan_run, prepare
from flows.routes import plan_routes
from flows.run_plan import Plan
from flows.say import say
from tasks.home import Home, find_home
from tasks.ledger import open_ledger, shown_url
from tasks.ledger.lookup import count_accepted
from tasks.store import Store

FAULTS_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Ahead:
    """A checked request and its plan; nothing has been written."""

    request: Request
    prepared: Prepared
    plan: Plan
    home: Home
    results_known: int

    @property
    def unused_columns(self) -> tuple[str, ...]:
        """The table's columns that the template does not use."""
        return self.prepared.unused_columns


def look_ahead(request: Request, find_routes: FindRoutes = plan_routes) -> Ahead:
    """Return the checked request with its plan; opens a ledger only where one is already."""
    prepared = prepare(request, find_routes)
    home = find_home()
    store = Store(home.store)
    ledger = open_ledger(home.ledger_url) if ledger_exists(home) else None
    try:
        prepared = asyncio.run(fix_takes(prepared, ledger, store))
        planned, _ = asyncio.run(plan_run(prepared, ledger, store))
        known = ledger.do_now(count_accepted) if ledger else 0
    finally:
        if ledger:
            ledger.close()
    request = replace(request, options=prepared.options)
    return Ahead(request, prepared, planned, home, known)


def ledger_exists(home: Home) -> bool:
    """True when opening the ledger creates nothing."""
    prefix = "sqlite:///"
    return not home.ledger_url.startswith(prefix) or (
        Path(home.ledger_url.removeprefix(prefix)).exists()
    )


def announce(ahead: Ahead) -> None:
    """Say which ledger is used and what will happen, in a few lines, and which rows are left out."""
    say(f"ledger {shown_ledger(ahead.home)}: {ahead.results_known:,} results known")
    say(ahead.plan.line())
    if line := ahead.plan.unfetched_line():
        say(line)
    tell_lints(ahead.plan)
    if ahead.plan.faults:
        tell_faults(ahead.plan)


def tell_lints(planned: Plan) -> None:
    """Say what is allowed, and most likely not meant."""
    for one in planned.lints:
        say(f"  {one}")


def shown_ledger(home: Home) -> str:
    """Return the ledger's place as people read it; a password in its URL is not shown."""
    return shown_url(home.ledger_url).removeprefix(f"{Path.cwd()}{os.sep}")


def tell_faults(planned: Plan) -> None:
    """List the faults of rows; they will not run."""
    for fault in planned.faults[:FAULTS_SHOWN]:
        say(f"  {fault}")
    if len(planned.faults) > FAULTS_SHOWN:
        say(f"  and {len(planned.faults) - FAULTS_SHOWN:,} more; `plan --json` lists all")
    say(f"{planned.invalid:,} of {planned.rows:,} rows have faults and will not run")
