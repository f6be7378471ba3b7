"""The plan: everything checked, priced and timed, and nothing written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import files_below


def test_a_local_plan_is_free_and_writes_nothing(mediaflows, products, tmp_path):
    before = files_below(tmp_path)
    ran = mediaflows("plan", "product-photo", products, "--local")
    assert (ran.code, ran.err) == (0, "")
    line, header, *steps = ran.out.splitlines()
    assert line.startswith("product-photo: 3 rows x 2 steps · 6 calls to make · $0.00 · about ")
    assert header.split() == ["step", "model", "calls", "known", "price", "seconds"]
    assert [step.split()[:5] for step in steps] == [
        ["photo", "flux-2-pro@local", "3", "0", "$0.00"],
        ["cutout", "birefnet@local", "3", "0", "$0.00"],
    ]
    assert files_below(tmp_path) == before


def test_a_plan_as_json_is_one_document_with_amounts_as_text(mediaflows, products):
    ran = mediaflows("plan", "product-photo", products, "--local", "--json")
    plan = json.loads(ran.out)
    assert ran.err == ""
    assert (plan["rows"], plan["calls"], plan["reused"], plan["invalid"]) == (3, 6, 0, 0)
    assert plan["expected_usd"] == "0"
    assert [step["step"] for step in plan["steps"]] == ["photo", "cutout"]
    assert plan["faults"] == []


def test_a_plan_is_written_where_asked_and_is_the_same_document(mediaflows, products):
    ran = mediaflows("plan", "product-photo", products, "--local", "--json", "-o", "plan.json")
    assert json.loads(Path("plan.json").read_text(encoding="utf-8")) == json.loads(ran.out)


@pytest.mark.usefixtures("script")
def test_a_paid_plan_names_its_price_and_what_has_none(mediaflows, products):
    ran = mediaflows("plan", "product-photo", products, "--provider", "fal")
    assert ran.code == 0
    assert "$0.09 + 3 unpriced" in ran.out or ("$0.09" in ran.out and "unpriced" in ran.out)


def test_columns_that_are_not_used_are_named(mediaflows):
    Path("t.csv").write_text("sku,prompt,category\nA,a mug,kitchen\n", encoding="utf-8")
    out = mediaflows("plan", "product-photo", "t.csv", "--local").out
    assert "carried through, not used: category" in out


def test_a_mapped_column_and_a_setting_are_bound(mediaflows):
    Path("t.csv").write_text("sku,text\nA,a mug\n", encoding="utf-8")
    words = ("plan", "product-photo", "t.csv", "--local", "--map", "prompt=text")
    ran = mediaflows(*words, "--set", "aspect=16:9")
    assert ran.code == 0
    assert "1 row x 2 steps" in ran.out


def test_a_byte_order_mark_and_semicolons_are_read(mediaflows):
    Path("t.csv").write_bytes(b"\xef\xbb\xbfsku;prompt\r\nA;a mug\r\n")
    assert mediaflows("plan", "product-photo", "t.csv", "--local").code == 0


def test_faulty_rows_are_all_listed_and_the_plan_exits_with_2(mediaflows, tmp_path):
    Path("t.csv").write_text("sku,prompt,aspect\nA,a mug,1:1\nB,,1:1\nC,,7:3\n", encoding="utf-8")
    before = files_below(tmp_path)
    ran = mediaflows("plan", "product-photo", "t.csv", "--local")
    assert ran.code == 2
    *faults, last = ran.err.splitlines()
    assert [fault.strip().split(": ")[:2] for fault in faults] == [
        ["row B", "prompt"],
        ["row C", "prompt"],
        ["row C", "aspect"],
    ]
    assert last == "2 of 3 rows have faults and will not run"
    assert "1 calls" in ran.out or "2 calls" in ran.out
    assert files_below(tmp_path) == before


def test_an_image_that_is_missing_or_no_image_is_a_fault_of_its_row(mediaflows):
    Path("text.png").write_text("no picture", encoding="utf-8")
    Path("t.csv").write_text("id,image\na,nowhere.png\nb,text.png\n", encoding="utf-8")
    ran = mediaflows("plan", "cut-out", "t.csv", "--local")
    assert ran.code == 2
    first, second, last = ran.err.splitlines()
    assert "row a: image" in first and "nowhere.png" in first
    assert "row b: image" in second and "text.png" in second
    assert last == "2 of 2 rows have faults and will not run"


def test_faults_are_in_the_json_plan_too(mediaflows):
    Path("t.csv").write_text("sku,prompt,aspect\nA,a mug,7:3\nB,a mug,1:1\n", encoding="utf-8")
    ran = mediaflows("plan", "product-photo", "t.csv", "--local", "--json")
    assert ran.code == 2
    plan = json.loads(ran.out)
    assert plan["invalid"] == 1
    assert [(fault["row_id"], fault["column"]) for fault in plan["faults"]] == [("A", "aspect")]


def test_a_plan_asks_no_url_and_says_how_many_files_it_has_not_seen(
    mediaflows, monkeypatch, tmp_path
):
    def nothing(*args, **kwargs):
        raise AssertionError("a plan opens no socket")

    monkeypatch.setattr("socket.socket.connect", nothing)
    monkeypatch.setattr("socket.getaddrinfo", nothing)
    urls = [f"https://cdn.example.com/{n}.png?sig=secret" for n in range(3)]
    Path("t.csv").write_text("id,image\n" + "".join(f"{n},{u}\n" for n, u in enumerate(urls)))
    ran = mediaflows("plan", "cut-out", "t.csv", "--local")
    assert (ran.code, ran.err) == (0, "")
    assert (
        "3 files at https addresses are not checked: they are fetched when their row starts"
        in ran.out.splitlines()
    )
    plan = json.loads(mediaflows("plan", "cut-out", "t.csv", "--local", "--json").out)
    assert (plan["unfetched"], plan["calls"], plan["invalid"]) == (3, 3, 0)
    Path("t.csv").write_text(f"id,image\n1,{urls[0]}\n")
    out = mediaflows("plan", "cut-out", "t.csv", "--local").out
    assert "1 file at an https address is not checked: it is fetched when its row starts" in out


def test_a_url_that_is_not_asked_is_a_fault_of_its_row(mediaflows):
    Path("t.csv").write_text("id,image\n1,http://example.com/a.png?sig=secret\n")
    ran = mediaflows("plan", "cut-out", "t.csv", "--local")
    assert ran.code == 2
    assert "row 1: image: 'http://example.com/a.png' is not https. Give its https" in ran.err
    assert "secret" not in ran.err + ran.out
