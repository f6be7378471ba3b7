"""Commands in fresh processes: what one takes in CPU and memory."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from _common import ROOT

COMMAND = "from flows.cli import main; main()"
# A provider with a key is one that a plan may name; a plan sends nothing.
KEYS = {"FAL_KEY": "benchmark-key"}
# The process says it itself: a parent is told the peak of a child and of what it was forked from.
_TELL = (
    "import atexit, resource, sys\n"
    "def tell():\n"
    "    used = resource.getrusage(resource.RUSAGE_SELF)\n"
    "    high = next(line for line in open('/proc/self/status') if line.startswith('VmHWM'))\n"
    "    print(used.ru_utime + used.ru_stime, high.split()[1], file=sys.stderr)\n"
    "atexit.register(tell)\n"
)


@dataclass(frozen=True)
class Cost:
    """What a command took: user and system seconds, the most memory at once, what it printed."""

    cpu_seconds: float
    megabytes: float
    output: str


def cost_of(
    arguments: Sequence[str],
    home: Path,
    keys: Mapping[str, str] | None = None,
    code: str = COMMAND,
) -> Cost:
    """Run a command of ours in a fresh process.

    Args:
        arguments: What follows `mediaflows`.
        home: Its MEDIAFLOWS_HOME.
        keys: Credentials, as environment variables.
        code: What the process does with the arguments, as Python.
    """
    done = subprocess.run(
        [sys.executable, "-c", _TELL + code, *arguments],
        env={
            **os.environ,
            **(keys or {}),
            "MEDIAFLOWS_HOME": str(home),
            "PYTHONPATH": str(ROOT),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(
            f"{' '.join(arguments)} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
        )
    seconds, kibibytes = done.stderr.split()[-2:]
    return Cost(float(seconds), int(kibibytes) / 1024, done.stdout)
