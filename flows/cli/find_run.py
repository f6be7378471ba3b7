"""Find a run by what a person types: its id or the beginning of it, its folder, or "latest"."""

from __future__ import annotations

from pathlib import Path

from flows.ahead import ledger_exists, shown_ledger
from providers.errors import RequestError, near
from tasks.home import Home, find_home
from tasks.ledger import Ledger, open_ledger, runs
from tasks.ledger.runs import Run


def open_existing_ledger(home: Home) -> Ledger:
    """Open the ledger where there is one.

    Raises:
        RequestError: there is none, so there is no run either.
    """
    if not ledger_exists(home):
        raise RequestError(
            f"There is no run: no ledger at {shown_ledger(home)}. Start one with "
            "`mediaflows batch`, or set MEDIAFLOWS_HOME."
        )
    return open_ledger(home.ledger_url)


def find_run(ledger: Ledger, name: str) -> Run:
    """Return the run that `name` means.

    Raises:
        RequestError: none, or more than one.
    """
    known = ledger.do_now(runs.find, "")
    if name == "latest" and known:
        return known[0]
    wanted = Path(name).name.rpartition("_")[2] if Path(name).is_dir() else name
    found = [run for run in known if run.id.startswith(wanted)] if wanted else []
    if len(found) > 1:
        listed = ", ".join(run.id for run in found)
        raise RequestError(f"{name!r} is the beginning of {len(found)} runs: {listed}.")
    if not found:
        raise RequestError(f"There is no run {name!r}.{near(name, [run.id for run in known])}")
    return found[0]


def require_run(name: str) -> None:
    """Do nothing when `name` means a run: said before a server is started for it.

    Raises:
        RequestError: none, or more than one.
    """
    ledger = open_existing_ledger(find_home())
    try:
        find_run(ledger, name)
    finally:
        ledger.close()
