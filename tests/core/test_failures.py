"""What a vendor may do wrong, and what is then sent, held or remembered."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.core.plain import BIREFNET, BRIA, FLUX, RECRAFT, resume, start
from tests.scripted import Script, picture


async def test_a_job_that_fails_twice_gives_way_to_the_fallback(script: Script, one: Path) -> None:
    script.turns = {FLUX: ["fail", "fail", "fail"]}
    ran = await start(one)
    assert ran.states == {"mug": "done"}
    assert script.endpoints() == {FLUX: 2, RECRAFT: 1, BIREFNET: 1}
    assert ran.outcomes(step="photo") == {"failed": 2, "accepted": 1}
    assert ran.results["mug"]["models"] == "recraft-v4@fal birefnet@fal"


async def test_a_resume_does_not_try_the_failed_primary_again(
    script: Script, one: Path, short_deadlines: None
) -> None:
    script.turns = {FLUX: ["fail", "fail"], RECRAFT: ["stuck"]}
    first = await start(one)
    assert first.states == {"mug": "parked"}
    for job in script.jobs.values():
        job["turn"] = "ok"
    again = await resume(first.run)
    assert again.states == {"mug": "done"}
    assert script.endpoints() == {FLUX: 2, RECRAFT: 1, BIREFNET: 1}


async def test_one_row_and_step_has_three_accepted_submits_over_all_candidates(
    script: Script, one: Path
) -> None:
    script.turns = {FLUX: ["fail"] * 9, RECRAFT: ["fail"] * 9}
    first = await start(one)
    assert first.states == {"mug": "failed"}
    assert script.endpoints() == {FLUX: 2, RECRAFT: 1}
    again = await resume(first.run)
    assert again.states == {"mug": "failed"}
    assert "not sent again" in again.results["mug"]["reason"]
    assert script.endpoints() == {FLUX: 2, RECRAFT: 1}


async def test_a_refusal_falls_to_the_fallback_at_once(script: Script, one: Path) -> None:
    script.turns = {FLUX: ["refuse"]}
    ran = await start(one)
    assert ran.states == {"mug": "done"}
    assert script.endpoints() == {RECRAFT: 1, BIREFNET: 1}
    assert ran.outcomes(step="photo") == {"refused": 1, "accepted": 1}


async def test_a_refusal_is_remembered_by_later_runs(script: Script, one: Path) -> None:
    script.turns = {FLUX: ["refuse"], RECRAFT: ["refuse"]}
    first = await start(one)
    assert first.states == {"mug": "refused"}
    assert "the vendor refuses this prompt" in first.results["mug"]["reason"]
    again = await start(one)
    assert again.states == {"mug": "refused"}
    assert again.attempts == []
    assert script.submits == []


async def test_another_prompt_is_not_refused_for_it(script: Script, one: Path, two: Path) -> None:
    script.turns = {FLUX: ["refuse"], RECRAFT: ["refuse"]}
    await start(one)
    ran = await start(two)
    assert ran.states == {"mug": "refused", "vase": "done"}


async def test_a_busy_vendor_is_sent_the_same_attempt_again(script: Script, one: Path) -> None:
    script.turns = {FLUX: ["busy", "busy", "ok"]}
    ran = await start(one)
    assert ran.states == {"mug": "done"}
    assert script.endpoints() == {FLUX: 1, BIREFNET: 1}
    assert ran.outcomes(step="photo") == {"accepted": 1}


async def test_a_vendor_that_stays_busy_costs_nothing_and_gives_way(
    script: Script, one: Path
) -> None:
    script.turns = {FLUX: ["busy"] * 20}
    ran = await start(one)
    assert ran.states == {"mug": "done"}
    assert script.endpoints() == {RECRAFT: 1, BIREFNET: 1}
    assert ran.outcomes(step="photo") == {"unsent": 1, "accepted": 1}


async def test_a_refusal_at_the_door_is_not_of_the_budget(script: Script, one: Path) -> None:
    script.turns = {FLUX: ["refuse"], RECRAFT: ["fail"] * 4}
    ran = await start(one)
    assert ran.outcomes() == {"refused": 1, "failed": 3}


async def test_an_unsent_attempt_is_not_of_the_budget(script: Script, one: Path) -> None:
    script.turns = {FLUX: ["busy"] * 5, RECRAFT: ["busy"] * 5}
    first = await start(one)
    assert first.states == {"mug": "failed"}
    assert first.outcomes() == {"unsent": 2}
    again = await resume(first.run)
    assert again.states == {"mug": "done"}
    assert script.endpoints() == {FLUX: 1, BIREFNET: 1}


async def test_a_lost_answer_parks_the_row_and_is_never_sent_again(
    script: Script, two: Path
) -> None:
    script.turns = {FLUX: ["lost"]}
    first = await start(two, jobs=1)
    assert first.states == {"mug": "parked", "vase": "done"}
    assert first.outcomes(step="photo") == {"uncertain": 1, "accepted": 1}
    script.submits.clear()
    again = await resume(first.run)
    assert again.states == {"mug": "parked", "vase": "done"}
    other = await start(two)
    assert other.states == {"mug": "parked", "vase": "done"}
    assert script.submits == []
    assert "never sent again by itself" in other.results["mug"]["reason"]


async def test_a_lost_answer_holds_its_row_also_when_its_request_would_be_another_today(
    script: Script, one: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script.turns = {FLUX: ["lost"]}
    first = await start(one)
    script.submits.clear()
    monkeypatch.setenv("FAL_BASE_URL", "https://elsewhere.example")
    again = await resume(first.run)
    assert again.states == {"mug": "parked"}
    assert script.submits == []


async def test_a_lost_answer_of_one_candidate_keeps_the_others_from_being_sent(
    script: Script, one: Path
) -> None:
    script.turns = {FLUX: ["fail", "fail"], RECRAFT: ["lost"]}
    first = await start(one)
    assert first.states == {"mug": "parked"}
    again = await resume(first.run)
    assert again.states == {"mug": "parked"}
    assert script.endpoints() == {FLUX: 2, RECRAFT: 1}


async def test_a_job_at_its_deadline_is_parked_and_taken_up_by_the_resume(
    script: Script, two: Path, short_deadlines: None
) -> None:
    script.turns = {FLUX: ["stuck"]}
    first = await start(two, jobs=1)
    assert first.states == {"mug": "parked", "vase": "done"}
    assert first.outcomes(step="photo") == {"submitted": 1, "accepted": 1}
    for job in script.jobs.values():
        job["turn"] = "ok"
    again = await resume(first.run)
    assert again.states == {"mug": "done", "vase": "done"}
    assert script.endpoints() == {FLUX: 2, BIREFNET: 2}
    assert again.outcomes() == {"accepted": 4}


async def test_a_job_at_its_deadline_is_taken_up_by_another_run(
    script: Script, one: Path, short_deadlines: None
) -> None:
    script.turns = {FLUX: ["stuck"]}
    first = await start(one)
    for job in script.jobs.values():
        job["turn"] = "ok"
    other = await start(one)
    assert other.states == {"mug": "done"}
    assert script.endpoints() == {FLUX: 1, BIREFNET: 1}
    assert other.results["mug"]["cost_usd"] == "0.03"  # the photograph stands with the first run
    assert (await resume(first.run)).totals.cost == "$0.03"


async def test_a_job_that_failed_at_the_vendor_meanwhile_is_tried_anew_within_the_budget(
    script: Script, one: Path, short_deadlines: None
) -> None:
    script.turns = {FLUX: ["stuck"]}
    first = await start(one)
    for job in script.jobs.values():
        job["turn"] = "fail"
    again = await resume(first.run)
    assert again.states == {"mug": "done"}
    assert script.endpoints()[FLUX] + script.endpoints()[RECRAFT] == 2
    assert again.outcomes(step="photo") == {"failed": 1, "accepted": 1}


async def test_a_cut_out_that_cannot_be_had_keeps_the_photograph(script: Script, one: Path) -> None:
    script.turns = {BIREFNET: ["refuse"], BRIA: ["fail"] * 3}
    first = await start(one)
    assert first.states == {"mug": "failed"}
    line = first.results["mug"]
    assert (line["photo"], line["cutout"]) == ("outputs/mug/photo.png", "")
    assert (first.folder / line["photo"]).exists()
    script.submits.clear()
    again = await start(one)  # a new run has a budget of its own; a refusal is remembered
    assert again.states == {"mug": "done"}
    assert script.endpoints() == {BRIA: 1}


async def test_a_failed_row_does_not_stop_the_others(script: Script, products: Path) -> None:
    script.turns = {FLUX: ["fail"] * 2, RECRAFT: ["fail"]}
    ran = await start(products, jobs=1)
    assert ran.states == {"mug": "failed", "vase": "done", "lamp": "done"}


@pytest.mark.parametrize("turn", ["lost", "stuck"])
async def test_a_parked_row_counts_at_its_price_until_it_has_ended(
    script: Script, one: Path, short_deadlines: None, turn: str
) -> None:
    script.turns = {FLUX: [turn]}
    ran = await start(one)
    assert [attempt.amount for attempt in ran.attempts] == [None]
    assert ran.totals.states == {"parked": 1}


@pytest.mark.parametrize("cut", [0, 60], ids=["no-picture", "cut-short"])
async def test_a_result_that_cannot_be_used_is_paid_rejected_and_remembered(
    script: Script, one: Path, monkeypatch: pytest.MonkeyPatch, cut: int
) -> None:
    whole = picture("any")
    monkeypatch.setattr("tests.scripted.picture", lambda seed: whole[:cut] or b"no picture")
    first = await start(one)
    assert first.states == {"mug": "rejected"}
    assert first.outcomes() == {"rejected": 2}
    assert script.endpoints() == {FLUX: 1, RECRAFT: 1}
    assert first.totals.cost == "$0.06"
    script.submits.clear()
    again = await start(one)
    assert again.states == {"mug": "rejected"}
    assert script.submits == []
