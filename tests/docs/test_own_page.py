"""docs/templates/own.md: its Python runs, its commands are commands, its line counts are true."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from flows.cli import cli
from flows.load import load_template
from tests.command import Command, command

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "templates" / "own.md").read_text(encoding="utf-8")


@pytest.fixture
def mediaflows(
    home: object, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    return command(monkeypatch, capsys)


def lines_of(name: str) -> int:
    text = (DOCS / "plain" / name).read_text(encoding="utf-8")
    return sum(bool(line.strip()) for line in text.splitlines())


def test_the_line_counts_are_those_of_the_files() -> None:
    yaml, python = lines_of("listing.yaml"), lines_of("listing.py")
    assert f"| lines | {yaml} | {python} |" in PAGE
    assert f": {yaml} lines." in PAGE
    assert f": {python} lines that are not\nblank." in PAGE


def test_the_template_of_the_comparison_loads_without_a_warning(mediaflows: Command) -> None:
    ran = mediaflows("templates", "check", DOCS / "plain" / "listing.yaml", "--strict")
    assert (ran.code, ran.out) == (0, "listing: 2 inputs, 4 steps: no faults\n")


@pytest.mark.usefixtures("home")
def test_the_python_of_the_page_saves_a_template_that_loads() -> None:
    (code,) = re.findall(r"^```python\n(.*?)^```$", PAGE, re.M | re.S)
    names: dict[str, object] = {}
    exec(code, names)
    assert load_template("mugs").template == names["mugs"]


def test_the_first_commands_of_the_page_do_what_it_says(mediaflows: Command) -> None:
    made, *others = re.findall(r"^uv run mediaflows ([^#\n]+)", PAGE, re.M)
    assert mediaflows(*made.split()).code == 0
    for words in (line.split() for line in others):
        assert words[0] in cli.commands
        if words[0] == "templates":
            assert mediaflows(*words).code == 0
