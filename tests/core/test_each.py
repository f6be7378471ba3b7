"""`each`: one call for each item of a list; order is kept, and what is missing keeps its place."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from flows.options import RunOptions
from flows.prepare import Request, plan_run, prepare
from providers import registry
from tasks.home import find_home
from tasks.services import open_services
from tests.core.plain import BIREFNET, FLUX, Ran, resume, start, write_template
from tests.scripted import PRICE, Script

SCENES = """\
name: scenes
version: 1
about: A picture of each scene, and a cut-out of each picture.
inputs:
  scenes: {{type: "list[text]", max: 4}}
  places: {{type: "list[text]", default: null}}
steps:
  scene:
    model: flux-2-pro
    each: {{what: $scenes}}
    with: {{prompt: "${{index}}: ${{what}}"}}
    on_error: {on_error}
  cutout:
    model: birefnet
    each: {{picture: $scene}}
    with: {{image: $picture}}
outputs: {{pictures: $scene, cutouts: $cutout}}
"""


def written(folder: Path, on_error: str = "fail") -> Path:
    return write_template(folder, SCENES.format(on_error=on_error))


def table_of(folder: Path, *scenes: str) -> Path:
    path = folder / "rows.csv"
    lines = ["id,scenes", *(f'r{number},"{cell}"' for number, cell in enumerate(scenes, 1))]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def items(ran: Ran, step: str) -> list[tuple[int, str | None]]:
    made = [a for a in ran.attempts if a.place.step == step]
    return sorted((a.place.item, a.outcome) for a in made)


async def test_each_item_is_a_call_of_its_own_and_order_is_kept(
    script: Script, tmp_path: Path
) -> None:
    ran = await start(table_of(tmp_path, "home|wood|sea"), written(tmp_path))
    assert ran.states == {"r1": "done"}
    assert items(ran, "scene") == items(ran, "cutout") == [(n, "accepted") for n in (1, 2, 3)]
    line = ran.results["r1"]
    assert line["pictures"] == "|".join(f"outputs/r1/pictures_{n}.png" for n in (1, 2, 3))
    assert line["cost_usd"] == str(6 * PRICE)
    for path in (line["pictures"] + "|" + line["cutouts"]).split("|"):
        assert (ran.folder / path).exists()


async def test_the_items_of_a_step_overlap_in_time(script: Script, tmp_path: Path) -> None:
    script.seconds = 0.2
    ran = await start(table_of(tmp_path, "home|wood|sea|town"), written(tmp_path))
    scenes = [attempt for attempt in ran.attempts if attempt.place.step == "scene"]
    began, ended = (
        [getattr(attempt, name) for attempt in scenes] for name in ("submitted_at", "settled_at")
    )
    assert max(began) < min(ended)


async def test_a_skipped_item_leaves_a_gap_that_keeps_its_place(
    script: Script, tmp_path: Path
) -> None:
    ran = await start(table_of(tmp_path, "home|forbidden|sea|town"), written(tmp_path, "skip"))
    line = ran.results["r1"]
    assert line["state"] == "partial"
    assert line["reason"].startswith("no pictures[2], cutouts[2] (scene: item 2: ")
    assert "the vendor refuses this prompt" in line["reason"]
    assert "cutout: item 2: its image has no result" in line["reason"]
    assert line["pictures"].split("|") == [f"outputs/r1/pictures_{n}.png" for n in (1, 3, 4)]
    assert line["cutouts"].split("|") == [f"outputs/r1/cutouts_{n}.png" for n in (1, 3, 4)]
    assert script.endpoints() == {FLUX: 3, BIREFNET: 3}


async def test_a_step_whose_every_item_is_missing_has_no_result(
    script: Script, tmp_path: Path
) -> None:
    ran = await start(table_of(tmp_path, "forbidden one|forbidden two"), written(tmp_path, "skip"))
    assert ran.results["r1"]["state"] == "partial"
    assert ran.results["r1"]["reason"].startswith("no pictures, cutouts (scene: item 1: ")


async def test_an_item_that_fails_the_row_keeps_what_its_siblings_have(
    script: Script, tmp_path: Path
) -> None:
    table = table_of(tmp_path, "home|forbidden|sea")
    ran = await start(table, written(tmp_path))
    assert ran.states == {"r1": "refused"}
    assert script.endpoints()[BIREFNET] == 0
    paid = script.endpoints()[FLUX]
    again = await start(table, written(tmp_path, "skip"))
    assert again.states == {"r1": "partial"}
    assert script.endpoints()[FLUX] == 2, f"{paid} had been made, and were taken over"


async def test_a_killed_run_goes_on_item_by_item(script: Script, tmp_path: Path) -> None:
    script.turns[BIREFNET] = ["ok", "fail", "fail", "fail"]
    ran = await start(table_of(tmp_path, "home|wood"), written(tmp_path))
    assert ran.states == {"r1": "failed"}
    before = script.endpoints()
    again = await resume(ran.run, only=("failed",))
    assert again.states == {"r1": "done"}
    assert script.endpoints() - before == {BIREFNET: 1}


async def test_one_more_item_is_all_that_is_paid_for(script: Script, tmp_path: Path) -> None:
    template = written(tmp_path)
    await start(table_of(tmp_path, "home|wood"), template)
    before = script.endpoints()
    ran = await start(table_of(tmp_path, "home|wood|sea"), template)
    assert ran.states == {"r1": "done"}
    assert script.endpoints() - before == {FLUX: 1, BIREFNET: 1}
    assert ran.results["r1"]["reused"] == "4"


async def test_the_plan_counts_items(script: Script, tmp_path: Path) -> None:
    template = written(tmp_path)
    await start(table_of(tmp_path, "home|wood"), template)
    table = table_of(tmp_path, "home|wood|sea", "town")
    async with open_services(find_home(), registry.PROVIDERS) as services:
        prepared = prepare(Request(str(template), table, RunOptions()))
        plan, _ = await plan_run(prepared, services.ledger, services.store)
    scene, _ = plan.steps
    assert (scene.calls, scene.reused) == (2, 2)
    assert scene.expected == Decimal("0.06")


async def test_the_worst_case_of_a_row_is_of_all_its_items(script: Script, tmp_path: Path) -> None:
    table = table_of(tmp_path, "home|wood|sea|town", "hill")
    cap = Decimal("0.5")  # three tries of four scenes alone are 0.36
    ran = await start(table, written(tmp_path), max_cost=cap, allow_unpriced=True)
    assert ran.states == {"r1": "done", "r2": "done"}
    low = await start(
        table_of(tmp_path, "a|b|c|d", "e"),
        written(tmp_path),
        max_cost=Decimal("0.3"),
        allow_unpriced=True,
    )
    assert low.states == {"r1": "not admitted", "r2": "done"}


async def test_a_row_may_not_cost_more_than_its_items_may(script: Script, tmp_path: Path) -> None:
    options = {"max_cost_per_row": Decimal("0.1"), "allow_unpriced": True}
    ran = await start(table_of(tmp_path, "a|b|c|d", "a|b|c"), written(tmp_path), **options)
    assert ran.results["r1"]["state"] == "not admitted"
    assert "it may cost up to $0.12" in ran.results["r1"]["reason"]
    assert ran.results["r2"]["state"] != "not admitted"


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("a|b|c|d|e", "scenes: has 5 items, above 4"),
        ("[]", "scenes: is an empty list"),
        ("", "scenes: is empty and has no default"),
        ("a||c", "scenes: item 2 of 3 is empty"),
    ],
)
async def test_a_list_that_does_not_do_is_told_before_anything_is_paid(
    cell: str, said: str, script: Script, tmp_path: Path
) -> None:
    ran = await start(table_of(tmp_path, cell, "fine"), written(tmp_path))
    assert ran.states == {"r1": "invalid", "r2": "done"}
    assert said in ran.results["r1"]["reason"]
    assert script.endpoints()[FLUX] == 1


async def test_lists_side_by_side_are_equally_long(script: Script, tmp_path: Path) -> None:
    text = SCENES.format(on_error="fail").replace(
        "each: {picture: $scene}\n    with: {image: $picture}",
        "each: {picture: $scene, place: $places}\n    with: {image: $picture}",
    )
    path = tmp_path / "rows.csv"
    path.write_text("id,scenes,places\nr1,a|b,here\nr2,a|b,here|there\n", encoding="utf-8")
    ran = await start(path, write_template(tmp_path, text))
    assert ran.states == {"r1": "invalid", "r2": "done"}
    assert "has 1 items and 'scenes' has 2" in ran.results["r1"]["reason"]
