"""A process that runs a table through the plain core, forked from one that has imported all of it.

It can be told to kill itself at the n-th time that a point between intent and settle is reached.
"""

from __future__ import annotations

import asyncio
import functools
import os
import signal
import sys
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# A child is forked from a process that has imported all that it will need; some of that is
# otherwise imported late, in every child anew.
import h2.connection  # noqa: F401
import pandas as pd  # noqa: F401
from PIL import Image

from flows import results
from flows.frozen import open_work, start_run
from flows.options import RunOptions
from flows.prepare import Request
from flows.reconciling import ask_again
from flows.results import finish_run
from flows.shard import Shard
from providers import driver, registry
from providers.driver import Driver
from tasks import attempt, invoke, joining, settling
from tasks.home import find_home
from tasks.ledger import attempts, budget, database, open_ledger, runs
from tasks.services import open_services
from tasks.store import Store

Image.init()

# Where a process may die, in the order in which a row comes by: the name of what is reached, and
# whether it is reached before or after it is done. A ledger's function runs inside its transaction,
# so that what it has written is undone by the death.
POINTS: tuple[tuple[Any, str, str], ...] = (
    (budget, "admit", "after"),
    (attempts, "open_attempt", "after"),
    (Driver, "submit", "before"),
    (attempts, "waiting", "after"),
    (attempts, "intend_again", "after"),
    (attempts, "abandon", "after"),
    (Driver, "submit", "after"),
    (attempts, "submitted", "after"),
    (Driver, "wait", "before"),
    (Driver, "wait", "after"),
    (Store, "_finish", "before"),
    (settling, "keep_outputs", "before"),
    (Store, "write_receipt", "before"),
    (Store, "write_receipt", "after"),
    (attempts, "settle_and_read", "before"),
    (attempts, "settle_and_read", "after"),
    (attempts, "settle", "after"),
    (settling, "_settle", "after"),
    (Store, "place", "before"),
    (runs, "finish_rows", "after"),
    (budget, "release", "after"),
    (results, "write_results", "after"),
)


@dataclass(frozen=True)
class Death:
    """The point at which a child kills itself, and at which time."""

    point: int
    number: int

    def __str__(self) -> str:
        return f"{point_name(self.point)} number {self.number}"


def point_name(point: int) -> str:
    """Return what people call a point: `after attempts.submitted`."""
    owner, name, when = POINTS[point]
    return f"{when} {owner.__name__.split('.')[-1]}.{name}"


@dataclass(frozen=True)
class Errand:
    """What a child does: start a run over a table, or go on with one; as where it is."""

    environment: Mapping[str, str]
    template: Path
    table: Path
    options: RunOptions
    run: str | None = None
    stop_after_seconds: float | None = None
    is_reconciling: bool = False


def fork(errand: Errand, death: Death | None = None) -> int:
    """Return the process id of a child that does the errand; it ends with exit code 0 or 1."""
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        os.environ.update(errand.environment)
        prepare_child()
        if death is not None:
            arm(death)
        if errand.is_reconciling:
            _reconcile()
        else:
            asyncio.run(do_errand(errand))
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def prepare_child() -> None:
    """Short pauses, no contact sheet, and no syncs: a kill loses nothing that was written."""

    prepare = database._prepare_sqlite

    def prepare_without_syncs(connection: Any, record: Any) -> None:
        prepare(connection, record)
        connection.execute("PRAGMA synchronous=OFF")

    database._prepare_sqlite = prepare_without_syncs
    os.fsync = lambda descriptor: None  # type: ignore[assignment]
    invoke.pause_seconds = lambda number: 0.0
    joining.JOIN_POLL_SECONDS = 0.01
    attempt.LONGEST_PAUSE_SECONDS = 0.05
    driver.PAUSE_SECONDS = 0.02
    driver.POLL_LONGEST_SECONDS = 0.2
    registry.SANDBOX_FIRST_POLL_SECONDS = 0.03
    results._write_contact = lambda *given: None  # most of an ending process's work, for nobody


def arm(death: Death) -> None:
    """Have this process kill itself when its point is reached for that time."""
    owner, name, when = POINTS[death.point]
    original: Callable[..., Any] = getattr(owner, name)
    reached = 0

    def count() -> None:
        nonlocal reached
        reached += 1
        if reached == death.number:
            os.kill(os.getpid(), signal.SIGKILL)

    @functools.wraps(original)
    def plain(*arguments: Any, **keywords: Any) -> Any:
        if when == "before":
            count()
        result = original(*arguments, **keywords)
        if when == "after":
            count()
        return result

    @functools.wraps(original)
    async def waiting(*arguments: Any, **keywords: Any) -> Any:
        if when == "before":
            count()
        result = await original(*arguments, **keywords)
        if when == "after":
            count()
        return result

    setattr(owner, name, waiting if asyncio.iscoroutinefunction(original) else plain)


def _reconcile() -> None:
    home = find_home()
    ledger = open_ledger(home.ledger_url)
    try:
        ask_again(ledger, home, lambda attempt: True)
    finally:
        ledger.close()


async def do_errand(errand: Errand) -> None:
    """Start a run or go on with one, and bring every row to its end."""
    async with open_services(find_home(), registry.PROVIDERS) as services:
        if errand.run is None:
            request = Request(str(errand.template), errand.table, errand.options)
            work = await start_run(request, services.ledger, services.store)
        else:
            found = await services.ledger.do(runs.one, errand.run)
            work = open_work(found, services.ledger)
            await services.ledger.do(runs.reset_rows, errand.run)
        await services.ledger.do(runs.begin, work.run, owner=services.owner.id, flow_run_id=None)
        if errand.stop_after_seconds is not None:
            asyncio.get_running_loop().call_later(
                errand.stop_after_seconds, services.ledger.post, runs.stop, work.run, "cancelled"
            )
        await Shard(services, work).run(work.rows)
        finish_run(work, services.ledger, services.store)
