"""routed-catalogue: every row takes the one branch that its category and its picture ask for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from flows.options import RunOptions
from flows.sandboxed import sandboxed
from tasks.home import Home
from tests.command import Command, command
from tests.core.conftest import no_pauses, no_syncs
from tests.core.plain import Ran, start
from tests.templates.pictures import EXAMPLES, pictures, pixels_of

__all__ = ["no_pauses", "no_syncs"]

cli = pytest.fixture(command)
TEMPLATE = "routed-catalogue"
BRANCHES = ("transparent", "shoes", "furniture", "others")
TABLE = EXAMPLES / "routed.csv"
WANTED = {
    "SHO-201": "shoes",
    "SHO-202": "shoes",
    "CHR-203": "furniture",
    "LMP-204": "others",
    "BAG-205": "others",
    "VAS-206": "transparent",
}


def drawn(folder: Path, name: str, size: tuple[int, int], clear: bool) -> str:
    """Write a picture of a thing on grey paper, or on nothing."""
    ground = (0, 0, 0, 0) if clear else (200, 204, 208, 255)
    image = Image.new("RGBA", size, ground)
    inset = (size[0] // 4, size[1] // 4, size[0] * 3 // 4, size[1] * 3 // 4)
    ImageDraw.Draw(image).ellipse(inset, (170, 40, 30, 255))
    (image if clear else image.convert("RGB")).save(folder / name)
    return name


def sixty(folder: Path) -> tuple[Path, dict[str, str]]:
    """A table of 60 mixed rows, and the branch that each should take."""
    files = {
        "small": drawn(folder, "small.png", (120, 90), clear=False),
        "large": drawn(folder, "large.png", (800, 640), clear=False),
        "clear": drawn(folder, "clear.png", (90, 120), clear=True),
    }
    lines, wanted = ["id,image,category"], {}
    for number in range(60):
        kind = ("small", "small", "clear", "large")[number % 4]
        category = ("shoes", "furniture", "other")[number // 4 % 3]
        lines.append(f"r{number:02},{files[kind]},{category}")
        branch = {"other": "others"}.get(category, category)
        wanted[f"r{number:02}"] = "transparent" if kind == "clear" else branch
    table = folder / "sixty.csv"
    table.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return table, wanted


async def test_sixty_mixed_rows_take_one_branch_each_and_the_report_counts_them(
    home: Home, tmp_path: Path, cli: Command
) -> None:
    table, wanted = sixty(tmp_path)
    ran = await start(table, TEMPLATE, local=True, set={"size": "200"})
    assert ran.totals.states == {"done": 60}
    counted = {line["step"]: line["rows"] for line in ran.summary}
    assert {name: counted[name] for name in BRANCHES} == Counter(wanted.values())
    assert (counted["larger"], counted["photo"], counted["square"]) == (30, 45, 30)
    assert sum(counted[name] for name in BRANCHES) == 60
    told = cli("report", ran.run).out
    for branch, rows in Counter(wanted.values()).items():
        (line,) = [line for line in told.splitlines() if line.startswith(f"{branch} ")]
        assert line.split()[2] == str(rows)
    require_branches(ran, wanted)


def require_branches(ran: Ran, wanted: dict[str, str]) -> None:
    """Every row has one square picture; on furniture's the room is kept, the others are on white."""
    for row, branch in wanted.items():
        (picture,) = pictures(ran, row, "picture")
        assert (picture.format, picture.alpha, picture.is_blank) == ("PNG", False, False), row
        assert picture.width == picture.height, row
        corner = pixels_of(ran, row, "picture.png")[:6, :6]
        assert (float(corner.min()) > 250) == (branch != "furniture"), row


async def test_the_example_runs_on_this_machine(home: Home) -> None:
    ran = await start(TABLE, TEMPLATE, local=True)
    assert ran.totals.states == {"done": 6}
    steps = {a.place.row: a.place.step for a in ran.attempts if a.place.step in BRANCHES}
    assert steps == WANTED
    require_branches(ran, WANTED)
    assert [a.place.row for a in ran.attempts if a.place.step == "larger"] == ["SHO-202"]


@pytest.fixture
def fast(home: Home) -> Iterator[None]:
    with sandboxed(RunOptions(sandbox="fast"), home):
        yield


@pytest.mark.system
async def test_the_example_runs_against_the_sandbox(home: Home, fast: None) -> None:
    ran = await start(TABLE, TEMPLATE, sandbox="fast", provider=("fal",))
    assert ran.totals.states == {"done": 6}
    assert set(ran.outcomes()) == {"accepted"}
    for row in WANTED:
        (picture,) = pictures(ran, row, "picture")
        assert (picture.aspect, picture.alpha, picture.is_blank) == (1, False, False), row
