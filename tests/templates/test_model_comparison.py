"""model-comparison: one prompt for several models at once, on a sheet that names who made what."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from flows.options import RunOptions
from flows.sandboxed import sandboxed
from providers.local.image import encode_png
from providers.local.sheet import labelled_sheet
from tasks.home import Home
from tests.core.conftest import no_pauses, no_syncs
from tests.core.plain import RECRAFT, Ran, start, write_table, write_template
from tests.scripted import Script
from tests.templates.pictures import EXAMPLES, pictures

__all__ = ["no_pauses", "no_syncs"]

TEMPLATE = "model-comparison"
TABLE = EXAMPLES / "prompts.csv"
ASPECTS = {"mug": 1, "lamp": 4 / 5, "shoe": 16 / 9, "plant": 3 / 4}
OUTPUTS = ("one", "two", "three")


def named(*models: str) -> dict[str, str]:
    return dict(zip(OUTPUTS, models, strict=True))


def require_sheet(ran: Ran, row: str, labels: dict[str, str]) -> None:
    """The sheet has these pictures and names, pixel by pixel."""
    line = ran.results[row]
    files = [ran.folder / line[output] for output in labels]
    sheet = labelled_sheet(files, list(labels.values()), tile=384)
    assert (ran.folder / line["sheet"]).read_bytes() == encode_png(sheet)


async def test_the_models_work_at_the_same_time_and_the_sheet_names_them(
    script: Script, one: Path
) -> None:
    script.seconds = 0.2
    ran = await start(one, TEMPLATE)
    assert ran.states == {"mug": "done"}
    made = [attempt for attempt in ran.attempts if attempt.place.step != "sheet"]
    began, ended = (
        [getattr(attempt, name) for attempt in made] for name in ("submitted_at", "settled_at")
    )
    assert max(began) < min(ended)
    require_sheet(ran, "mug", named("flux-2-pro", "recraft-v4", "nano-banana"))


async def test_a_model_that_refuses_is_left_out_with_its_name(script: Script, one: Path) -> None:
    script.turns = {RECRAFT: ["refuse"]}
    ran = await start(one, TEMPLATE)
    assert ran.results["mug"]["reason"].startswith("no two (two: ")
    require_sheet(ran, "mug", {"one": "flux-2-pro", "three": "nano-banana"})


async def test_another_model_is_called_by_its_own_name(script: Script, one: Path) -> None:
    ran = await start(one, TEMPLATE, use={"three": "sdxl@local"})
    assert ran.results["mug"]["models"].split()[2] == "sdxl@local"
    require_sheet(ran, "mug", named("flux-2-pro", "recraft-v4", "sdxl"))


FALLBACK = """\
name: named
version: 1
about: A sheet that names who did it.
inputs:
  prompt: {type: text}
steps:
  photo: {model: flux-2-pro@fal, with: {prompt: $prompt}, fallback: [recraft-v4@fal]}
  sheet: {model: contact-sheet, with: {images: [$photo], labels: [$photo.model]}}
outputs: {one: $photo, sheet: $sheet}
"""


async def test_a_fallback_is_called_by_its_own_name(
    script: Script, one: Path, tmp_path: Path
) -> None:
    script.turns = {"fal-ai/flux-2-pro": ["refuse"]}
    ran = await start(one, write_template(tmp_path, FALLBACK))
    assert ran.states == {"mug": "done"}
    require_sheet(ran, "mug", {"one": "recraft-v4"})


@pytest.fixture
def one(tmp_path: Path) -> Path:
    return write_table(tmp_path / "one.csv", {"mug": "a red mug"})


async def test_a_row_of_the_example_runs_on_this_machine(home: Home, tmp_path: Path) -> None:
    header, row, *_ = TABLE.read_text(encoding="utf-8").splitlines()
    table = tmp_path / "mug.csv"
    table.write_text(f"{header}\n{row}\n", encoding="utf-8")
    require_pictures(await start(table, TEMPLATE, local=True), ["mug"])


@pytest.mark.system  # twelve drawn photographs
async def test_the_example_runs_on_this_machine(home: Home) -> None:
    require_pictures(await start(TABLE, TEMPLATE, local=True), list(ASPECTS))


def require_pictures(ran: Ran, rows: list[str]) -> None:
    """Each row has three pictures in the aspect that was asked for, and a sheet of them in a line."""
    assert ran.totals.states == {"done": len(rows)}
    for row in rows:
        aspect = ASPECTS[row]
        made = [picture for name in OUTPUTS for picture in pictures(ran, row, name)]
        assert len(made) == 3
        for picture in made:
            assert (picture.alpha, picture.is_blank) == (False, False), row
            assert picture.aspect == pytest.approx(aspect, abs=0.03), row
        (sheet,) = pictures(ran, row, "sheet")
        assert sheet.width > 3 * 280 and sheet.height < 384 + 100
        assert not sheet.is_blank


@pytest.fixture
def fast(home: Home) -> Iterator[None]:
    with sandboxed(RunOptions(sandbox="fast"), home):
        yield


@pytest.mark.system
async def test_the_example_runs_against_the_sandbox(home: Home, fast: None) -> None:
    ran = await start(TABLE, TEMPLATE, sandbox="fast", provider=("fal",))
    assert set(ran.outcomes()) == {"accepted"}
    require_pictures(ran, list(ASPECTS))
