"""Processes of the plain core at one table, whose scripted vendor shares its invoice."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

CHILD = Path(__file__).with_name("child.py")
ROOT = Path(__file__).parents[2]
SECONDS = 40  # no child may take longer


class Children:
    """The child processes of one test; none outlives it."""

    def __init__(self, table: Path, invoice: Path) -> None:
        self.table, self.invoice = table, invoice
        self.all: list[subprocess.Popen[str]] = []

    def start(
        self, how: str = "paid", template: str = "product-photo", run: str = "", seconds: float = 0
    ) -> subprocess.Popen[str]:
        command = [sys.executable, str(CHILD), str(self.table), template, str(self.invoice)]
        with self._said(len(self.all)).open("w", encoding="utf-8") as said:
            child = subprocess.Popen(
                [*command, str(seconds), how, *([run] if run else [])],
                stdout=said,
                stderr=subprocess.PIPE,
                text=True,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
            )
        self.all.append(child)
        return child

    def lines(self, child: subprocess.Popen[str]) -> list[str]:
        """What a child has said so far, in whole lines."""
        text = self._said(self.all.index(child)).read_text(encoding="utf-8")
        return text.split("\n")[:-1]

    def run_of(self, child: subprocess.Popen[str]) -> str:
        """Wait until a child has written its run down; return the run's id."""
        self.wait_for(lambda: bool(self.lines(child)) or child.poll() is not None)
        return self.lines(child)[0]

    def wait_for(self, is_so: Callable[[], bool]) -> None:
        until = time.monotonic() + SECONDS
        while not is_so() and time.monotonic() < until:
            time.sleep(0.005)

    def end(self, child: subprocess.Popen[str]) -> dict[str, list[str]]:
        """Wait for a child; return how its rows ended: state and reason."""
        _, err = child.communicate(timeout=SECONDS)
        assert child.returncode == 0, err
        assert "locked" not in err
        return dict(json.loads(self.lines(child)[-1]))

    def _said(self, number: int) -> Path:
        return self.invoice.with_name(f"said-{number}.txt")
