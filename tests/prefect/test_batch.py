"""The batch flow as the Prefect UI shows it, over a scripted vendor."""

from __future__ import annotations

import json
from pathlib import Path

from flows import batch_flow
from tests.seen import plain, states_of

PHOTO, OTHER_PHOTO = "fal-ai/flux-2-pro", "fal-ai/recraft/v4/text-to-image"
CUTOUT, OTHER_CUTOUT = "fal-ai/birefnet/v2", "fal-ai/bria/background/remove"


def rows(tmp_path: Path, *ids: str) -> Path:
    path = tmp_path / "rows.csv"
    lines = [f"{row},a picture of {row}" for row in ids]
    path.write_text("\n".join(["id,prompt", *lines, ""]), encoding="utf-8")
    return path


def test_a_run_is_named_flow_runs_and_a_task_run_per_row_and_request(
    run_batch, script, products, home
):
    done = run_batch("product-photo", products)

    assert done.seen.flow.name == "product-photo · products.csv"
    kind, name, message = done.seen.state
    assert (kind, name) == ("COMPLETED", "Completed")
    assert message.startswith("3 rows: 3 done · 6 attempts, 0 reused, ")

    (shard,) = done.seen.shards
    assert shard.name == "product-photo · rows 1 to 3"
    assert shard.parameters == {"template": "product-photo", "run": done.run, "first": 0, "stop": 3}
    assert done.seen.tasks(done.seen.flow)["rows 1 to 3"].state_name == "Completed"
    assert done.seen.names() == {
        f"{label}{request}": "Completed"
        for label in ("mug · a red mug", "vase · a tall vase", "lamp · a desk lamp")
        for request in ("", " · photo · flux-2-pro@fal", " · cutout · birefnet@fal")
    }

    artifacts = done.seen.artifacts()
    assert set(artifacts) == {f"progress-{done.run}-0", f"summary-{done.run}"}
    progress, summary = artifacts[f"progress-{done.run}-0"], artifacts[f"summary-{done.run}"]
    assert (progress.type, progress.data) == ("progress", 100.0)
    assert str(progress.description).startswith("3/3 rows · 3 done")
    assert [(line["step"], line["model"], line["calls"]) for line in plain(summary.data)] == [
        ("photo", "flux-2-pro@fal", 3),
        ("cutout", "birefnet@fal", 3),
    ]

    # A failed write of a record is only logged by Prefect; so every one of them is looked for.
    for attempt in done.facts.made:
        record = json.loads((home.folder / "prefect" / attempt.key).read_text(encoding="utf-8"))
        assert json.loads(record["result"])["attempt"] == attempt.id
    assert (done.folder / "outputs" / "mug" / "cutout.png").exists()
    assert len(script.invoice()) == 6


def test_a_whole_rerun_is_one_task_run_that_speaks_for_every_row(run_batch, script, products):
    run_batch("product-photo", products)
    again = run_batch("product-photo", products)
    assert again.seen.names() == {"3 rows whole in the ledger: nothing to do": "Completed"}
    assert again.states() == {"mug": "done", "vase": "done", "lamp": "done"}
    assert again.facts.made == []
    assert "0 attempts, 6 reused, $0.00" in again.seen.state[2]
    assert len(script.invoice()) == 6


def test_two_shards_are_two_flow_runs(run_batch, products, quick_work, monkeypatch):
    monkeypatch.setattr(batch_flow, "SHARD_ROWS", 2)
    done = run_batch("product-photo", products, local=True)
    assert [(shard.name, shard.state_name) for shard in done.seen.shards] == [
        ("product-photo · rows 1 to 2", "Completed"),
        ("product-photo · rows 3 to 3", "Completed"),
    ]
    first, second = done.seen.shards
    assert len(done.seen.tasks(first)) == 6
    assert len(done.seen.tasks(second)) == 3
    assert {name for name in done.seen.artifacts() if name.startswith("progress")} == {
        f"progress-{done.run}-0",
        f"progress-{done.run}-2",
    }
    assert done.states() == {"mug": "done", "vase": "done", "lamp": "done"}
    assert sorted(quick_work) == ["cut_out"] * 3 + ["draw_photo"] * 3


