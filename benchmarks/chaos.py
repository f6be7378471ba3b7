"""Bad days, many of them: kills at every point, a budget under load, cancels at any moment.

    uv run python benchmarks/chaos.py crash --seeds 200 --rows 30

Each seed that fails is named with what failed and how to run it alone; exit code 1 if any did.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import shutil
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from _common import prefect_server, scratch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

# The repository's own tests, of which these are the full size:
from tests.chaos.budget_day import budget_day
from tests.chaos.cancel_day import cancel_day
from tests.chaos.command_day import command_day
from tests.chaos.day import Day, crash_day
from tests.chaos.kills import A_MOMENT, ENDED, Kill

Faults = tuple[int, list[str], str, list[str]]


def crash(folder: Path, seed: int, rows: int) -> tuple[list[str], str, list[str]]:
    """A day with kills; returns its faults, a line on it, and where it was killed."""
    return told(crash_day(folder, seed, rows))


def told(day: Day) -> tuple[list[str], str, list[str]]:
    """Return the faults of a day with kills, a line on it, and where it was killed."""
    faults = [*day.faults, *(f"  {kill}" for kill in day.kills)] if day.faults else []
    places = [where(kill) for kill in day.kills if kill.how != ENDED]
    return faults, f"{len(places)} kills, {len(day.lines)} invoice lines, {day.held} held", places


def where(kill: Kill) -> str:
    """Return where a process was killed: where it was to be, or at any moment instead."""
    return kill.place if kill.how == "killed" else A_MOMENT


def budget(folder: Path, seed: int, rows: int) -> tuple[list[str], str, list[str]]:
    """A day under a cap; it has a hundred rows, whatever is asked for."""
    day = budget_day(folder, seed)
    return day.faults, f"${day.billed} billed, {day.kills} kills, {dict(day.states)}", []


def cancel(folder: Path, seed: int, rows: int) -> tuple[list[str], str, list[str]]:
    """A day with a cancel in it."""
    day = cancel_day(folder, seed, rows)
    left = f"{day.held} jobs left at the vendor, {len(day.lines)} invoice lines"
    return day.faults, f"{day.said}, {left}", []


def command(folder: Path, seed: int, rows: int) -> tuple[list[str], str, list[str]]:
    """A day of the command line, killed as a whole."""
    return told(command_day(folder, seed, rows))


@contextmanager
def server(kind: str) -> Iterator[None]:
    """Have one Prefect server run for the kind of day that needs it."""
    if kind != "command":
        yield
        return
    with scratch() as folder, prefect_server(folder) as url:
        os.environ["PREFECT_API_URL"] = url
        yield


KINDS: dict[str, Callable[[Path, int, int], tuple[list[str], str, list[str]]]] = {
    "crash": crash,
    "budget": budget,
    "cancel": cancel,
    "command": command,
}


def one(task: tuple[str, int, int]) -> Faults:
    """Run one seed in a folder of its own."""
    kind, seed, rows = task
    folder = Path(tempfile.mkdtemp(prefix=f"chaos-{kind}-{seed}-"))
    try:
        faults, line, kills = KINDS[kind](folder, seed, rows)
    except Exception:
        faults, line, kills = [traceback.format_exc()], "broke off", []
    if not faults:
        shutil.rmtree(folder, ignore_errors=True)
    return seed, faults and [f"kept in {folder}", *faults], line, kills


def alone(given: argparse.Namespace, seed: int) -> str:
    """Return the command that runs one seed again."""
    return (
        f"uv run python benchmarks/chaos.py {given.kind} --first {seed} --seeds 1 "
        f"--rows {given.rows} --jobs 1"
    )


def main() -> int:
    """Run the seeds and print what came of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--rows", type=int, default=30)
    parser.add_argument("--jobs", type=int, default=2)
    given = parser.parse_args()
    seeds = range(given.first, given.first + given.seeds)
    begun, failed, where = time.perf_counter(), 0, Counter[str]()
    tasks = [(given.kind, seed, given.rows) for seed in seeds]
    fork = multiprocessing.get_context("fork")
    with server(given.kind), fork.Pool(given.jobs, maxtasksperchild=1) as pool:
        for seed, faults, line, kills in pool.imap_unordered(one, tasks):
            print(f"seed {seed}: {line}{' FAILED' if faults else ''}", flush=True)
            failed += bool(faults)
            where.update(kills)
            for fault in faults:
                print(f"    {fault}", flush=True)
            if faults:
                print(f"    alone: {alone(given, seed)}", flush=True)
    seconds = time.perf_counter() - begun
    for place, count in where.most_common():
        print(f"  killed {count:4} x {place}")
    print(f"{given.kind}: {len(tasks)} seeds, {failed} failed, {seconds:.0f} s")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
