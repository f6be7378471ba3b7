"""Bad days, a few of each kind; `benchmarks/chaos.py` has them by the hundred.

Their processes are forked from this one, before it has threads of its own in them.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

CHAOS = Path(__file__).parents[2] / "benchmarks" / "chaos.py"
MORE = int(os.environ.get("MEDIAFLOWS_SEEDS") or 0)
SECONDS = 170 + 30 * MORE

pytestmark = [pytest.mark.system, pytest.mark.timeout(SECONDS + 10)]  # the sandbox is a server


@pytest.mark.parametrize(
    ("kind", "seeds", "rows"), [("crash", 3, 12), ("budget", 6, 100), ("cancel", 2, 12)]
)
def test_a_bad_day_ends_as_promised(kind: str, seeds: int, rows: int) -> None:
    words = [kind, "--seeds", str(MORE or seeds), "--rows", str(rows)]
    done = subprocess.run(
        [sys.executable, str(CHAOS), *words], capture_output=True, text=True, timeout=SECONDS
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{kind}: {MORE or seeds} seeds, 0 failed" in done.stdout
