"""Steps of a row: side by side, skipped, held back, or replaced by the first that has a result."""

from __future__ import annotations

from pathlib import Path

from tasks.invoke import Wish, perform_plainly
from tasks.ledger.attempt import Attempt
from tasks.services import Services
from tests.core.plain import BIREFNET, BRIA, FLUX, RECRAFT, start, write_table, write_template
from tests.scripted import Script

OPTIONAL = """\
name: optional
version: 1
about: A cut-out that may be missing.
inputs:
  prompt: {type: text, about: What to photograph}
steps:
  photo: {model: flux-2-pro, with: {prompt: $prompt}}
  cutout: {model: birefnet@fal, with: {image: $photo}, on_error: skip}
  again: {model: bria-rmbg-2@fal, with: {image: $cutout}}
outputs: {photo: $photo, cutout: $cutout}
"""
FIRST = """\
name: the-first
version: 1
about: The cut-out rather than nothing.
inputs:
  prompt: {type: text, about: What to photograph}
steps:
  photo: {model: flux-2-pro, with: {prompt: $prompt}}
  cutout: {model: birefnet@fal, with: {image: $photo}, on_error: skip}
outputs: {best: {first: [$cutout, $photo]}}
"""
PARALLEL = """\
name: parallel
version: 1
about: Two photographs side by side, and a cut-out of one.
inputs:
  prompt: {type: text, about: What to photograph}
steps:
  one: {model: flux-2-pro, with: {prompt: $prompt}}
  two: {model: recraft-v4, with: {prompt: $prompt}}
  cutout: {model: birefnet, with: {image: $one}}
outputs: {one: $one, two: $two, cutout: $cutout}
"""
WHEN = """\
name: sometimes
version: 1
about: A cut-out of mugs alone.
inputs:
  prompt: {type: text, about: What to photograph}
steps:
  photo: {model: flux-2-pro, with: {prompt: $prompt}}
  cutout: {model: birefnet, with: {image: $photo}, when: prompt == "a red mug"}
outputs: {photo: $photo, cutout: $cutout}
"""


async def test_a_step_that_may_be_missing_makes_the_row_partial(
    script: Script, one: Path, tmp_path: Path
) -> None:
    script.turns = {BIREFNET: ["refuse"]}
    ran = await start(one, write_template(tmp_path, OPTIONAL))
    line = ran.results["mug"]
    assert (line["state"], line["cutout"]) == ("partial", "")
    assert line["photo"]
    assert line["reason"].startswith("no cutout (cutout: ")
    assert ran.totals.states == {"partial": 1}
    assert ran.totals.is_success(0.9)
    assert not ran.totals.is_success(1.0)


async def test_a_step_that_requires_a_skipped_one_is_skipped_and_not_sent(
    script: Script, one: Path, tmp_path: Path
) -> None:
    script.turns = {BIREFNET: ["refuse"]}
    ran = await start(one, write_template(tmp_path, OPTIONAL))
    assert script.endpoints() == {FLUX: 1}
    assert "again: its image has no result" in ran.results["mug"]["reason"]


async def test_with_all_its_steps_the_same_template_is_done(
    script: Script, one: Path, tmp_path: Path
) -> None:
    ran = await start(one, write_template(tmp_path, OPTIONAL))
    assert ran.states == {"mug": "done"}
    assert script.endpoints() == {FLUX: 1, BIREFNET: 1, BRIA: 1}


async def test_first_takes_the_next_when_the_first_has_no_result(
    script: Script, two: Path, tmp_path: Path
) -> None:
    script.turns = {BIREFNET: ["refuse"]}
    ran = await start(two, write_template(tmp_path, FIRST), jobs=1)
    assert ran.states == {"mug": "done", "vase": "done"}
    made = {(attempt.place.row, attempt.place.step): attempt for attempt in ran.attempts}
    for row, step in (("mug", "photo"), ("vase", "cutout")):
        best = (ran.folder / "outputs" / row / "best.png").read_bytes()
        value = (made[row, step].result or {})["image"]["media"]
        assert len(best) == value["size_bytes"]


async def test_first_waits_for_a_parked_step(script: Script, one: Path, tmp_path: Path) -> None:
    script.turns = {BIREFNET: ["lost"]}
    ran = await start(one, write_template(tmp_path, FIRST))
    assert ran.states == {"mug": "parked"}


