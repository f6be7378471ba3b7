"""The templates for photographs on their example tables: what kind of picture comes, and of whom."""

from __future__ import annotations

import csv
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

from flows.options import RunOptions
from flows.sandboxed import sandbox_folder, sandboxed
from providers.sandbox.process import find_sandbox
from tasks.home import Home
from tests.core.plain import Ran, start
from tests.rehearsal.conftest import no_syncs, short_pauses

__all__ = ["no_syncs", "short_pauses"]

EXAMPLES = Path(__file__).parents[2] / "examples"
TEMPLATES = {
    "catalogue-cleanup": "catalogue.csv",
    "editorial-upscale": "editorial.csv",
    "social-batch": "social.csv",
}
SHAPES = {
    "square": (1080, 1080),
    "portrait": (1080, 1350),
    "story": (1080, 1920),
    "wide": (1920, 1080),
}


def table_of(template: str) -> list[dict[str, str]]:
    with (EXAMPLES / TEMPLATES[template]).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def picture(ran: Ran, row: str, output: str) -> Image.Image:
    line = ran.results[row]
    image = Image.open(ran.folder / line[output])
    image.load()
    spread = np.asarray(image.convert("RGB"), float).std()
    assert spread > 8, (row, output, spread)  # not blank
    return image


def check_catalogue(ran: Ran) -> None:
    for line in table_of("catalogue-cleanup"):
        white = picture(ran, line["sku"], "white")
        assert (white.format, white.mode, white.size) == ("JPEG", "RGB", (1200, 1200))
        corner = np.asarray(white)[:20, :20].reshape(-1, 3).mean(0)
        assert np.abs(corner - (244 if line["background"] else 255)).max() <= 3, line
        clear = picture(ran, line["sku"], "transparent")
        assert (clear.format, clear.mode, clear.size) == ("PNG", "RGBA", (1200, 1200))
        left, top, right, bottom = Image.fromarray(
            np.where(np.asarray(clear)[:, :, 3] > 24, 255, 0).astype(np.uint8)
        ).getbbox() or (0, 0, 0, 0)
        # In the middle, and as large as the margin of 8 % lets it be.
        assert abs(left + right - 1200) <= 6 and abs(top + bottom - 1200) <= 6, line
        assert 1000 <= max(right - left, bottom - top) <= 1012, line
    large = {attempt.place.row for attempt in ran.attempts if attempt.place.step == "large"}
    assert large == {"MUG-101"}  # the one that is small


def check_editorial(ran: Ran) -> None:
    for line in table_of("editorial-upscale"):
        made = picture(ran, line["id"], "print")
        sides = tuple(round(float(line[side]) / 25.4 * 300) for side in ("width_mm", "height_mm"))
        assert made.size == sides and made.mode == "RGB", line
        assert made.format == line["file"].upper()
        assert [round(float(side)) for side in made.info["dpi"]] == [300, 300]
        assert made.info["icc_profile"]
    steps = {(attempt.place.row, attempt.place.step) for attempt in ran.attempts}
    upscaled = {row for row, step in steps if step in ("double", "fourfold")}
    assert upscaled == {"page-a5", "page-a4", "quarter-page"}
    generated = {row for row, step in steps if step == "photo"}
    assert generated == {"postcard", "page-a5", "square-ad"}


def check_social(ran: Ran) -> None:
    for line in table_of("social-batch"):
        for output, size in SHAPES.items():
            made = picture(ran, line["id"], output)
            assert (made.format, made.mode, made.size) == ("JPEG", "RGB", size), line
    assert sum(attempt.place.step == "master" for attempt in ran.attempts) == 4  # one a row


CHECKS = {
    "catalogue-cleanup": check_catalogue,
    "editorial-upscale": check_editorial,
    "social-batch": check_social,
}


def check(template: str, ran: Ran) -> None:
    reasons = {row: line["reason"] for row, line in ran.results.items() if line["reason"]}
    assert set(ran.states.values()) == {"done"}, reasons
    assert list(ran.results) == [next(iter(line.values())) for line in table_of(template)]
    CHECKS[template](ran)


