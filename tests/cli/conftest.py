"""The command line in this process, and the proof that a refused command has written nothing."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from flows.cli import main
from tasks.home import Home


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
Files = dict[str, str]


@pytest.fixture
def mediaflows(
    home: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    """Run `mediaflows` with these words, without a terminal to ask at."""

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


@pytest.fixture
def refused(mediaflows: Command, tmp_path: Path) -> Callable[..., str]:
    """Run `mediaflows`: it must say one line, exit with 2 and leave every file as it was."""

    def run(*words: object) -> str:
        before = files_below(tmp_path)
        ran = mediaflows(*words)
        assert ran.code == 2, ran
        assert ran.line.startswith("mediaflows: ")
        assert files_below(tmp_path) == before
        return ran.line.removeprefix("mediaflows: ")

    return run


def files_below(folder: Path) -> Files:
    """Every path below a folder with a digest of its bytes; folders have none."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        if path.is_file()
        else ""
        for path in sorted(folder.rglob("*"))
    }
