"""`mediaflows prove`: kill a run ten times, go on with it, and lay the vendor's invoice beside it.

A vendor is played by a sandbox in a process of its own; the run's processes are killed with
SIGKILL, at moments that a seed decides, and nothing is tidied up behind them.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from providers.errors import SetupError
from providers.media import Media
from providers.registry import SANDBOX_VARIABLE
from providers.sandbox.process import RunningSandbox, start_sandbox
from tasks.accounts import Span, span_of
from tasks.invoke import result_of
from tasks.ledger import Ledger, lookup, open_ledger, runs
from tasks.ledger.attempt import Attempt
from tasks.store import Store

ROWS = 24
KILLS = 10
THINGS = ("mug", "vase", "lamp", "chair", "clock", "kettle", "stool", "bowl", "jug", "tray")
# Jobs of about a second: long enough for a kill to find some of them running.
PROFILE = {"time_scale": 0.1, "spread": 0.5, "longest_seconds": 3, "pictures": "plain"}
START_SECONDS = 60.0
END_SECONDS = 180.0

Tell = Callable[[str], None]
Line = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the vendor's invoice and our ledger say at the end, and what is on the disk."""

    lines: Sequence[Line]
    made: Sequence[Attempt]
    states: Counter[str]
    lost: int

    @property
    def billed(self) -> Decimal:
        """What the vendor has billed, USD."""
        amounts = (line["amount"] for line in self.lines)
        return sum((Decimal(amount) for amount in amounts if amount is not None), Decimal(0))

    @property
    def twice(self) -> int:
        """How many requests the vendor has accepted a second time."""
        bodies = Counter((line["provider"], line["body_sha256"]) for line in self.lines)
        return sum(count - 1 for count in bodies.values())

    @property
    def held(self) -> list[Attempt]:
        """The attempts of which nobody knows whether the vendor has accepted them."""
        return [attempt for attempt in self.made if attempt.state == "uncertain"]

    @property
    def unknown(self) -> int:
        """How many invoice lines are neither a job of the ledger nor held, one each."""
        jobs = {(attempt.provider, attempt.job) for attempt in self.made if attempt.job}
        others = Counter(
            line["body_sha256"]
            for line in self.lines
            if (line["provider"], line["job"]) not in jobs
        )
        return (others - Counter(attempt.body_digest for attempt in self.held)).total()

    @property
    def span(self) -> Span:
        """What the ledger says that it has cost."""
        return span_of(self.made)

    def faults(self) -> list[str]:
        """Return what is not as it was promised; nothing, as a rule."""
        found = []
        if self.twice:
            found.append(f"{self.twice} requests were accepted twice")
        if self.unknown:
            found.append(f"{self.unknown} lines of the invoice are not in the ledger")
        if self.lost:
            found.append(f"{self.lost} results that were paid for are not on the disk")
        if not self.span.low <= self.billed <= self.span.high:
            low, high = self.span.low, self.span.high
            found.append(f"the invoice says ${self.billed}, the ledger ${low} to ${high}")
        if undone := {
            state: n for state, n in self.states.items() if state not in ("done", "parked")
        }:
            found.append(f"rows ended as {undone}")
        if self.states["parked"] > len(self.held):
            found.append(f"{self.states['parked']} rows are parked and {len(self.held)} are held")
        return found


