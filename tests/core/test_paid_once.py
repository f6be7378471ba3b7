"""Nothing paid for is lost or paid twice: what was accepted once is never submitted again."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.core.plain import (
    BIREFNET,
    BRIA,
    FLUX,
    RECRAFT,
    resume,
    start,
    write_table,
    write_template,
)
from tests.scripted import Script

WITH_VARIANT = """\
name: variants
version: 1
about: A photograph and its cut-out.
inputs:
  prompt: {type: text, about: What to photograph}
steps:
  photo:
    model: flux-2-pro
    with: {prompt: $prompt}
  cutout:
    model: birefnet
    with: {image: $photo, variant: Portrait}
outputs: {photo: $photo, cutout: $cutout}
"""
LOCAL = """\
name: rehearsal
version: 1
about: A photograph, smaller.
inputs:
  prompt: {type: text, about: What to photograph}
steps:
  photo:
    model: flux-2-pro
    with: {prompt: $prompt, megapixels: 0.5}
  small:
    model: resize
    with: {image: $photo, width: 32}
outputs: {small: $small}
"""


async def test_every_step_of_every_row_is_submitted_once(script: Script, products: Path) -> None:
    ran = await start(products)
    assert ran.states == {"mug": "done", "vase": "done", "lamp": "done"}
    assert script.endpoints() == {FLUX: 3, BIREFNET: 3}
    assert ran.outcomes() == {"accepted": 6}


async def test_a_second_run_reuses_everything_and_submits_nothing(
    script: Script, products: Path
) -> None:
    await start(products)
    script.submits.clear()
    again = await start(products)
    assert script.submits == []
    assert again.attempts == []
    assert again.totals.states == {"done": 3}
    assert (again.totals.reused, again.totals.cost) == (6, "$0.00")


async def test_resuming_a_finished_run_submits_nothing(script: Script, products: Path) -> None:
    first = await start(products)
    script.submits.clear()
    again = await resume(first.run)
    assert script.submits == []
    assert again.totals == first.totals
    assert again.folder == first.folder


async def test_a_resume_takes_what_the_run_has_whatever_its_requests_would_be_today(
    script: Script, products: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await start(products)
    script.submits.clear()
    monkeypatch.setenv("FAL_BASE_URL", "https://elsewhere.example")
    again = await resume(first.run)
    assert again.totals.states == {"done": 3}
    assert script.submits == []
    await start(products)  # a run of its own asks elsewhere
    assert script.endpoints() == {FLUX: 3, BIREFNET: 3}


async def test_only_a_new_row_is_paid_for_in_a_table_that_was_edited(
    script: Script, tmp_path: Path
) -> None:
    rows = {f"p{number}": f"product {number}" for number in range(8)}
    await start(write_table(tmp_path / "table.csv", rows))
    script.submits.clear()
    edited = {name: prompt for name, prompt in rows.items() if name not in ("p2", "p5")}
    edited["new"] = "a new product"
    shuffled = list(edited.items())
    random.Random(7).shuffle(shuffled)
    ran = await start(write_table(tmp_path / "table.csv", dict(shuffled)))
    assert script.endpoints() == {FLUX: 1, BIREFNET: 1}
    assert {attempt.place.row for attempt in ran.attempts} == {"new"}
    assert ran.totals.states == {"done": 7}


async def test_renaming_a_row_pays_for_nothing(script: Script, tmp_path: Path) -> None:
    await start(write_table(tmp_path / "table.csv", {"mug": "a red mug"}))
    script.submits.clear()
    ran = await start(write_table(tmp_path / "table.csv", {"cup": "a red mug"}))
    assert script.submits == []
    assert ran.states == {"cup": "done"}


async def test_one_edited_parameter_pays_for_its_step_alone(
    script: Script, two: Path, tmp_path: Path
) -> None:
    template = write_template(tmp_path, WITH_VARIANT)
    await start(two, template)
    script.submits.clear()
    template.write_text(WITH_VARIANT.replace("Portrait", "Matting"), encoding="utf-8")
    ran = await start(two, template)
    assert script.endpoints() == {BIREFNET: 2}
    assert ran.states == {"mug": "done", "vase": "done"}
    template.write_text(WITH_VARIANT, encoding="utf-8")
    script.submits.clear()
    await start(two, template)
    assert script.submits == []


async def test_a_default_that_is_written_out_is_the_same_request(
    script: Script, two: Path, tmp_path: Path
) -> None:
    template = write_template(tmp_path, WITH_VARIANT)
    await start(two, template)
    script.submits.clear()
    written = "prompt: $prompt, aspect_ratio: '1:1', megapixels: 1.0, safety: 2"
    template.write_text(WITH_VARIANT.replace("prompt: $prompt}", f"{written}}}"), encoding="utf-8")
    await start(two, template)
    assert script.submits == []


async def test_another_take_is_paid_for_and_the_first_stays_known(
    script: Script, one: Path
) -> None:
    await start(one)
    await start(one, take=2)
    assert script.endpoints() == {FLUX: 2, BIREFNET: 2}
    script.submits.clear()
    await start(one)
    await start(one, take=2)
    assert script.submits == []


async def test_a_rehearsal_on_this_machine_is_never_taken_for_a_paid_result(
    script: Script, one: Path, tmp_path: Path
) -> None:
    template = write_template(tmp_path, LOCAL)
    rehearsed = await start(one, template, local=True)
    assert script.submits == []
    assert rehearsed.outcomes() == {"accepted": 2}
    paid = await start(one, template)
    assert script.endpoints() == {FLUX: 1}
    assert paid.outcomes() == {"accepted": 2}  # the small one is of another photograph
    script.submits.clear()
    again = await start(one, template, local=True)
    assert script.submits == []
    assert again.attempts == []
    assert again.totals.states == {"done": 1}


async def test_a_result_of_a_vendor_whose_key_is_gone_is_still_used(
    script: Script, one: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await start(one)
    script.submits.clear()
    monkeypatch.setenv("REPLICATE_API_TOKEN", "r8_x")
    ran = await start(one)
    assert ran.states == {"mug": "done"}
    assert script.submits == []


async def test_equal_prompts_of_one_table_share_one_submit_and_one_row_pays(
    script: Script, tmp_path: Path
) -> None:
    script.seconds = 0.02
    prompts = {f"p{number}": "the same mug" for number in range(5)}
    ran = await start(write_table(tmp_path / "table.csv", prompts))
    assert script.endpoints() == {FLUX: 1, BIREFNET: 1}
    assert ran.totals.states == {"done": 5}
    costs = [line["cost_usd"] for line in ran.results.values()]
    assert sorted(costs) == ["0", "0", "0", "0", "0.06"]
    reused = [line["reused"] for line in ran.results.values()]
    assert sorted(reused) == ["0", "2", "2", "2", "2"]
    assert ran.totals.reused == 8
    assert ran.totals.cost == "$0.06"


async def test_equal_prompts_whose_request_is_refused_are_refused_together(
    script: Script, tmp_path: Path
) -> None:
    script.turns = {FLUX: ["refuse"], RECRAFT: ["refuse"]}
    prompts = {f"p{number}": "the same mug" for number in range(3)}
    ran = await start(write_table(tmp_path / "table.csv", prompts))
    assert ran.totals.states == {"refused": 3}
    assert len(ran.attempts) == 2


async def test_use_of_another_model_pays_for_that_model_and_what_follows(
    script: Script, one: Path
) -> None:
    await start(one)
    script.submits.clear()
    ran = await start(one, use={"cutout": "bria-rmbg-2"})
    assert script.endpoints() == {BRIA: 1}
    assert ran.states == {"mug": "done"}
