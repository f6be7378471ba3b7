"""run, batch and resume from end to end, over a scripted vendor that is paid."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

from tests.command import results
from tests.scripted import picture

PHOTO, OTHER_PHOTO = "fal-ai/flux-2-pro", "fal-ai/recraft/v4/text-to-image"
PAID = ("--provider", "fal")
FAILED = ["fail"] * 3


def test_a_batch_says_its_plan_first_and_where_its_results_are_last(
    mediaflows, script, products, folder
):
    ran = mediaflows("batch", "product-photo", products, *PAID, "--yes")
    assert ran.code == 0
    ledger, plan, server, run, *_ = ran.err.splitlines()
    assert ledger.endswith("home/ledger.db: 0 results known")
    assert plan.startswith("product-photo: 3 rows x 2 steps · 6 calls to make · ")
    assert server.startswith("Prefect server http://127.0.0.1:")
    assert run.startswith(f"run {folder().name.rpartition('_')[2]} in ")
    *_, totals, csv_file, contact = ran.out.splitlines()
    assert totals.startswith("3 rows: 3 done · 6 attempts, 0 reused, ")
    assert (csv_file, contact) == (f"{folder()}/results.csv", f"{folder()}/contact.jpg")
    assert results(folder()) == {"mug": "done", "vase": "done", "lamp": "done"}


def test_standard_output_is_one_document_under_json(mediaflows, script, products, folder):
    ran = mediaflows("batch", "product-photo", products, *PAID, "--yes", "--json")
    found = json.loads(ran.out)
    assert found["folder"] == str(folder())
    assert (found["rows"], found["states"], found["attempts"]) == (3, {"done": 3}, 6)
    shown = mediaflows("report", found["run"][:4], "--json")
    told = json.loads(shown.out)
    assert (shown.code, told["states"], told["cost_usd"]) == (0, found["states"], found["cost_usd"])


def test_a_pilot_without_a_terminal_stops_after_its_rows(mediaflows, script, products, folder):
    ran = mediaflows("batch", "product-photo", products, *PAID, "-n", "1")
    assert ran.code == 3
    assert "Pilot done: $0.06, 1 of 1, see contact.jpg. Go on with 2 rows for about " in ran.err
    assert "No terminal to ask at: no. Add --yes to go on." in ran.err
    assert results(folder()) == {"mug": "done", "vase": "not admitted", "lamp": "not admitted"}
    assert len(script.invoice()) == 2

    resumed = mediaflows("resume", "latest")
    assert resumed.code == 0
    assert results(folder()) == {"mug": "done", "vase": "done", "lamp": "done"}
    assert len(script.invoice()) == 6


def test_a_pilot_goes_on_with_yes_and_pays_for_no_row_twice(mediaflows, script, products, folder):
    ran = mediaflows("batch", "product-photo", products, *PAID, "-n", "1", "--yes")
    assert ran.code == 0
    assert results(folder()) == {"mug": "done", "vase": "done", "lamp": "done"}
    assert len(script.invoice()) == 6


def test_a_pilot_of_which_nothing_came_stops_even_with_yes(mediaflows, script, products, folder):
    script.turns[PHOTO] = script.turns[OTHER_PHOTO] = ["refuse"] * 9
    ran = mediaflows("batch", "product-photo", products, *PAID, "-n", "1", "--yes")
    assert ran.code == 3
    assert "Nothing came of it: stopping." in ran.err
    assert results(folder()) == {"mug": "refused", "vase": "not admitted", "lamp": "not admitted"}


def test_a_failed_row_is_exit_3_and_only_a_new_batch_tries_it_again(
    mediaflows, script, products, folder
):
    script.turns["fal-ai/birefnet/v2"] = ["ok", "ok", *FAILED]
    script.turns["fal-ai/bria/background/remove"] = FAILED[:1]
    ran = mediaflows("batch", "product-photo", products, *PAID, "--yes", "-j", "1")
    assert ran.code == 3
    assert results(folder()) == {"mug": "done", "vase": "done", "lamp": "failed"}
    failures = (folder() / "failures.csv").read_text(encoding="utf-8").splitlines()
    assert failures[1].startswith("lamp,a desk lamp,16:9,failed,cutout: ")
    before = script.endpoints()

    script.turns.clear()
    shown = mediaflows("report", "latest")
    assert "lamp  failed" in shown.out
    resumed = mediaflows("resume", folder())
    # The budget of a step is the run's, and it is spent: what failed is not sent again by itself.
    assert resumed.code == 3
    assert "tried before; not sent again" in (folder() / "results.csv").read_text(encoding="utf-8")
    assert script.endpoints() == before

    again = mediaflows("batch", "product-photo", products, *PAID, "--yes")
    assert again.code == 0
    assert script.endpoints()[PHOTO] == before[PHOTO] == 3


def test_enough_rows_are_success_when_that_was_said(mediaflows, script, products):
    script.turns[PHOTO] = script.turns[OTHER_PHOTO] = ["refuse"]
    words = ("batch", "product-photo", products, *PAID, "--yes", "-j", "1")
    assert mediaflows(*words, "--min-success", "0.6").code == 0


def test_faulty_rows_are_said_and_left_out(mediaflows, script, tmp_path, folder):
    table = tmp_path / "rows.csv"
    table.write_text("id,prompt\nmug,a mug\nnone,\n", encoding="utf-8")
    ran = mediaflows("batch", "product-photo", table, *PAID, "--yes")
    assert ran.code == 3
    assert "1 of 2 rows have faults and will not run" in ran.err
    assert results(folder()) == {"mug": "done", "none": "invalid"}


def test_one_run_of_a_template_says_what_it_made_and_explains_it(mediaflows, quick_work, folder):
    words = ("run", "product-photo", "--local", "--set", "prompt=a red mug", "--yes")
    ran = mediaflows(*words)
    assert ran.code == 0
    assert "1 row: 1 done · 2 attempts, 0 reused, $0.00" in ran.out
    cutout = folder() / "outputs" / "1" / "cutout.png"
    told = mediaflows("explain", cutout)
    assert told.code == 0
    assert "row 1, step cutout" in told.out
    assert "birefnet@local accepted, $0.00" in told.out
    step = mediaflows("explain", "latest", "1", "photo")
    assert "parameters.aspect_ratio = 1:1" in step.out
    assert mediaflows(*words).code == 0
    assert sorted(quick_work) == ["cut_out", "draw_photo"]


def test_runs_cannot_go_where_a_file_stands(mediaflows, products):
    Path("file").write_text("mine", encoding="utf-8")
    ran = mediaflows("batch", "product-photo", products, "--local", "--out", "file")
    assert ran.code == 2
    assert ran.err.splitlines()[-1].startswith("mediaflows: ")
    assert "file/product-photo" in ran.err.splitlines()[-1]
    assert Path("file").read_text(encoding="utf-8") == "mine"


class Shop(BaseHTTPRequestHandler):
    """One picture, whatever is asked."""

    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.asked.append(self.path)
        data = picture("shop")
        self.send_response(200)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def test_a_picture_at_a_url_by_setting_and_by_table(mediaflows, quick_work, tmp_path, monkeypatch):
    monkeypatch.setenv("MEDIAFLOWS_LOOPBACK_INPUTS", "1")
    with ThreadingHTTPServer(("127.0.0.1", 0), Shop) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}/a.png?s=1"
        ran = mediaflows("run", "cut-out", "--local", "--set", f"image={url}", "--yes")
        assert ran.code == 0, ran.err
        assert "1 file at an https address is not checked" in ran.err
        table = tmp_path / "rows.csv"
        table.write_text(f"id,image\na,{url}\nb,{url}\n", encoding="utf-8")
        ran = mediaflows("batch", "cut-out", table, "--local", "--yes")
        server.shutdown()
    assert ran.code == 0, ran.err
    assert "2 rows: 2 done · 0 attempts, 2 reused, $0.00" in ran.out
    assert Shop.asked == ["/a.png?s=1"] * 2  # once in each run
