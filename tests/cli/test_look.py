"""Commands that show what there is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

MINE = """\
name: mine
version: 1
about: Two pictures of one thing.
inputs:
  prompt: {type: text, about: What to photograph}
steps:
  photo: {model: flux-2-pro, with: {prompt: $prompt}}
outputs: {photo: $photo}
"""


def test_templates_lists_the_shipped_ones_with_what_they_need(mediaflows):
    ran = mediaflows("templates")
    assert (ran.code, ran.err) == (0, "")
    lines = {line.split()[0]: line for line in ran.out.splitlines()}
    assert lines["cut-out"].split()[1] == "image"
    assert lines["product-photo"].split()[1] == "prompt"


def test_templates_lists_a_project_s_own_beside_the_shipped_ones(mediaflows):
    Path("templates").mkdir()
    Path("templates/mine.yaml").write_text(MINE, encoding="utf-8")
    names = [entry["name"] for entry in json.loads(mediaflows("templates", "--json").out)]
    assert names == sorted(names)
    assert {"cut-out", "mine", "product-photo"} <= set(names)


def test_templates_show_tells_inputs_steps_and_outputs(mediaflows):
    ran = mediaflows("templates", "show", "product-photo")
    assert ran.code == 0
    for word in ("prompt", "required", "1:1 | 4:5 | 16:9", "flux-2-pro", "recraft-v4", "birefnet"):
        assert word in ran.out
    assert ran.out.splitlines()[-1] == "outputs: photo, cutout"


def test_templates_tells_what_a_row_costs_and_which_steps_nobody_has_priced(mediaflows):
    lines = {line.split()[0]: line for line in mediaflows("templates").out.splitlines()}
    assert "at least $0.03, 1 step unpriced (cutout)" in lines["product-photo"]
    entry = next(x for x in json.loads(mediaflows("templates", "--json").out) if "cut" in x["name"])
    assert entry["row"] == {
        "expected_usd": "0",
        "low_usd": "0",
        "high_usd": "0",
        "unpriced": ["cutout"],
        "seconds": 5.0,
    }


def test_templates_lists_one_that_cannot_be_run_beside_the_others(mediaflows):
    Path("templates").mkdir()
    gone = MINE.replace("flux-2-pro", "imagen-4")
    Path("templates/mine.yaml").write_text(gone, encoding="utf-8")
    ran = mediaflows("templates")
    assert (ran.code, ran.err) == (0, "")
    assert "cannot be run" in next(x for x in ran.out.splitlines() if x.startswith("mine"))
    assert (
        "cannot be run: step 'photo': no provider offers imagen-4 any more."
        in mediaflows("templates", "show", "mine").out
    )


def test_templates_show_tells_price_and_seconds_of_every_step_and_of_a_row(mediaflows):
    lines = mediaflows("templates", "show", "product-photo").out.splitlines()
    photo, cutout = (line.split() for line in lines if line.startswith(("photo ", "cutout ")))
    assert photo[-3:] == ["$0.03", "(fal)", "12"]
    assert cutout[-3:] == ["unpriced", "(fal)", "5"]
    assert "a usual row, live: at least $0.03, 1 step unpriced (cutout) · about 17 s" in lines


def test_a_price_of_one_s_own_counts_in_templates_too(mediaflows, home):
    home.folder.mkdir()
    own = 'birefnet@fal: {unit: image, usd: "0.01", source: a contract, as_of: "2026"}\n'
    (home.folder / "prices.yaml").write_text(own, encoding="utf-8")
    assert "live: $0.04 · " in mediaflows("templates", "show", "product-photo").out


def test_templates_check_finds_a_good_file_and_its_table_without_faults(mediaflows, products):
    Path("mine.yaml").write_text(MINE, encoding="utf-8")
    assert (
        mediaflows("templates", "check", "mine.yaml").out == "mine: 1 inputs, 1 steps: no faults\n"
    )
    ran = mediaflows("templates", "check", "mine.yaml", "--rows", products)
    assert (ran.code, ran.out) == (0, "mine: 1 inputs, 1 steps, 3 rows: no faults\n")


def test_templates_check_lists_every_fault_of_the_table(mediaflows):
    Path("bad.csv").write_text("id,prompt,aspect\na,,1:1\nb,a mug,7:3\n", encoding="utf-8")
    ran = mediaflows("templates", "check", "product-photo", "--rows", "bad.csv")
    assert ran.code == 2
    assert [line.split(":")[0] for line in ran.out.splitlines()] == ["row a", "row b"]
    assert "2 faults" in ran.err


@pytest.mark.usefixtures("home")
def test_providers_tells_whose_key_is_set_and_never_the_key(mediaflows, monkeypatch):
    monkeypatch.setenv("FAL_KEY", "a-key-nobody-may-see")
    ran = mediaflows("providers")
    assert ran.code == 0
    lines = {line.split()[0]: line for line in ran.out.splitlines()}
    assert "not set" in lines["replicate"]
    assert "not set" not in lines["fal"]
    assert "needs none" in lines["local"]
    assert "a-key-nobody-may-see" not in ran.out + ran.err


def test_a_sandbox_origin_is_a_realm_of_its_own(mediaflows, monkeypatch):
    monkeypatch.setenv("FAL_BASE_URL", "http://127.0.0.1:8899/fal")
    line = next(x for x in mediaflows("providers").out.splitlines() if x.startswith("fal"))
    assert "http://127.0.0.1:8899  " in line


def test_help_of_every_command_can_be_read(mediaflows):
    out = mediaflows("--help").out
    names = [line.split()[0] for line in out.split("Commands:")[1].splitlines() if line.strip()]
    for name in names:
        ran = mediaflows(name, "--help")
        assert ran.code == 0
        assert ran.out.startswith("Usage: mediaflows")