async def test_a_false_condition_skips_the_step_of_that_row(
    script: Script, two: Path, tmp_path: Path
) -> None:
    ran = await start(two, write_template(tmp_path, WHEN))
    assert ran.states == {"mug": "done", "vase": "partial"}
    assert script.endpoints() == {FLUX: 2, BIREFNET: 1}
    assert "its condition is false" in ran.results["vase"]["reason"]


async def test_steps_without_a_path_between_them_run_side_by_side(
    script: Script, one: Path, tmp_path: Path
) -> None:
    script.seconds = 0.2
    events: list[tuple[str, str]] = []

    async def recorded(services: Services, wish: Wish) -> Attempt:
        events.append(("start", wish.call.place.step))
        try:
            return await perform_plainly(services, wish)
        finally:
            events.append(("stop", wish.call.place.step))

    ran = await start(one, write_template(tmp_path, PARALLEL), perform=recorded)
    assert ran.states == {"mug": "done"}
    assert events[:2] == [("start", "one"), ("start", "two")]
    assert events.index(("start", "cutout")) > events.index(("stop", "one"))
    assert script.endpoints() == {FLUX: 1, RECRAFT: 1, BIREFNET: 1}


async def test_as_many_rows_are_in_flight_as_jobs_say(script: Script, tmp_path: Path) -> None:
    script.seconds = 0.05
    now: set[str] = set()
    most = 0

    async def counted(services: Services, wish: Wish) -> Attempt:
        nonlocal most
        now.add(wish.call.place.row)
        most = max(most, len(now))
        try:
            return await perform_plainly(services, wish)
        finally:
            now.discard(wish.call.place.row)

    rows = {f"p{number}": f"product {number}" for number in range(7)}
    ran = await start(write_table(tmp_path / "seven.csv", rows), perform=counted, jobs=3)
    assert ran.totals.states == {"done": 7}
    assert most == 3


async def test_what_a_row_has_paid_for_is_taken_though_another_of_its_steps_has_failed(
    script: Script, one: Path, tmp_path: Path
) -> None:
    script.turns, script.seconds = {RECRAFT: ["refuse"]}, 0.2
    ran = await start(one, write_template(tmp_path, PARALLEL))
    assert ran.states == {"mug": "refused"}
    assert ran.outcomes() == {"accepted": 1, "refused": 1}
    assert ran.outcomes(step="one") == {"accepted": 1}


async def test_nothing_more_is_sent_for_a_row_that_has_failed(
    script: Script, one: Path, tmp_path: Path
) -> None:
    script.turns, script.seconds = {RECRAFT: ["refuse"]}, 0.2
    await start(one, write_template(tmp_path, PARALLEL))
    assert script.endpoints() == {FLUX: 1}  # and not the cut-out of its photograph


async def test_a_queued_job_of_a_row_that_has_failed_is_cancelled_since_that_is_free(
    script: Script, one: Path, tmp_path: Path
) -> None:
    script.turns, script.seconds, script.queues = {RECRAFT: ["refuse"]}, 5.0, True
    ran = await start(one, write_template(tmp_path, PARALLEL))
    assert ran.states == {"mug": "refused"}
    assert ran.outcomes(step="one") == {"cancelled": 1}
    assert ran.totals.cost_usd == 0


async def test_the_first_state_that_applies_is_the_rows(
    script: Script, one: Path, tmp_path: Path
) -> None:
    script.turns = {RECRAFT: ["fail", "fail", "fail"], FLUX: ["lost"]}
    ran = await start(one, write_template(tmp_path, PARALLEL))
    assert ran.states == {"mug": "parked"}
    assert ran.results["mug"]["reason"].startswith("one: ")


async def test_many_rows_with_their_own_ends_add_up(script: Script, tmp_path: Path) -> None:
    rows = {f"p{number}": f"product {number}" for number in range(8)}
    rows["empty"] = ""
    script.turns = {
        FLUX: ["ok", "refuse", "lost", "fail", "fail"],
        RECRAFT: ["refuse", "fail"],
        BIREFNET: ["ok", "refuse"],
        BRIA: ["refuse"],
    }
    ran = await start(write_table(tmp_path / "many.csv", rows), jobs=1)
    assert list(ran.states) == list(rows)
    assert ran.totals.states == {"done": 4, "refused": 2, "parked": 1, "failed": 1, "invalid": 1}
    assert sum(ran.totals.states.values()) == ran.totals.rows == len(rows)