def test_a_job_that_fails_is_retried_in_its_task_run_and_the_fallback_has_its_own(
    run_batch, script, tmp_path
):
    script.turns[PHOTO] = ["fail", "fail"]
    done = run_batch("product-photo", rows(tmp_path, "mug"))
    tasks = done.seen.tasks()
    assert done.seen.names() == {
        "mug · a picture of mug": "Completed",
        "mug · a picture of mug · photo · flux-2-pro@fal": "Failed",
        "mug · a picture of mug · photo · recraft-v4@fal": "Completed",
        "mug · a picture of mug · cutout · birefnet@fal": "Completed",
    }
    failed = tasks["mug · a picture of mug · photo · flux-2-pro@fal"]
    assert "AwaitingRetry" in states_of(failed)
    assert failed.run_count == 2
    assert script.endpoints()[PHOTO] == 2
    assert script.endpoints()[OTHER_PHOTO] == 1
    assert done.states() == {"mug": "done"}


def test_a_step_submits_at_most_its_budget_and_the_run_ends_as_incomplete(
    run_batch, script, tmp_path
):
    script.turns[PHOTO] = ["ok"] + ["fail"] * 9
    script.turns[OTHER_PHOTO] = ["fail"] * 9
    done = run_batch("product-photo", rows(tmp_path, "good", "bad"), provider=("fal",), jobs=1)
    assert script.endpoints()[PHOTO] + script.endpoints()[OTHER_PHOTO] == 1 + 3
    assert done.states() == {"good": "done", "bad": "failed"}
    kind, name, message = done.seen.state
    assert (kind, name) == ("FAILED", "Incomplete")
    assert message.startswith("2 rows: 1 done, 1 failed · 5 attempts, 0 reused, ")
    row = done.seen.tasks()["bad · a picture of bad"]
    assert (row.state_type.value, row.state_name) == ("FAILED", "Failed")
    assert str(row.state.message).startswith("failed: photo: the job failed at the vendor")
    # One bad row is no failure of its shard.
    assert [shard.state_name for shard in done.seen.shards] == ["Completed"]


def test_a_refused_row_ends_in_a_state_of_that_name(run_batch, script, tmp_path):
    script.turns[PHOTO] = ["refuse"]
    script.turns[OTHER_PHOTO] = ["refuse"]
    done = run_batch("product-photo", rows(tmp_path, "mug"))
    row = done.seen.tasks()["mug · a picture of mug"]
    assert (row.state_type.value, row.state_name) == ("FAILED", "Refused")
    assert script.invoice() == []


def test_a_failed_row_keeps_the_record_it_paid_for_and_its_rerun_takes_it(
    run_batch, script, tmp_path, home
):
    table = rows(tmp_path, "kept", "gone")
    script.turns[CUTOUT], script.turns[OTHER_CUTOUT] = ["fail"] * 4, ["fail"] * 2
    first = run_batch("product-photo", table)
    assert first.states() == {"kept": "failed", "gone": "failed"}
    photos = {a.place.row: a.key for a in first.facts.made if a.place.step == "photo"}
    # Were a row's commit not eager, its failure would have thrown these away.
    assert all((home.folder / "prefect" / key).exists() for key in photos.values())
    (home.folder / "prefect" / photos["gone"]).unlink()

    again = run_batch("product-photo", table)
    names = again.seen.names()
    assert again.states() == {"kept": "done", "gone": "done"}
    assert names["kept · a picture of kept · photo · flux-2-pro@fal"] == "Cached"
    assert names["gone · a picture of gone · photo · flux-2-pro@fal"] == "Completed"
    assert script.endpoints()[PHOTO] == 2
    assert {attempt.place.step for attempt in again.facts.made} == {"cutout"}


def test_a_wrong_request_ends_as_a_bad_request_and_starts_no_run(home, products):
    state = batch_flow.batch("product-foto", str(products), return_state=True)
    assert (state.type.value, state.name) == ("FAILED", "BadRequest")
    assert state.message == "There is no template 'product-foto'. Did you mean 'product-photo'?"
    assert not home.folder.parent.joinpath("runs").exists()
