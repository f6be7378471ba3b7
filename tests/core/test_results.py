"""What a run writes: every input row once, every attempt once, and sums that agree."""

from __future__ import annotations

import csv
import hashlib
import json
from decimal import Decimal
from pathlib import Path

import pytest

from flows.explain import explain_file, explain_step
from flows.options import RunOptions
from flows.prepare import Request, plan_run, prepare
from providers.errors import InputError, RequestError
from tasks.home import find_home
from tasks.ledger import runs
from tasks.store import Store
from tests.core.plain import (
    BIREFNET,
    BRIA,
    FLUX,
    RECRAFT,
    Ran,
    append,
    opened,
    resume,
    start,
    write_table,
    write_template,
)
from tests.scripted import PRICE, Script

TABLE = """\
sku,prompt,aspect,shelf,state
m-1,a red mug,1:1,A1,new
m-2,,1:1,A2,new
m-3,"a vase, tall",4:5,"B, 1",old
m-4,a lamp,7:3,B2,old
m-5,a desk,16:9,,old
"""


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "shop.csv"
    path.write_text(TABLE, encoding="utf-8")
    return path


async def test_every_input_row_stands_in_the_results_in_order_with_all_its_columns(
    script: Script, table: Path
) -> None:
    ran = await start(table)
    given = list(csv.DictReader(TABLE.splitlines()))
    lines = ran.lines("results.csv")
    assert [{name: line[name] for name in given[0]} for line in lines] == given
    assert [line["mediaflows_state"] for line in lines] == [
        "done",
        "invalid",
        "done",
        "invalid",
        "done",
    ]
    assert ran.totals.states == {"done": 3, "invalid": 2}
    assert script.endpoints() == {FLUX: 3, BIREFNET: 3}


async def test_faulty_rows_say_what_is_wrong_and_cost_nothing(script: Script, table: Path) -> None:
    ran = await start(table)
    empty, odd = ran.results["m-2"], ran.results["m-4"]
    assert "prompt" in empty["reason"]
    assert "'7:3'" in odd["reason"]
    for line in (empty, odd):
        assert (line["cost_usd"], line["attempts"], line["photo"]) == ("0", "0", "")


async def test_under_strict_one_faulty_row_refuses_the_table(script: Script, table: Path) -> None:
    with pytest.raises(RequestError, match="2 of 5 rows have faults"):
        await start(table, strict=True)
    assert script.submits == []


async def test_failures_can_be_fed_back_as_they_came(script: Script, table: Path) -> None:
    script.turns = {FLUX: ["refuse"], RECRAFT: ["refuse"]}
    ran = await start(table, jobs=1)
    failures = ran.lines("failures.csv")
    assert [line["sku"] for line in failures] == ["m-1", "m-2", "m-4"]
    assert [line["mediaflows_state"] for line in failures] == ["refused", "invalid", "invalid"]
    assert failures[0]["state"] == "new"
    assert "the vendor refuses" in failures[0]["mediaflows_reason"]
    fed = prepare(Request("product-photo", ran.folder / "failures.csv", RunOptions()))
    assert [row.id for row in fed.rows] == ["m-1", "m-2", "m-4"]


async def test_results_name_files_that_hold_what_the_ledger_says(
    script: Script, products: Path
) -> None:
    ran = await start(products)
    made = {
        (attempt.place.row, attempt.place.step): (attempt.result or {})["image"]["media"]["sha256"]
        for attempt in ran.attempts
    }
    for row, line in ran.results.items():
        for step in ("photo", "cutout"):
            data = (ran.folder / line[step]).read_bytes()
            assert hashlib.sha256(data).hexdigest() == made[row, step]
    assert (ran.folder / "contact.jpg").stat().st_size > 0


async def test_every_attempt_is_one_line_with_its_job_and_its_price(
    script: Script, products: Path
) -> None:
    script.turns = {FLUX: ["fail"], BIREFNET: ["refuse"]}
    ran = await start(products, jobs=1)
    lines = ran.lines("attempts.csv")
    assert len(lines) == len(ran.attempts) == 8
    assert [line["outcome"] for line in lines][:3] == ["failed", "accepted", "refused"]
    assert {line["job"] for line in lines if line["outcome"] in ("accepted", "failed")} == {
        submit["job"] for submit in script.invoice()
    }
    assert {line["amount_usd"] for line in lines if line["outcome"] == "accepted"} == {"0.03"}
    assert all(len(line["key"]) == 64 for line in lines)
    failed = lines[0]
    assert (failed["error_class"], failed["error"]) == (
        "JobFailedError",
        "the job failed at the vendor",
    )


def sums(ran: Ran) -> list[Decimal]:
    by_row = sum(Decimal(line["cost_usd"]) for line in ran.results.values())
    by_attempt = sum(Decimal(line["amount_usd"] or 0) for line in ran.lines("attempts.csv"))
    by_model = sum(Decimal(line["cost_usd"]) for line in ran.summary)
    return [Decimal(by_row), Decimal(by_attempt), Decimal(by_model), ran.totals.cost_usd]