@pytest.mark.system  # needs no other program: it draws for half a minute
@pytest.mark.parametrize("template", TEMPLATES)
async def test_a_template_on_its_example_on_this_machine(template: str, home: Home) -> None:
    ran = await start(EXAMPLES / TEMPLATES[template], template, local=True)
    check(template, ran)


@pytest.mark.system
@pytest.mark.parametrize("template", TEMPLATES)
async def test_a_template_with_its_own_models_at_the_sandbox(template: str, home: Home) -> None:
    with sandboxed(RunOptions(sandbox="fast"), home):
        ran = await start(EXAMPLES / TEMPLATES[template], template, sandbox="fast")
        sandbox = find_sandbox(sandbox_folder(home, "fast"))
        assert sandbox is not None
        assert len(sandbox.invoice()) == sum(one.provider != "local" for one in ran.attempts)
    assert set(ran.outcomes()) == {"accepted"}
    check(template, ran)


BAD = {
    "text.jpg": ("invalid", "is neither a picture"),
    "tiny.png": ("invalid", "200 pixels a side are needed"),
    "blank.png": ("refused", "the picture is blank: nothing stands out in it"),
}


async def test_bad_photographs_are_one_clear_line_each(home: Home, tmp_path: Path) -> None:
    (tmp_path / "text.jpg").write_text("this is no picture")
    Image.new("RGB", (90, 120), "red").save(tmp_path / "tiny.png")
    Image.new("RGB", (600, 800), "#e8e6e1").save(tmp_path / "blank.png")
    table = tmp_path / "rows.csv"
    table.write_text("id,image\n" + "".join(f"{name},{name}\n" for name in BAD), "utf-8")
    ran = await start(table, "catalogue-cleanup", local=True)
    for name, (state, words) in BAD.items():
        line = ran.results[name]
        assert line["state"] == state and words in line["reason"], line
        assert "\n" not in line["reason"]


async def test_prints_that_cannot_be_are_refused_before_anything_is_paid(
    home: Home, tmp_path: Path
) -> None:
    Image.effect_noise((300, 300), 90).convert("RGB").save(tmp_path / "small.png")
    table = tmp_path / "rows.csv"
    table.write_text(
        "id,prompt,image,width_mm,height_mm\n"
        "huge,a bridge,,3000,2000\nsmall,a bridge,small.png,210,297\n",
        "utf-8",
    )
    ran = await start(table, "editorial-upscale", local=True)
    assert ran.states == {"huge": "invalid", "small": "refused"}
    assert "above 600" in ran.results["huge"]["reason"]
    assert "Print at most 86 x 121 mm, or give a larger" in ran.results["small"]["reason"]
    assert {attempt.place.step for attempt in ran.attempts} == {"picture"}


@pytest.fixture(scope="module")
def renderer() -> ModuleType:
    """The script beside the example photographs."""
    found = importlib.util.spec_from_file_location("render", EXAMPLES / "render_photos.py")
    assert found is not None and found.loader is not None
    module = importlib.util.module_from_spec(found)
    sys.modules[found.name] = module  # dataclasses look their module up
    found.loader.exec_module(module)
    return module


def test_the_photographs_are_those_that_the_script_renders(renderer: ModuleType) -> None:
    names = {scene.file for scene in renderer.SCENES}
    assert names == {path.name for path in (EXAMPLES / "photos").iterdir()}
    for scene in renderer.SCENES:
        with Image.open(EXAMPLES / "photos" / scene.file) as image:
            assert image.size == (scene.width, scene.height)
            assert (image.mode == "RGBA") == (scene.surface == "nothing")
            kept = image.convert("RGB")
        again = renderer.photograph(scene, 0.15).convert("RGB")
        kept = kept.resize(again.size, Image.Resampling.BOX)
        one, other = (np.asarray(each, float) for each in (kept, again))
        assert one.std() > 15  # not blank
        assert np.abs(one.mean((0, 1)) - other.mean((0, 1))).max() < 12, scene.file
        if scene.surface != "nothing":
            assert np.corrcoef(one.ravel(), other.ravel())[0, 1] > 0.8, scene.file
    assert sum(path.stat().st_size for path in (EXAMPLES / "photos").iterdir()) < 2_000_000
