"""plan.json: what a person has looked at is what runs, or the run is refused and says why."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image

import flows.prepare
from providers.catalog import Model, load_model
from tasks.home import Home
from tests.command import Command, command

TEMPLATE = """\
name: cut
version: 1
about: Cut a product out.
inputs:
  image: {type: image}
  shape: {type: text, default: "1:1"}
steps:
  cut: {model: birefnet, with: {image: $image}, fallback: [bria-rmbg-2]}
  square: {model: pad, with: {image: $cut, aspect_ratio: $shape}}
outputs: {square: $square}
"""
ANEW = "mediaflows plan ... -o plan.json"


@pytest.fixture
def mediaflows(
    script: object, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    """The command line, with a paid vendor in process."""
    return command(monkeypatch, capsys)


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What `batch` would run, in place of running it."""
    runs: list[Any] = []

    def execute_batch(ahead: Any, *rest: Any, **more: Any) -> int:
        runs.append(ahead)
        return 0

    monkeypatch.setitem(
        sys.modules, "flows.cli.execute", SimpleNamespace(execute_batch=execute_batch)
    )
    monkeypatch.setattr("flows.cli.work.prefect_ready", nullcontext)
    return runs


@pytest.fixture
def planned(mediaflows: Command, begun: list[Any]) -> Path:
    """A template, a table of two rows with their pictures, and the plan of them."""
    Path("cut.yaml").write_text(TEMPLATE, encoding="utf-8")
    Path("rows.csv").write_text("id,image\na,a.png\nb,b.png\n", encoding="utf-8")
    for name, colour in (("a", "red"), ("b", "blue")):
        Image.new("RGB", (64, 48), colour).save(f"{name}.png")
    assert mediaflows("plan", "cut.yaml", "rows.csv", "-o", "plan.json").code == 0
    return Path("plan.json")


def batch(mediaflows: Command, *words: str, table: str = "rows.csv") -> tuple[int, str]:
    """The exit code and last line of a batch with the plan."""
    ran = mediaflows("batch", "cut.yaml", table, "--plan", "plan.json", *words)
    return ran.code, ran.err.splitlines()[-1]


def test_an_unchanged_plan_asks_no_question_and_goes_on(
    mediaflows: Command, planned: Path, begun: list[Any]
) -> None:
    assert (
        mediaflows("batch", "cut.yaml", "rows.csv").code == 2
    )  # it would pay, and nobody is asked
    assert begun == []
    code, line = batch(mediaflows)
    assert (code, len(begun)) == (0, 1)
    assert line.startswith("cut: 2 rows x 2 steps · 4 calls to make · ")


def test_how_fast_it_runs_and_what_may_happen_are_no_part_of_the_plan(
    mediaflows: Command, planned: Path, begun: list[Any]
) -> None:
    assert batch(mediaflows, "-j", "3", "--max-cost", "5", "--allow-unpriced")[0] == 0
    assert len(begun) == 1


def test_the_plan_holds_the_digests_of_all_that_it_rests_on(planned: Path) -> None:
    document = json.loads(planned.read_text(encoding="utf-8"))
    assert document["format"] == 1
    digests = document["digests"]
    assert set(digests) == {"table", "template", "options", "routes", "models", "prices", "files"}
    assert digests["routes"] == {
        "cut": ["birefnet@fal", "bria-rmbg-2@fal"],
        "square": ["pad@local"],
    }
    assert set(digests["models"]) == {"birefnet", "bria-rmbg-2", "pad"}
    assert {"birefnet@fal", "bria-rmbg-2@bria", "pad@local"} < set(digests["prices"])
    assert set(digests["files"]) == {"row a", "row b"}
    assert digests["files"]["row a"] != digests["files"]["row b"]


def with_another(name: str, **facts: Any) -> Callable[[str], Model]:
    model = load_model(name)
    changed = model.bindings[0].model_copy(update=facts)
    other = model.model_copy(update={"bindings": (changed, *model.bindings[1:])})
    return lambda asked: other if asked == name else load_model(asked)


def add_a_row(monkeypatch: pytest.MonkeyPatch, home: Home) -> None:
    with Path("rows.csv").open("a", encoding="utf-8") as file:
        file.write("c,a.png\n")


def remove_a_row(monkeypatch: pytest.MonkeyPatch, home: Home) -> None:
    Path("rows.csv").write_text("id,image\na,a.png\n", encoding="utf-8")


def swap_two_cells(monkeypatch: pytest.MonkeyPatch, home: Home) -> None:
    Path("rows.csv").write_text("id,image\na,b.png\nb,a.png\n", encoding="utf-8")


def edit_the_template(monkeypatch: pytest.MonkeyPatch, home: Home) -> None:
    text = TEMPLATE.replace("aspect_ratio: $shape", "aspect_ratio: $shape, colour: black")
    Path("cut.yaml").write_text(text, encoding="utf-8")