async def test_sums_by_row_attempt_step_and_model_agree_with_the_vendors_invoice(
    script: Script, tmp_path: Path
) -> None:
    script.turns = {FLUX: ["ok", "fail", "refuse"], BIREFNET: ["ok", "ok", "refuse"]}
    table = tmp_path / "table.csv"
    prompts = ["a mug", "a vase", "a mug", "a lamp", "a desk", ""]
    lines = [f"p{number},{prompt}" for number, prompt in enumerate(prompts)]
    table.write_text("\n".join(["id,prompt", *lines]) + "\n", encoding="utf-8")
    ran = await start(table, jobs=2)
    delivered = sum(script.endpoints().values()) - 1  # the failed job is not billed
    assert set(sums(ran)) == {delivered * PRICE}
    assert sum(line["calls"] for line in ran.summary) == len(ran.attempts) == ran.totals.calls
    assert sum(line["reused"] for line in ran.summary) == ran.totals.reused == 2
    again = await start(table, jobs=2)
    assert set(sums(again)) == {Decimal(0)}
    assert again.totals.reused == sum(int(line["reused"]) for line in again.results.values()) == 10


async def test_the_summary_has_one_line_for_each_step_and_model(
    script: Script, products: Path
) -> None:
    script.turns = {FLUX: ["refuse"]}
    ran = await start(products, jobs=1)
    found = {(line["step"], line["model"]): line for line in ran.summary}
    assert set(found) == {
        ("photo", "flux-2-pro@fal"),
        ("photo", "recraft-v4@fal"),
        ("cutout", "birefnet@fal"),
    }
    flux = found["photo", "flux-2-pro@fal"]
    assert (flux["calls"], flux["ok"], flux["failed"], flux["cost_usd"]) == (3, 2, 1, "0.06")


async def test_a_run_folder_is_whole_and_says_what_it_was(script: Script, products: Path) -> None:
    ran = await start(products, jobs=3)
    facts = json.loads((ran.folder / "run.json").read_text(encoding="utf-8"))
    assert (facts["run"], facts["template"], facts["options"]["jobs"]) == (
        ran.run,
        "product-photo",
        3,
    )
    assert facts["totals"] == ran.totals.to_json()
    assert [line["prompt"] for line in ran.lines("inputs.csv")] == [
        "a red mug",
        "a tall vase",
        "a desk lamp",
    ]
    plan = json.loads((ran.folder / "plan.json").read_text(encoding="utf-8"))
    assert (plan["calls"], plan["reused"]) == (6, 0)
    assert [path.name for path in ran.folder.rglob("*.part")] == []


async def test_a_resume_reads_the_frozen_template_and_table(
    script: Script, products: Path, tmp_path: Path, short_deadlines: None
) -> None:
    text = (
        "name: frozen\nversion: 1\nabout: A photograph.\n"
        "inputs:\n  prompt: {type: text}\n"
        "steps:\n  photo: {model: flux-2-pro, with: {prompt: $prompt}}\n"
        "outputs: {photo: $photo}\n"
    )
    template = write_template(tmp_path, text)
    script.turns = {FLUX: ["stuck"]}
    first = await start(products, template, jobs=1)
    assert first.states["mug"] == "parked"
    template.write_text("no template any more", encoding="utf-8")
    write_table(products, {"other": "another"})
    for job in script.jobs.values():
        job["turn"] = "ok"
    again = await resume(first.run)
    assert again.states == {"mug": "done", "vase": "done", "lamp": "done"}
    assert script.endpoints() == {FLUX: 3}


async def test_a_paid_result_whose_bytes_are_gone_is_fetched_again_and_not_paid_anew(
    script: Script, one: Path
) -> None:
    first = await start(one)
    stored(first, "photo").unlink()
    script.submits.clear()
    again = await start(one)
    assert again.states == {"mug": "done"}
    assert stored(first, "photo").exists()
    assert script.submits == []


async def test_a_paid_result_that_is_gone_at_the_vendor_too_is_lost_and_parks_its_row_and_no_other(
    script: Script, two: Path
) -> None:
    first = await start(two)
    stored(first, "photo").unlink()
    script.submits.clear()
    script.has_forgotten = True
    for _ in range(2):
        again = await start(two)
        assert again.states == {"mug": "parked", "vase": "done"}
        assert "was paid for and is lost" in again.results["mug"]["reason"]
    assert script.submits == []


async def test_a_lost_result_is_paid_anew_only_where_that_is_asked_for(
    script: Script, one: Path
) -> None:
    first = await start(one)
    stored(first, "photo").unlink()
    script.has_forgotten = True
    assert (await start(one)).states == {"mug": "parked"}
    script.has_forgotten = False
    again = await start(one, on_lost="resubmit")
    assert again.states == {"mug": "done"}
    assert script.endpoints() == {FLUX: 2, BIREFNET: 1}


