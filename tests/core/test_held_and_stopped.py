"""What a review found: each case here once sent something twice, hung, or lost a row's state."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from flows import shard
from flows.run_folder import RunFolder
from providers.errors import RequestError, SetupError
from tasks.ledger import attempts
from tests.core.plain import BIREFNET, FLUX, resume, start, write_table
from tests.scripted import Script

WHEN = """
name: sized
version: 1
about: Only large things are photographed.
inputs:
  prompt: {type: text}
  size: {type: integer, default: null}
steps:
  photo: {model: flux-2-pro, with: {prompt: $prompt}, when: "%s"}
  cutout: {model: birefnet, with: {image: $photo}, when: "%s"}
outputs: {cutout: $cutout}
"""


def template(folder: Path, photo: str, cutout: str = "True") -> Path:
    path = folder / "sized.yaml"
    path.write_text(WHEN % (photo, cutout), encoding="utf-8")
    return path


async def test_an_accepted_job_that_could_not_be_recorded_is_held_and_never_sent_again(
    script: Script, one: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def locked(*arguments: Any) -> None:
        raise SetupError("The ledger cannot be used: database is locked.")

    with monkeypatch.context() as busy:
        busy.setattr(attempts, "submitted", locked)
        first = await start(one)
    assert first.states == {"mug": "parked"}
    assert first.outcomes() == {"uncertain": 1}
    assert (await resume(first.run)).states == {"mug": "parked"}
    assert script.endpoints() == {FLUX: 1}


async def test_a_condition_that_cannot_be_asked_fails_its_row_and_no_other(
    script: Script, tmp_path: Path
) -> None:
    table = write_table(tmp_path / "t.csv", {"mug": "a mug,4", "cup": "a cup,"}, "id,prompt,size")
    chosen = template(tmp_path, "size > 3")
    first = await start(table, chosen)
    assert first.states == {"mug": "done", "cup": "failed"}
    again = await start(table, chosen)
    assert again.states == {"mug": "done", "cup": "failed"}


async def test_a_condition_on_a_skipped_step_skips_its_own(script: Script, tmp_path: Path) -> None:
    table = write_table(tmp_path / "t.csv", {"mug": "a mug,1"}, "id,prompt,size")
    chosen = template(tmp_path, "size > 3", "photo.width > 2")
    for _ in range(2):  # also when the ledger is asked first
        assert (await start(table, chosen)).states == {"mug": "partial"}
    assert script.invoice() == []


async def test_a_stop_holds_for_a_shard_that_begins_after_it(script: Script, two: Path) -> None:
    shard.stop_asked.set()
    try:
        ran = await start(two)
    finally:
        shard.stop_asked.clear()
    assert ran.states == {"mug": "cancelled", "vase": "cancelled"}
    assert script.invoice() == []


async def test_a_run_folder_that_cannot_be_written_fails_its_row_and_no_other(
    script: Script, two: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = RunFolder.place

    def full(folder: Any, store: Any, row: str, outputs: Any) -> Any:
        if row == "mug":
            raise OSError(28, "No space left on device")
        return place(folder, store, row, outputs)

    monkeypatch.setattr("flows.run_folder.RunFolder.place", full)
    ran = await start(two)
    assert ran.states == {"mug": "failed", "vase": "done"}
    assert "No space left" in ran.results["mug"]["reason"]


@pytest.mark.parametrize("line", ["allow: [seconds]", "checks: [sharp]"])
async def test_what_is_not_carried_out_yet_is_refused_and_not_passed_over(
    line: str, script: Script, tmp_path: Path
) -> None:
    path = tmp_path / "later.yaml"
    path.write_text(
        "name: later\nversion: 1\nabout: x\n"
        "inputs:\n  prompt: {type: text}\n"
        f"steps:\n  photo:\n    model: flux-2-pro\n    with: {{prompt: $prompt}}\n    {line}\n"
        "outputs: {photo: $photo}\n",
        encoding="utf-8",
    )
    table = write_table(tmp_path / "t.csv", {"mug": "a mug"}, "id,prompt")
    with pytest.raises(SetupError, match="does not carry it out yet"):
        await start(table, path)


async def test_failures_can_be_fed_back_from_the_run_folder(script: Script, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    Image.new("RGB", (24, 16), "red").save(tmp_path / "in" / "mug.png")
    table = write_table(tmp_path / "t.csv", {"mug": "in/mug.png"}, "id,image")
    script.turns = {BIREFNET: ["refuse"], "fal-ai/bria/background/remove": ["refuse"]}
    first = await start(table, "cut-out")
    assert first.states == {"mug": "refused"}
    second = await start(first.folder / "failures.csv", "cut-out", take=2)
    assert second.states == {"mug": "done"}
    assert second.lines("failures.csv") == []


async def test_a_rehearsal_never_goes_live_by_a_resume(
    script: Script, one: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAL_BASE_URL", "https://rehearsal.example")
    monkeypatch.setenv("REPLICATE_BASE_URL", "https://rehearsal.example")
    monkeypatch.setenv("BFL_BASE_URL", "https://rehearsal.example")
    monkeypatch.setenv("BRIA_BASE_URL", "https://rehearsal.example")
    ran = await start(one)
    monkeypatch.delenv("FAL_BASE_URL")
    with pytest.raises(RequestError, match="was a rehearsal"):
        await resume(ran.run)
