"""A bad day on the command line: `batch` and `resume` killed as a whole, beside one Prefect server."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from providers.sandbox.process import RunningSandbox
from providers.sandbox.watch import POINTS as VENDOR_POINTS
from tasks.ledger import runs
from tests.chaos.day import Day, ledger_of, look, until_nothing_moves, vendor, write_inputs
from tests.chaos.kills import A_MOMENT, ENDED, Kill, watch

KILLS = 2
COMMAND_SECONDS = 180.0
SLOWER = {"time_scale": 0.06, "longest_seconds": 1.0}
WORDS = ("--provider", "fal", "--yes", "--no-breaker", "--allow-unpriced", "--max-cost", "100")
ENDS = (0, 2, 3)  # all done; nothing to go on with; some rows are held


def command_day(folder: Path, seed: int, rows: int) -> Day:
    """Return what is left; the Prefect server is the one that PREFECT_API_URL names."""
    template, table = write_inputs(folder, rows)
    chance, day = random.Random(seed), Day(folder, rows)
    first = ("batch", str(template), str(table), *WORDS)
    with vendor(folder, seed, **SLOWER) as (sandbox, environment):
        for number in range(KILLS):
            way = (A_MOMENT, *VENDOR_POINTS)[(seed + number) % (len(VENDOR_POINTS) + 1)]
            with _command(folder, environment, *_next(folder, first)) as process:
                day.kills.append(_killed(sandbox, process, way, chance))

        def go_on(*words: str) -> None:
            code = _code(folder, environment, *(words or _next(folder, first)))
            if code not in ENDS:
                day.faults.append(f"a command ended with {code}; see {folder}/said.log")

        until_nothing_moves(day, sandbox, go_on)
        go_on("ledger", "reconcile")
        look(day, sandbox)
    return day


def _next(folder: Path, first: tuple[str, ...]) -> tuple[str, ...]:
    """Return the words of the next command: `resume latest` once there is a run."""
    if not (folder / "home" / "ledger.db").exists():
        return first
    with ledger_of(folder) as ledger:
        return ("resume", "latest") if ledger.do_now(runs.find, "") else first


def _killed(
    sandbox: RunningSandbox, process: subprocess.Popen[bytes], way: str, chance: random.Random
) -> Kill:
    """Kill a command at the n-th time of a point of its vendor's, or soon after the n-th job."""
    number = chance.choice((1, 2, 5, 10, 20))
    if way != A_MOMENT:
        watch(sandbox, process.pid, way, number)
        return Kill(f"vendor's {way}", number, _how(process, COMMAND_SECONDS))
    wanted = len(sandbox.invoice()) + number
    last = time.monotonic() + COMMAND_SECONDS
    while process.poll() is None and time.monotonic() < last and len(sandbox.invoice()) < wanted:
        time.sleep(0.05)
    how = _how(process, chance.uniform(0.0, 1.0))
    return Kill(way, number, "killed" if how == "late" else how)


def _how(process: subprocess.Popen[bytes], seconds: float) -> str:
    try:
        code = process.wait(seconds)
    except subprocess.TimeoutExpired:
        return "late"
    return {0: ENDED, 3: ENDED, -signal.SIGKILL: "killed"}.get(code, f"ended with {code}")


def _code(folder: Path, environment: Mapping[str, str], *words: str) -> int | str:
    """Run a command to its end; return its exit code."""
    with _command(folder, environment, *words) as process:
        with suppress(subprocess.TimeoutExpired):
            return process.wait(COMMAND_SECONDS)
        return f"nothing in {COMMAND_SECONDS:g} s"


@contextmanager
def _command(
    folder: Path, environment: Mapping[str, str], *words: str
) -> Iterator[subprocess.Popen[bytes]]:
    """Have a command run in the block; what is left of it is killed, with all it has started."""
    program = Path(sys.executable).parent / "mediaflows"
    with (folder / "said.log").open("a", encoding="utf-8") as said:
        process = subprocess.Popen(
            [str(program), *words],
            cwd=folder,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