async def test_a_result_whose_bytes_were_damaged_is_set_aside_and_fetched_again(
    script: Script, two: Path
) -> None:
    first = await start(two)
    stored(first, "photo", "mug").write_bytes(b"damaged")
    script.submits.clear()
    again = await start(two)
    assert again.states == {"mug": "done", "vase": "done"}
    assert stored(first, "photo", "mug").with_suffix(".damaged").exists()
    assert script.submits == []


async def test_damaged_bytes_between_two_steps_are_never_sent_to_the_next_model(
    script: Script, two: Path, tmp_path: Path
) -> None:
    text = (
        "name: photo-alone\nversion: 1\nabout: A photograph.\n"
        "inputs:\n  prompt: {type: text}\n"
        "steps:\n  photo: {model: flux-2-pro, with: {prompt: $prompt}}\n"
        "outputs: {photo: $photo}\n"
    )
    first = await start(two, write_template(tmp_path, text))
    stored(first, "photo", "mug").write_bytes(b"damaged")
    ran = await start(two)
    assert ran.states == {"mug": "done", "vase": "done"}
    assert script.endpoints() == {FLUX: 2, BIREFNET: 2}
    script.has_forgotten = True
    stored(first, "photo", "vase").write_bytes(b"damaged")
    third = await start(two, use={"cutout": "bria-rmbg-2"})
    assert third.states == {"mug": "parked", "vase": "parked"}  # mug's own job is not known, too
    assert script.endpoints() == {FLUX: 2, BIREFNET: 2, BRIA: 1}


async def test_a_local_result_whose_bytes_are_gone_is_made_again(
    script: Script, one: Path, tmp_path: Path
) -> None:
    text = (
        "name: smaller\nversion: 1\nabout: A photograph, smaller.\n"
        "inputs:\n  prompt: {type: text}\n"
        "steps:\n"
        "  photo: {model: flux-2-pro, with: {prompt: $prompt}}\n"
        "  small: {model: resize, with: {image: $photo, width: 2}}\n"
        "outputs: {small: $small}\n"
    )
    template = write_template(tmp_path, text)
    first = await start(one, template)
    stored(first, "small").unlink()
    script.submits.clear()
    again = await start(one, template)
    assert again.states == {"mug": "done"}
    assert again.outcomes() == {"accepted": 1}
    assert script.submits == []
    assert stored(first, "small").exists()


def stored(ran: Ran, step: str, row: str = "mug") -> Path:
    places = {(attempt.place.row, attempt.place.step): attempt for attempt in ran.attempts}
    attempt = places[row, step]
    sha256 = (attempt.result or {})["image"]["media"]["sha256"]
    return ran.folder.parents[2] / "home" / "store" / sha256[:2] / sha256


async def test_explain_says_which_request_a_result_was_and_what_was_tried(
    script: Script, one: Path
) -> None:
    script.turns = {FLUX: ["fail", "refuse"]}
    first = await start(one)
    again = await start(one)
    ledger = opened()
    try:
        own = explain_step(ledger, ledger.do_now(runs.one, first.run), "mug", "photo")
        taken = explain_step(ledger, ledger.do_now(runs.one, again.run), "mug", "photo")
        file = explain_file(ledger, first.folder / "outputs" / "mug" / "photo.png")
        with pytest.raises(RequestError, match="has no row 'mgu'"):
            explain_step(ledger, ledger.do_now(runs.one, first.run), "mgu", "photo")
        with pytest.raises(RequestError, match="has nothing at step 'phto'"):
            explain_step(ledger, ledger.do_now(runs.one, first.run), "mug", "phto")
        with pytest.raises(InputError, match="no result in the ledger has these bytes"):
            explain_file(ledger, first.folder / "run.json")
    finally:
        ledger.close()
    assert own[0] == "mug · photo: made by this row"
    assert "    inputs.prompt = a red mug" in own
    assert "    model = recraft-v4" in own
    tried = own[own.index("attempts of this row:") + 1 :]
    assert [line.split(",")[0].strip() for line in tried] == [
        "flux-2-pro@fal failed",
        "flux-2-pro@fal refused",
        "recraft-v4@fal accepted",
    ]
    assert taken[0].startswith(f"mug · photo: reused, $0.00: made by run {first.run}, row mug")
    assert "attempts of this row:" not in taken
    assert f"made by run {first.run}, row mug, step photo" in file[0]


async def test_the_plan_knows_what_the_ledger_has(script: Script, products: Path) -> None:
    await start(products)
    append(products, "desk,a desk,1:1")
    script.submits.clear()
    ledger = opened()
    try:
        prepared = prepare(Request("product-photo", products, RunOptions()))
        plan, _ = await plan_run(prepared, ledger, Store(find_home().store))
    finally:
        ledger.close()
    assert (plan.calls, plan.reused) == (2, 6)
    assert plan.expected == ">= $0.03, 1 unpriced"
    assert script.submits == []