def change_the_catalog(monkeypatch: pytest.MonkeyPatch, home: Home) -> None:
    found = with_another("birefnet", endpoint="fal-ai/birefnet/v3")
    monkeypatch.setattr(flows.prepare, "load_model", found)


def state_a_price(monkeypatch: pytest.MonkeyPatch, home: Home) -> None:
    home.folder.mkdir(exist_ok=True)
    (home.folder / "prices.yaml").write_text(
        'birefnet@fal: {usd: "0.02", unit: call, source: my contract, as_of: "2026-11-21"}\n',
        encoding="utf-8",
    )


def paint_a_picture(monkeypatch: pytest.MonkeyPatch, home: Home) -> None:
    Image.new("RGB", (64, 48), "green").save("b.png")


def set_a_key(monkeypatch: pytest.MonkeyPatch, home: Home) -> None:
    monkeypatch.setenv("BRIA_API_TOKEN", "a-key")


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (add_a_row, "the table (2 rows then, 3 now)"),
        (remove_a_row, "the table (2 rows then, 1 now)"),
        (swap_two_cells, "the table"),
        (edit_the_template, "the template"),
        (change_the_catalog, "the catalog's entry of birefnet"),
        (state_a_price, "the price of birefnet@fal"),
        (paint_a_picture, "the file of row b"),
        (set_a_key, "what can be sent to (keys, models) for step cut"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_each_thing_that_has_changed_refuses_the_run_and_is_named(
    mediaflows: Command,
    planned: Path,
    begun: list[Any],
    home: Home,
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[pytest.MonkeyPatch, Home], None],
    what: str,
) -> None:
    change(monkeypatch, home)
    ran = mediaflows("batch", "cut.yaml", "rows.csv", "--plan", "plan.json", "--yes")
    assert ran.code == 2
    assert ran.line == (
        f"mediaflows: plan.json: {what} changed since the plan was made. Look at a new one: {ANEW}"
    )
    assert begun == []


@pytest.mark.parametrize(
    "words",
    [
        ("--set", "shape=4:5"),
        ("--use", "cut=bria-rmbg-2"),
        ("--take", "2"),
        ("--provider", "fal"),
        ("--from", "square"),
        ("--local",),
    ],
    ids=" ".join,
)
def test_another_option_is_another_plan(
    mediaflows: Command, planned: Path, begun: list[Any], words: tuple[str, ...]
) -> None:
    code, line = batch(mediaflows, *words)
    assert (code, begun) == (2, [])
    assert "the options (models, providers, settings, takes) changed since" in line


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("{", f"is not JSON. Write it with {ANEW}"),
        ("", f"is not JSON. Write it with {ANEW}"),
        (b"\xff\xfe", "cannot be read: not UTF-8"),
        ("[]", f"is no plan. Write it with {ANEW}"),
        ('{"format": 1}', f"is no plan. Write it with {ANEW}"),
        (
            '{"format": 2, "digests": {}}',
            f"is a plan of format 2, and this version reads 1. Write it anew: {ANEW}",
        ),
        (
            '{"format": 1, "template": "product-photo", "digests": {}}',
            f"is a plan of 'product-photo', and this is 'cut'. Look at a new one: {ANEW}",
        ),
        (None, "cannot be read: No such file or directory"),
    ],
)
def test_a_file_that_is_no_such_plan_is_one_line(
    mediaflows: Command, planned: Path, begun: list[Any], content: str | bytes | None, problem: str
) -> None:
    planned.unlink()
    if content is not None:
        planned.write_bytes(content.encode() if isinstance(content, str) else content)
    ran = mediaflows("batch", "cut.yaml", "rows.csv", "--plan", "plan.json")
    assert (ran.code, ran.line) == (2, f"mediaflows: plan.json: {problem}")
    assert begun == []


def test_the_plan_of_another_table_is_refused(
    mediaflows: Command, planned: Path, begun: list[Any]
) -> None:
    Path("other.csv").write_text("id,image\nx,a.png\ny,b.png\n", encoding="utf-8")
    code, line = batch(mediaflows, table="other.csv")
    assert (code, begun) == (2, [])
    assert "the table changed since" in line


def test_only_so_many_names_are_listed(mediaflows: Command, planned: Path) -> None:
    lines = "".join(f"r{number},a.png\n" for number in range(9))
    Path("rows.csv").write_text(f"id,image\n{lines}", encoding="utf-8")
    assert mediaflows("plan", "cut.yaml", "rows.csv", "-o", "plan.json").code == 0
    Image.new("RGB", (64, 48), "green").save("a.png")
    line = batch(mediaflows)[1]
    assert "the file of row r0, row r1, row r2 and 6 more changed since" in line
