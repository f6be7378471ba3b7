"""consistent-character: scenes in order, a refused one leaves a gap, and the sheet names the others."""

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
from tests.core.plain import Ran, start
from tests.scripted import Script
from tests.templates.pictures import EXAMPLES, pictures

__all__ = ["no_pauses", "no_syncs"]

TEMPLATE = "consistent-character"
TABLE = EXAMPLES / "characters.csv"
KONTEXT = "fal-ai/flux-pro/kontext"
SCENES = {"robot-days": (4, 1), "robot-travels": (2, 4 / 3), "bear-days": (3, 3 / 4)} | {
    "bear-winter": (5, 1)
}


async def test_one_refused_scene_of_four_leaves_a_gap_and_the_others_their_places(
    script: Script, tmp_path: Path
) -> None:
    script.forbidden = "rain"
    ran = await start(first_row(tmp_path), TEMPLATE)
    line = ran.results["robot-days"]
    assert line["state"] == "partial"
    assert line["reason"].startswith("no pictures[2] (scene: item 2: ")
    assert "the vendor refuses this prompt" in line["reason"]
    scenes = [f"outputs/robot-days/pictures_{number}.png" for number in (1, 3, 4)]
    assert line["pictures"].split("|") == scenes
    assert script.endpoints() == {KONTEXT: 3}
    labels = ["waters tomatoes in a greenhouse", "paints a picture of the sea"]
    labels += ["sleeps under a starry sky"]  # and not what was asked of the second
    sheet = labelled_sheet([ran.folder / scene for scene in scenes], labels, tile=384)
    assert (ran.folder / line["sheet"]).read_bytes() == encode_png(sheet)


def first_row(folder: Path) -> Path:
    """The first row of the example."""
    header, row, *_ = TABLE.read_text(encoding="utf-8").splitlines()
    path = folder / "one.csv"
    path.write_text(f"{header}\n{row.replace('character-', f'{EXAMPLES}/character-')}\n", "utf-8")
    return path


async def test_the_example_runs_on_this_machine(home: Home) -> None:
    ran = await start(TABLE, TEMPLATE, local=True)
    require_scenes(ran)
    made = [a for a in ran.attempts if a.place.step == "scene"]
    assert len(made) == sum(count for count, _ in SCENES.values())


def require_scenes(ran: Ran) -> None:
    """Each row has its scenes in the aspect that was asked for, each another, and a sheet of them."""
    assert ran.totals.states == {"done": 4}
    for row, (count, aspect) in SCENES.items():
        scenes = pictures(ran, row, "pictures")
        assert len(scenes) == count
        for scene in scenes:
            assert (scene.alpha, scene.is_blank) == (False, False)
            assert scene.aspect == pytest.approx(aspect, abs=0.03)
        files = [
            (ran.folder / name).read_bytes() for name in ran.results[row]["pictures"].split("|")
        ]
        assert len(set(files)) == count
        (sheet,) = pictures(ran, row, "sheet")
        assert (sheet.format, sheet.alpha, sheet.is_blank) == ("PNG", False, False)
        assert sheet.width > min(count, 3) * 280


@pytest.fixture
def fast(home: Home) -> Iterator[None]:
    with sandboxed(RunOptions(sandbox="fast"), home):
        yield


@pytest.mark.system
async def test_the_example_runs_against_the_sandbox(home: Home, fast: None) -> None:
    ran = await start(TABLE, TEMPLATE, sandbox="fast", provider=("fal",))
    assert set(ran.outcomes()) == {"accepted"}
    require_scenes(ran)


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ("bear.jpg,[]", "scenes: is an empty list"),
        ("bear.jpg," + "|".join("abcdefghi"), "scenes: has 9 items, above 8"),
        (",reads", "character: is empty and has no default"),
        ("broken.jpg,reads", "broken.jpg"),
        ("gone.jpg,reads", "gone.jpg"),
    ],
)
async def test_what_cannot_be_done_is_one_line_and_the_other_rows_run(
    cells: str, said: str, home: Home, tmp_path: Path
) -> None:
    (tmp_path / "bear.jpg").write_bytes((EXAMPLES / "character-bear.jpg").read_bytes())
    (tmp_path / "broken.jpg").write_bytes(b"<html>404</html>")
    table = tmp_path / "rows.csv"
    table.write_text(f"id,character,scenes\na,{cells}\nb,bear.jpg,reads\n", encoding="utf-8")
    ran = await start(table, TEMPLATE, local=True)
    assert ran.states == {"a": "invalid", "b": "done"}
    assert said in ran.results["a"]["reason"]
    assert "\n" not in ran.results["a"]["reason"]
