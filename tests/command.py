"""The command line in this process: what one command printed and how it ended."""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from flows.cli import main


@dataclass(frozen=True)
class Ran:
    """What one command did: its exit code and what it printed."""

    code: int
    out: str
    err: str

    @property
    def line(self) -> str:
        """The one line of a refusal: nothing else stands on standard error or output."""
        assert self.out == ""
        lines = self.err.splitlines()
        assert len(lines) == 1, self.err
        return lines[0]


Command = Callable[..., Ran]


def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Return a function that runs `mediaflows` with these words, without a terminal to ask at."""
    # The command line sets it for its own process; here that would outlast the test.
    monkeypatch.setenv("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "CRITICAL")

    def run(*words: object) -> Ran:
        monkeypatch.setattr(sys, "argv", ["mediaflows", *map(str, words)])
        capsys.readouterr()
        code = 0
        try:
            main()
        except SystemExit as stop:
            code = int(stop.code or 0)
        seen = capsys.readouterr()
        return Ran(code, seen.out, seen.err)

    return run


def results(folder: Path) -> dict[str, str]:
    """Return the state of each row of a run, as its results.csv has it."""
    with (folder / "results.csv").open(encoding="utf-8", newline="") as file:
        return {line["id"]: line["state"] for line in csv.DictReader(file)}