def prove(folder: Path, seed: int, tell: Tell, kills: int = KILLS) -> Evidence:
    """Kill and go on in `folder` until every row has ended; return the evidence."""
    chance = random.Random(seed)
    table = _write_table(folder)
    profile = folder / "vendor.json"
    profile.write_text(json.dumps(PROFILE), encoding="utf-8")
    sandbox = start_sandbox(folder / "vendor", str(profile), seed)
    try:
        environment = _environment(folder, sandbox)
        tell(
            f"{ROWS} rows x 2 steps at a vendor played on this machine (port {sandbox.port}), "
            f"killed {kills} times; seed {seed}"
        )
        for number in range(1, kills + 1):
            with _child(table, environment) as process:
                if _has_ended_within(process, chance.uniform(0.2, 1.4)):
                    tell("the run had ended before it could be killed again")
                    break
                process.kill()
                process.wait()
            tell(f"kill {number:2} of {kills}: {_standing(folder)}")
        tell("going on to the end")
        with _child(table, environment) as process:
            if not _has_ended_within(process, END_SECONDS):
                raise SetupError(f"the run has not ended in {END_SECONDS:g} s; see {folder}")
        return _evidence(folder, sandbox)
    finally:
        sandbox.stop()


def _write_table(folder: Path) -> Path:
    table = folder / "products.csv"
    rows = (f"P{n:02},a {THINGS[n % len(THINGS)]} number {n}" for n in range(1, ROWS + 1))
    table.write_text("\n".join(["id,prompt", *rows]) + "\n", encoding="utf-8")
    return table


def _environment(folder: Path, sandbox: RunningSandbox) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MEDIAFLOWS_")}
    root = Path(__file__).resolve().parent.parent
    return {
        **kept,
        **sandbox.environment(),
        SANDBOX_VARIABLE: sandbox.id,
        "MEDIAFLOWS_HOME": str(folder / "home"),
        "MEDIAFLOWS_RUNS_URL": str(folder / "runs"),
        "PYTHONPATH": os.pathsep.join(filter(None, (str(root), os.environ.get("PYTHONPATH")))),
    }


@contextmanager
def _child(table: Path, environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    """Have a process that runs the table; the block begins when its rows do."""
    command = [sys.executable, "-m", "flows.proving_child", str(table)]
    with (table.parent / "errors.log").open("a", encoding="utf-8") as errors:
        process = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=errors, text=True
        )
    try:
        assert process.stdout is not None
        if process.stdout.readline().strip() != "running":
            said = (table.parent / "errors.log").read_text(encoding="utf-8").splitlines()
            raise SetupError(f"the run did not start: {said[-1] if said else 'no reason'}")
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def _has_ended_within(process: subprocess.Popen[str], seconds: float) -> bool:
    last = time.monotonic() + seconds
    while time.monotonic() < last:
        if process.poll() is not None:
            return True
        time.sleep(0.01)
    return False


def _standing(folder: Path) -> str:
    """Return what the dead process has left behind."""
    with _ledger(folder) as ledger:
        made = ledger.do_now(lookup.all_attempts)
    count = Counter(attempt.outcome or attempt.state for attempt in made)
    words = [
        f"{count['accepted']} results kept",
        f"{count['submitted']} jobs left running at the vendor",
    ]
    if count["intent"]:
        words.append(f"{count['intent']} cut off before the vendor's answer")
    if count["uncertain"]:
        words.append(f"{count['uncertain']} held")
    return ", ".join(words)


def _evidence(folder: Path, sandbox: RunningSandbox) -> Evidence:
    with _ledger(folder) as ledger:
        made = ledger.do_now(lookup.all_attempts)
        (run,) = ledger.do_now(runs.find, "")
        ends = ledger.do_now(runs.ends_of, run.id)
    states = Counter(end.state if end else "open" for end in ends)
    return Evidence(sandbox.invoice(), made, states, _lost(Store(folder / "home" / "store"), made))


@contextmanager
def _ledger(folder: Path) -> Iterator[Ledger]:
    ledger = open_ledger(f"sqlite:///{folder / 'home' / 'ledger.db'}")
    try:
        yield ledger
    finally:
        ledger.close()


def _lost(store: Store, made: Sequence[Attempt]) -> int:
    media = [
        value
        for attempt in made
        if attempt.outcome == "accepted"
        for value in result_of(attempt, reused=False).values.values()
        if isinstance(value, Media)
    ]
    return sum(_digest(store.path(one.sha256)) != one.sha256 for one in media)


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else ""
