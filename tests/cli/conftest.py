"""The command line, and the proof that a refused command has written nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from tasks.home import Home
from tests.command import Command, command


@pytest.fixture
def mediaflows(
    home: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    """Run `mediaflows` with these words."""
    return command(monkeypatch, capsys)


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


def files_below(folder: Path) -> dict[str, str]:
    """Every path below a folder with a digest of its bytes; folders have none."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        if path.is_file()
        else ""
        for path in sorted(folder.rglob("*"))
    }
