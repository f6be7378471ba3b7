"""Explain: which request a result answers, why it was not reused, and what can be done."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from flows.explain import explain_step
from providers.errors import RequestError
from tasks.ledger import runs
from tests.core.plain import FLUX, opened, resume, start, write_table, write_template
from tests.scripted import Script


def explained(run: str, row: str, step: str) -> str:
    ledger = opened()
    try:
        return "\n".join(explain_step(ledger, ledger.do_now(runs.one, run), row, step))
    finally:
        ledger.close()


async def test_the_field_that_differs_is_named(script: Script, products: Path) -> None:
    first = await start(products)
    again = await start(products, use={"photo": "recraft-v4"}, set={})
    text = explained(again.run, "mug", "photo")
    assert f"not reused; run {first.run}, row mug, step photo had:" in text
    assert 'model = "flux-2-pro", now "recraft-v4"' in text
    assert "aspect_ratio" not in text.split("not reused")[1]


async def test_an_edited_cell_is_named(script: Script, tmp_path: Path) -> None:
    await start(write_table(tmp_path / "a.csv", {"mug": "a red mug"}))
    again = await start(write_table(tmp_path / "b.csv", {"mug": "a blue mug"}))
    text = explained(again.run, "mug", "photo")
    assert '    inputs.prompt = "a red mug", now "a blue mug"' in text
    assert text.count(", now ") == 1


async def test_the_first_of_its_kind_is_like_nothing(script: Script, one: Path) -> None:
    ran = await start(one)
    assert "not reused: nothing like it was made before" in explained(ran.run, "mug", "photo")


async def test_a_reused_result_says_who_made_it(script: Script, one: Path) -> None:
    first = await start(one)
    again = await start(one)
    text = explained(again.run, "mug", "cutout")
    assert f"reused, $0.00: made by run {first.run}, row mug, step cutout" in text
    assert "not reused" not in text


async def test_a_held_submit_says_what_can_be_done(script: Script, one: Path) -> None:
    script.turns = {FLUX: ["lost"]}
    ran = await start(one)
    assert f"resume {ran.run} --on-uncertain resubmit" in explained(ran.run, "mug", "photo")


async def test_a_step_that_did_not_run_says_how_its_row_ended(script: Script, one: Path) -> None:
    script.turns = {FLUX: ["lost"]}
    ran = await start(one)
    with pytest.raises(RequestError, match="the row ended as parked"):
        explained(ran.run, "mug", "cutout")
    again = await resume(ran.run, on_uncertain="resubmit")
    assert "made by this row" in explained(again.run, "mug", "cutout")


async def test_what_was_done_to_make_a_picture_fit_is_told(script: Script, tmp_path: Path) -> None:
    Image.new("RGBA", (600, 400), (200, 30, 30, 128)).save(tmp_path / "a.png")
    template = write_template(
        tmp_path,
        "name: larger\nversion: 1\nabout: Twice the size.\ninputs:\n  image: {type: image}\n"
        "steps:\n  large:\n    model: clarity-upscaler@fal\n    with: {image: $image}\n"
        "    fit: {colour: white}\noutputs: {large: $large}\n",
    )
    ran = await start(write_table(tmp_path / "t.csv", {"mug": "a.png"}, "id,image"), template)
    assert ran.lines("attempts.csv")[0]["fitted"] == "image: laid on white"
    assert "    fitted image: laid on white" in explained(ran.run, "mug", "large")
