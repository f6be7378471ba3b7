"""A router: branches that exclude each other by columns and facts, and `first` that joins them."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from flows.options import RunOptions
from flows.prepare import Request, plan_run, prepare, refuse_faults
from flows.run_plan import Plan
from providers import registry
from providers.errors import RequestError
from tasks.home import find_home
from tasks.services import open_services
from tests.core.plain import BIREFNET, BRIA, FLUX, start, write_template
from tests.scripted import Script

ROUTER = """\
name: router
version: 1
about: A shoe is cut out by one model, what is wide by another, what is transparent by none.
inputs:
  image: {type: image}
  category: {type: text, default: other}
  weight: {type: number, default: null}
steps:
  shoe:
    model: birefnet@fal
    when: category == "shoes" and not image.alpha
    with: {image: $image}
  wide:
    model: bria-rmbg-2@fal
    when: category != "shoes" and not image.alpha and image.width > image.height
    with: {image: $image}
  ready: {model: flatten, when: image.alpha, with: {image: $image}}
outputs: {picture: {first: [$shoe, $wide, $ready]}}
"""


def table_of(folder: Path, *lines: str, header: str = "id,image,category") -> Path:
    Image.new("RGB", (40, 30), "red").save(folder / "wide.png")
    Image.new("RGB", (30, 40), "red").save(folder / "tall.png")
    Image.new("RGBA", (30, 40), (9, 9, 9, 0)).save(folder / "clear.png")
    path = folder / "rows.csv"
    path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return path


async def plan_of(template: Path, table: Path, **options: object) -> Plan:
    async with open_services(find_home(), registry.PROVIDERS) as services:
        prepared = prepare(Request(str(template), table, RunOptions.model_validate(options)))
        plan, _ = await plan_run(prepared, services.ledger, services.store)
        refuse_faults(plan, prepared)
    return plan


async def test_each_row_takes_the_branch_that_its_column_and_its_picture_say(
    script: Script, tmp_path: Path
) -> None:
    lines = ("a,wide.png,shoes", "b,wide.png,bags", "c,clear.png,shoes", "d,tall.png,shoes")
    ran = await start(table_of(tmp_path, *lines), write_template(tmp_path, ROUTER))
    assert set(ran.states.values()) == {"done"}
    taken = {attempt.place.row: attempt.place.step for attempt in ran.attempts}
    assert taken == {"a": "shoe", "b": "wide", "c": "ready", "d": "shoe"}
    assert script.endpoints() == {BIREFNET: 2, BRIA: 1}
    assert {line["step"]: line["rows"] for line in ran.summary} == {
        "shoe": 2,
        "wide": 1,
        "ready": 1,
    }


async def test_rows_are_counted_by_step_whether_made_or_reused(
    script: Script, tmp_path: Path
) -> None:
    template = write_template(tmp_path, ROUTER)
    await start(table_of(tmp_path, "a,wide.png,shoes"), template)
    ran = await start(table_of(tmp_path, "a,wide.png,shoes", "b,tall.png,shoes"), template)
    (line,) = ran.summary
    assert (line["step"], line["rows"], line["calls"], line["reused"]) == ("shoe", 2, 1, 1)


async def test_a_row_that_no_branch_takes_is_partial_and_says_why(
    script: Script, tmp_path: Path
) -> None:
    ran = await start(table_of(tmp_path, "a,tall.png,bags"), write_template(tmp_path, ROUTER))
    assert ran.states == {"a": "partial"}
    assert ran.results["a"]["reason"].startswith("no picture (shoe: its condition is false: ")
    assert script.endpoints() == {}


async def test_the_plan_counts_the_calls_of_the_branches_that_are_taken(
    script: Script, tmp_path: Path
) -> None:
    lines = ("a,wide.png,shoes", "b,wide.png,bags", "c,clear.png,shoes", "d,tall.png,shoes")
    plan = await plan_of(write_template(tmp_path, ROUTER), table_of(tmp_path, *lines))
    assert {step.step: step.calls for step in plan.steps} == {"shoe": 2, "wide": 1, "ready": 1}
    assert plan.lints == ()


async def test_a_fault_of_a_condition_is_told_though_another_branch_was_skipped(
    script: Script, tmp_path: Path
) -> None:
    text = ROUTER.replace("when: image.alpha", "when: shoe.width > 0 and weight > 3")
    table = table_of(tmp_path, "a,wide.png,shoes,", header="id,image,category,weight")
    ran = await start(table, write_template(tmp_path, text))
    assert ran.states == {"a": "failed"}
    assert "cannot be worked out with shoe.width=4, weight=None" in ran.results["a"]["reason"]


@pytest.mark.parametrize("fact", ["alpha", "kind"])
async def test_facts_flow_into_texts(fact: str, script: Script, tmp_path: Path) -> None:
    text = ROUTER.replace(
        "outputs:",
        f'  said: {{model: flux-2-pro, with: {{prompt: "it is ${{image.{fact}}}"}}}}\noutputs:',
    )
    template = write_template(tmp_path, text.replace("first: [$shoe", "first: [$said, $shoe"))
    ran = await start(table_of(tmp_path, "a,clear.png,shoes"), template)
    assert ran.states == {"a": "done"}
    assert script.endpoints() == {FLUX: 1}


NEVER = ROUTER.replace('category == "shoes" and', 'category == "shoos" and')


async def test_a_condition_that_is_true_of_no_row_is_warned_of(
    script: Script, tmp_path: Path
) -> None:
    table = table_of(tmp_path, "a,wide.png,shoes", "b,wide.png,bags", "c,clear.png,shoes")
    plan = await plan_of(write_template(tmp_path, NEVER), table)
    (lint,) = plan.lints
    assert str(lint) == (
        "MF011 step 'shoe': `when: category == \"shoos\" and not image.alpha` is never true over "
        "these 3 rows (category there: bags, shoes) (silence: [MF011])"
    )


async def test_it_is_silenced_by_its_code_and_refused_under_strict(
    script: Script, tmp_path: Path
) -> None:
    table = table_of(tmp_path, "a,wide.png,shoes", "b,wide.png,bags", "c,clear.png,shoes")
    with pytest.raises(
        RequestError, match=r"--strict: MF011 step 'shoe': .* never true over these"
    ):
        await plan_of(write_template(tmp_path, NEVER), table, strict=True)
    silent = NEVER.replace("  wide:", "    silence: [MF011]\n  wide:")
    plan = await plan_of(write_template(tmp_path, silent), table, strict=True)
    assert plan.lints == ()


@pytest.mark.parametrize(
    ("lines", "options"),
    [
        (("a,wide.png,shoes",), {}),  # one row says nothing of a condition
        (("a,wide.png,", "b,tall.png,"), {"set": {"category": "bags"}}),  # chosen for all rows
        (("a,wide.png,shoes", "b,clear.png,bags", "c,wide.png,bags"), {}),
    ],
)
async def test_what_is_chosen_or_true_of_some_row_is_not_warned_of(
    lines: tuple[str, ...], options: dict[str, object], script: Script, tmp_path: Path
) -> None:
    text = ROUTER.replace(" and not image.alpha", "")
    text = text.replace("when: image.alpha", 'when: category == "none" or image.width > 0')
    plan = await plan_of(write_template(tmp_path, text), table_of(tmp_path, *lines), **options)
    assert plan.lints == ()


async def test_what_a_step_decides_is_not_known_before_it_has_run(
    script: Script, tmp_path: Path
) -> None:
    text = ROUTER.replace("when: image.alpha", "when: shoe.alpha and shoe.width > 99999")
    table = table_of(tmp_path, "a,wide.png,shoes", "b,wide.png,bags")
    assert (await plan_of(write_template(tmp_path, text), table)).lints == ()
