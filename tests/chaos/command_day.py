"""A bad day on the command line: `batch` and `resume` killed as a whole, beside one Prefect server."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from tests.chaos.day import Day, look, vendor, write_inputs

KILLS = 2
COMMAND_SECONDS = 180.0
SLOWER = {"time_scale": 0.06, "longest_seconds": 1.0}
WORDS = ("--provider", "fal", "--yes", "--no-breaker", "--allow-unpriced", "--max-cost", "100")


def command_day(folder: Path, seed: int, rows: int) -> Day:
    """Return what is left; the Prefect server is the one that PREFECT_API_URL names."""
    template, table = write_inputs(folder, rows)
    chance, day = random.Random(seed), Day(folder, rows)
    with vendor(folder, seed, **SLOWER) as (sandbox, environment):
        ledger = folder / "home" / "ledger.db"
        for _ in range(KILLS):
            words = ("resume", "latest") if ledger.exists() else ("batch", template, table, *WORDS)
            _run(folder, environment, words, chance.uniform(5.0, 12.0))
        for _ in range(2):
            words = ("resume", "latest") if ledger.exists() else ("batch", template, table, *WORDS)
            code = _run(folder, environment, words, COMMAND_SECONDS)
            if code not in (0, 2, 3):  # 2: every row is done, and there is nothing to go on with
                day.faults.append(f"{words[0]} ended with {code}; see {folder}/said.log")
        look(day, sandbox)
    return day


def _run(
    folder: Path, environment: dict[str, str], words: Sequence[object], seconds: float
) -> int | None:
    """Run a command, killed with all its processes after so long; return its exit code."""
    program = Path(sys.executable).parent / "mediaflows"
    with (folder / "said.log").open("a", encoding="utf-8") as said:
        process = subprocess.Popen(
            [str(program), *map(str, words)],
            cwd=folder,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            start_new_session=True,
        )
    last = time.monotonic() + seconds
    while process.poll() is None and time.monotonic() < last:
        time.sleep(0.05)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    return process.wait()
