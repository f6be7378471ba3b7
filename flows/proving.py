"""`mediaflows prove`: kill a run ten times, go on with it, and lay the vendor's invoice beside it.

A vendor is played by a sandbox in a process of its own; the run's processes are killed with
SIGKILL, at moments that a seed decides, and nothing is tidied up behind them.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from flows.proving_evidence import Evidence, Standing
from providers.errors import SetupError
from providers.media import Media
from providers.registry import SANDBOX_VARIABLE
from providers.sandbox.process import RunningSandbox, start_sandbox
from tasks.invoke import result_of
from tasks.ledger import Ledger, lookup, open_ledger, runs
from tasks.ledger.attempt import Attempt
from tasks.store import Store

ROWS = 24
KILLS = 10
THINGS = ("mug", "vase", "lamp", "chair", "clock", "kettle", "stool", "bowl", "jug", "tray")
# Jobs of about a second: long enough for a kill to find some of them running.
PROFILE = {"time_scale": 0.1, "spread": 0.5, "longest_seconds": 3, "pictures": "plain"}
MOMENTS = (0.1, 1.4)  # seconds after something new was accepted: a process is killed in between
NEW_SECONDS = 5.0  # to wait for that: what is left may be jobs to come back to alone
END_SECONDS = 180.0
SIGNALS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]

Tell = Callable[[str], None]


def prove(folder: Path, seed: int, tell: Tell, kills: int = KILLS) -> Evidence:
    """Kill and go on in `folder` until every row has ended; return the evidence.

    Every process that it starts has ended when it returns, and also when it is interrupted.

    Raises:
        SetupError: a process did not start, or the run did not end.
    """
    chance, table, done = random.Random(seed), _write_table(folder), 0
    with _ending_on_signals(), _vendor(folder, seed) as sandbox:
        environment = _environment(folder, sandbox)
        tell(
            f"{ROWS} rows x 2 steps, paid at a vendor played on this machine (port {sandbox.port}),"
            f" in {folder}; the run is killed {kills} times, seed {seed}"
        )
        standing = Standing({})
        while done < kills and _is_killed(table, environment, sandbox, chance.uniform(*MOMENTS)):
            done, before, standing = done + 1, standing, _standing(folder)
            tell(f"  {standing.since(before)}")
            tell(f"killed {done:2} of {kills} {standing.dead()}")
        if done < kills:
            tell(f"the run had ended before it could be killed {kills} times")
        with _child(table, environment) as process:
            if not _has_ended_within(process, END_SECONDS):
                raise SetupError(f"the run has not ended in {END_SECONDS:g} s; see {folder}")
        tell(f"  {_standing(folder).since(standing)}, and came to the end")
        return _evidence(folder, sandbox, done)


def _is_killed(
    table: Path, environment: dict[str, str], sandbox: RunningSandbox, seconds: float
) -> bool:
    """Start or go on with the run and kill it some time after; False when it has ended before.

    The time begins when the vendor has accepted something new: on a busy machine a process that is
    killed by the clock alone hardly gets so far, and all that is seen is requests without answers.
    """
    with _child(table, environment) as process:
        before, last = len(sandbox.invoice()), time.monotonic() + NEW_SECONDS
        while len(sandbox.invoice()) == before and time.monotonic() < last:
            if _has_ended_within(process, 0.05):
                return False
        if _has_ended_within(process, seconds):
            return False
        process.kill()  # SIGKILL: it can tidy nothing up
        process.wait()
    return process.returncode == -signal.SIGKILL


@contextmanager
def _vendor(folder: Path, seed: int) -> Iterator[RunningSandbox]:
    """Have the vendor run in the block, in a process of its own."""
    profile = folder / "vendor.json"
    profile.write_text(json.dumps(PROFILE), encoding="utf-8")
    sandbox = None
    try:  # a signal that came during the start is raised when that is over: inside, or it is left
        with _signals_wait():
            sandbox = start_sandbox(folder / "vendor", str(profile), seed)
        yield sandbox
    finally:
        with _signals_wait():
            if sandbox is not None:
                sandbox.stop()


@contextmanager
def _ending_on_signals() -> Iterator[None]:
    """Be told to end as by Ctrl-C in the block: whatever was started is ended on the way out."""
    with _handling(signal.default_int_handler):
        yield


@contextmanager
def _signals_wait() -> Iterator[None]:
    """Be told to end only after the block."""
    came: list[int] = []
    with _handling(lambda number, frame: came.append(number)):
        yield
    if came:
        raise KeyboardInterrupt


@contextmanager
def _handling(handler: Callable[[int, FrameType | None], Any]) -> Iterator[None]:
    before = {number: signal.signal(number, handler) for number in SIGNALS}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)


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
    process = None
    try:
        with (table.parent / "errors.log").open("a", encoding="utf-8") as errors, _signals_wait():
            process = subprocess.Popen(
                command, env=environment, stdout=subprocess.PIPE, stderr=errors, text=True
            )
        assert process.stdout is not None
        if process.stdout.readline().strip() != "running":
            said = (table.parent / "errors.log").read_text(encoding="utf-8").splitlines()
            raise SetupError(f"the run did not start: {said[-1] if said else 'no reason'}")
        yield process
    finally:
        if process is not None:
            _end(process)


def _end(process: subprocess.Popen[str]) -> None:
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


def _standing(folder: Path) -> Standing:
    with _ledger(folder) as ledger:
        return Standing.of(ledger.do_now(lookup.all_attempts))


def _evidence(folder: Path, sandbox: RunningSandbox, kills: int) -> Evidence:
    with _ledger(folder) as ledger:
        made = ledger.do_now(lookup.all_attempts)
        (run,) = ledger.do_now(runs.find, "")
        ends = ledger.do_now(runs.ends_of, run.id)
    states = Counter(end.state if end else "open" for end in ends)
    lost = _lost(Store(folder / "home" / "store"), made)
    return Evidence(sandbox.invoice(), made, states, lost, kills)


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
