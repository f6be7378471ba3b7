"""Pictures of the user's: taken into the store once, so that a resume needs none of the files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from PIL import Image

from tests.core.plain import BIREFNET, as_killed, resume, start, write_table
from tests.scripted import Script


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """A table of three pictures, drawn beside it."""
    (tmp_path / "in").mkdir()
    for name, colour in (("mug", "red"), ("vase", "blue"), ("lamp", "green")):
        Image.new("RGB", (24, 16), colour).save(tmp_path / "in" / f"{name}.png")
    files = {name: f"in/{name}.png" for name in ("mug", "vase", "lamp")}
    return write_table(tmp_path / "pictures.csv", files, "id,image")


def remove_all(table: Path) -> None:
    """Delete the table and the pictures it names."""
    for file in (*(table.parent / "in").iterdir(), table):
        file.unlink()


async def test_pictures_are_cut_out(script: Script, pictures: Path) -> None:
    ran = await start(pictures, "cut-out")
    assert ran.totals.states == {"done": 3}
    assert script.endpoints() == {BIREFNET: 3}
    assert ran.results["mug"]["image"] == "in/mug.png"


async def test_a_resume_needs_no_file_of_the_users(
    script: Script, pictures: Path, short_deadlines: None
) -> None:
    script.turns = {BIREFNET: ["stuck", "refuse"]}
    first = await start(pictures, "cut-out", jobs=1)
    assert list(first.states.values()) == ["parked", "done", "done"]
    remove_all(pictures)
    for job in script.jobs.values():
        job["turn"] = "ok"
    again = await resume(first.run)
    assert again.totals.states == {"done": 3}
    assert script.endpoints()[BIREFNET] == 2


async def test_local_work_is_redone_from_the_store_after_the_files_are_gone(
    script: Script, pictures: Path
) -> None:
    first = await start(pictures, "cut-out", local=True)
    assert first.totals.states == {"done": 3}
    remove_all(pictures)
    value = (first.attempts[0].result or {})["image"]["media"]["sha256"]
    _stored(first.folder, value).unlink()
    as_killed(first.run)
    again = await resume(first.run)
    assert again.totals.states == {"done": 3}
    assert again.outcomes() == {"accepted": 3, "lost": 1}


async def test_the_same_bytes_under_another_name_are_the_same_request(
    script: Script, pictures: Path, tmp_path: Path
) -> None:
    await start(pictures, "cut-out")
    script.submits.clear()
    (tmp_path / "in" / "mug.png").rename(tmp_path / "in" / "cup.png")
    table = write_table(tmp_path / "renamed.csv", {"cup": "in/cup.png"}, "id,image")
    ran = await start(table, "cut-out")
    assert ran.states == {"cup": "done"}
    assert script.submits == []


async def test_a_row_whose_file_is_missing_or_no_picture_is_invalid(
    script: Script, pictures: Path, tmp_path: Path
) -> None:
    (tmp_path / "in" / "vase.png").write_text("no picture")
    (tmp_path / "in" / "lamp.png").unlink()
    ran = await start(pictures, "cut-out")
    assert ran.states == {"mug": "done", "vase": "invalid", "lamp": "invalid"}
    assert "image" in ran.results["vase"]["reason"]
    assert script.endpoints() == {BIREFNET: 1}


async def test_a_picture_that_is_cut_short_is_invalid_before_anything_is_sent(
    script: Script, pictures: Path, tmp_path: Path
) -> None:
    noise = tmp_path / "in" / "vase.png"
    Image.frombytes("RGB", (64, 64), os.urandom(64 * 64 * 3)).save(noise)
    noise.write_bytes(noise.read_bytes()[:6000])
    ran = await start(pictures, "cut-out")
    assert ran.states == {"mug": "done", "vase": "invalid", "lamp": "done"}
    assert script.endpoints() == {BIREFNET: 2}


def _stored(folder: Path, sha256: str) -> Path:
    home = folder.parents[2] / "home"
    return home / "store" / sha256[:2] / sha256
