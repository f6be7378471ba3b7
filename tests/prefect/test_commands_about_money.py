"""--max-cost, retry, cancel, ledger and reconcile, as a person types them."""

from __future__ import annotations

import json

import pytest

from tasks.ledger import runs
from tests.command import results
from tests.core.plain import as_killed, opened

PHOTO, OTHER_PHOTO = "fal-ai/flux-2-pro", "fal-ai/recraft/v4/text-to-image"
WORDS = ("--provider", "fal", "--use", "cutout=birefnet", "--yes")


def test_a_budget_alone_is_exit_4_and_a_higher_one_goes_on(mediaflows, script, products, folder):
    capped = ("--max-cost", "$0.10", "--allow-unpriced")
    ran = mediaflows("batch", "product-photo", products, *WORDS, *capped, "-j", "1")
    assert ran.code == 4
    assert "not admitted" in results(folder()).values()
    assert "rows not admitted: the cap of $0.10 has no room" in ran.err
    assert f"mediaflows resume {folder().name.rpartition('_')[2]} --max-cost USD" in ran.err

    resumed = mediaflows("resume", "latest", "--max-cost", "5")
    assert resumed.code == 0
    assert results(folder()) == {"mug": "done", "vase": "done", "lamp": "done"}
    assert "to go · " in resumed.err
    assert len(script.invoice()) == 6


def test_a_cap_with_an_unpriced_model_is_refused_before_anything(mediaflows, script, products):
    ran = mediaflows("batch", "product-photo", products, *WORDS, "--max-cost", "5")
    assert ran.code == 2
    assert ran.line.startswith("mediaflows: step 'cutout': no price is known of birefnet@fal, ")
    assert script.invoice() == []


@pytest.mark.parametrize("amount", ["-1", "lots", "NaN"])
def test_an_amount_is_an_amount(mediaflows, script, products, amount):
    ran = mediaflows("batch", "product-photo", products, *WORDS, "--max-cost", amount)
    assert ran.code == 2
    assert "Invalid value for '--max-cost'" in ran.err


def test_failed_rows_are_tried_anew_on_request(mediaflows, script, products, folder):
    script.turns[PHOTO], script.turns[OTHER_PHOTO] = ["refuse"], ["refuse"]
    ran = mediaflows("batch", "product-photo", products, *WORDS, "-j", "1")
    assert (ran.code, results(folder())["mug"]) == (3, "refused")
    again = mediaflows("retry", "latest", "--only", "refused", "--yes")
    assert again.code == 0
    assert "1 row to go · 2 calls to make" in again.err
    assert results(folder()) == {"mug": "done", "vase": "done", "lamp": "done"}
    none = mediaflows("retry", "latest", "--only", "parked", "--yes")
    assert none.code == 2
    assert "has no row that is parked." in none.err


def test_what_was_cut_off_is_settled_by_a_person(mediaflows, script, products, folder):
    script.turns[PHOTO] = ["lost"]
    assert mediaflows("batch", "product-photo", products, *WORDS, "-j", "1").code == 3
    assert "1 submits whose answer was lost are held, $0.00 to $0.03" in mediaflows("ledger").out
    shown = mediaflows("ledger", "latest")
    assert "uncertain" in shown.out
    assert json.loads(mediaflows("ledger", "latest", "--json").out)["high_usd"] == "$0.15"
    told = mediaflows("ledger", "reconcile")
    assert "1 are held: nobody can tell whether they were accepted" in told.err
    told = mediaflows("ledger", "reconcile", "latest", "--assume", "billed")
    assert "1 attempts in doubt ($0.00 to $0.03) are settled as billed" in told.err
    resumed = mediaflows("resume", "latest")
    assert resumed.code == 0
    assert results(folder())["mug"] == "done"


def test_a_dead_run_is_cancelled_from_outside(mediaflows, script, products, folder):
    assert mediaflows("batch", "product-photo", products, *WORDS).code == 0
    run = folder().name.rpartition("_")[2]
    ended = mediaflows("cancel", "latest")
    assert ended.code == 2
    assert "has ended; nothing of it is being sent." in ended.line
    as_killed(run)
    ledger = opened()
    try:
        ledger.do_now(runs.begin, run, owner="nobody", flow_run_id=None)
    finally:
        ledger.close()
    stopped = mediaflows("cancel", "latest")
    assert stopped.code == 5
    assert "no process works on it" in stopped.err
    assert "nothing of it runs at a vendor any more" in stopped.err
    assert set(results(folder()).values()) == {"cancelled"}
    assert mediaflows("resume", "latest").code == 0
    assert len(script.invoice()) == 6


def test_a_fresh_step_is_paid_anew(mediaflows, script, products):
    assert mediaflows("batch", "product-photo", products, *WORDS).code == 0
    again = mediaflows("batch", "product-photo", products, *WORDS, "--fresh", "cutout")
    assert again.code == 0
    assert script.endpoints() == {PHOTO: 3, "fal-ai/birefnet/v2": 6}
    wrong = mediaflows("batch", "product-photo", products, *WORDS, "--fresh", "cut")
    assert (wrong.code, "Did you mean" in wrong.err or "Known:" in wrong.err) == (2, True)
