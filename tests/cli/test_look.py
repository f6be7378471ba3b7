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


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"name: [", "mine.yaml:1: not valid YAML"),
        (b"name: caf\xe9", "mine.yaml: not UTF-8 at byte 9"),
        (MINE.replace("prompt: $prompt", "prompt: $promt").encode(), "Did you mean 'prompt'?"),
        (MINE.replace("name: mine", "name: yours").encode(), "is yours.yaml; rename"),
        (None, "cannot be read"),
    ],
)
def test_a_broken_file_of_one_s_own_is_one_line_of_the_list(mediaflows, content, problem):
    Path("templates").mkdir()
    path = Path("templates/mine.yaml")
    path.mkdir() if content is None else path.write_bytes(content)
    ran = mediaflows("templates")
    assert (ran.code, ran.err) == (0, "")
    (line,) = [line for line in ran.out.splitlines() if line.startswith("mine ")]
    assert "cannot be run" in line
    assert {"cut-out", "product-photo"} <= {line.split()[0] for line in ran.out.splitlines()}
    entry = next(x for x in json.loads(mediaflows("templates", "--json").out) if x["from"] == "own")
    assert problem in entry["problem"]


def test_the_list_says_whose_a_template_is_and_what_it_hides(mediaflows):
    Path("templates").mkdir()
    own = MINE.replace("name: mine", "name: cut-out")
    Path("templates/cut-out.yaml").write_text(own, encoding="utf-8")
    Path("templates/.cut-out.yaml").write_text("an editor's copy", encoding="utf-8")
    lines = {line.split()[0]: line for line in mediaflows("templates").out.splitlines()}
    assert "templates/cut-out.yaml (hides ours)" in lines["cut-out"]
    assert " ours " in lines["product-photo"]
    found = {each["name"]: each for each in json.loads(mediaflows("templates", "--json").out)}
    assert (found["cut-out"]["from"], found["cut-out"]["hides_ours"]) == ("own", True)
    assert (found["product-photo"]["from"], found["product-photo"]["hides_ours"]) == ("ours", False)
    assert "prompt" in mediaflows("templates", "show", "cut-out").out


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


def test_templates_show_tells_every_edge_with_its_type_for_a_path_too(mediaflows):
    Path("mine.yaml").write_text(MINE, encoding="utf-8")
    for name in ("mine.yaml", "./mine.yaml"):
        lines = mediaflows("templates", "show", name).out.splitlines()
        assert "$prompt  photo.prompt  text" in lines


def test_templates_show_draws_the_graph_as_mermaid_alone(mediaflows):
    out = mediaflows("templates", "show", "product-photo", "--mermaid").out
    assert out.splitlines()[0] == "flowchart LR"
    assert 'step_photo -->|"image"| step_cutout' in out


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
    assert mediaflows("templates", "check", "mine.yaml").out == "mine: 1 input, 1 step: no faults\n"
    ran = mediaflows("templates", "check", "mine.yaml", "--rows", products)
    words = "mine: 1 input, 1 step, 3 rows: no faults · 3 calls, live $0.09\n"
    assert (ran.code, ran.out) == (0, words)


def test_templates_check_lists_every_fault_of_the_table(mediaflows):
    Path("bad.csv").write_text("id,prompt,aspect\na,,1:1\nb,a mug,7:3\n", encoding="utf-8")
    ran = mediaflows("templates", "check", "product-photo", "--rows", "bad.csv")
    assert ran.code == 2
    starts = [line.split(": ")[:2] for line in ran.out.splitlines()]
    assert starts == [["bad.csv:2", "row a"], ["bad.csv:3", "row b"]]
    assert "2 faults" in ran.err


LINTED = MINE.replace("outputs:", "  other: {model: flux-2-pro, with: {prompt: $prompt}}\noutputs:")


def test_templates_check_warns_and_under_strict_refuses_what_is_most_likely_not_meant(mediaflows):
    Path("mine.yaml").write_text(LINTED, encoding="utf-8")
    ran = mediaflows("templates", "check", "mine.yaml")
    assert (ran.code, ran.out) == (0, "mine: 1 input, 2 steps: no faults, 1 warning\n")
    assert ran.err.startswith("warning: mine.yaml:8: step 'other': MF004 it is paid for, and")
    ran = mediaflows("templates", "check", "mine.yaml", "--strict")
    assert (ran.code, ran.err) == (2, "mediaflows: mine.yaml: 1 fault.\n")
    assert ran.out.startswith("mine.yaml:8: step 'other': MF004 ")


def test_templates_check_lists_every_fault_of_the_file_with_its_line(mediaflows):
    text = LINTED.replace("$prompt}", "$promt}")
    Path("mine.yaml").write_text(text, encoding="utf-8")
    ran = mediaflows("templates", "check", "mine.yaml")
    assert (ran.code, ran.err) == (2, "mediaflows: mine.yaml: 2 faults.\n")
    assert [line.split(" ")[0] for line in ran.out.splitlines()] == ["mine.yaml:7:", "mine.yaml:8:"]


def test_templates_check_as_json_is_one_document(mediaflows):
    Path("mine.yaml").write_text(LINTED, encoding="utf-8")
    Path("rows.csv").write_text("id,prompt\na,mug\nb,\n", encoding="utf-8")
    ran = mediaflows("templates", "check", "mine.yaml", "--json")
    found = json.loads(ran.out)
    assert (ran.code, ran.err, found["ok"], found["template"]) == (0, "", True, "mine")
    assert [(one["code"], one["line"]) for one in found["lints"]] == [("MF004", 8)]
    ran = mediaflows("templates", "check", "mine.yaml", "--json", "--rows", "rows.csv")
    found = json.loads(ran.out)
    assert (ran.code, found["ok"]) == (2, False)
    assert [(one["where"], one["line"]) for one in found["faults"]] == [("rows.csv", 3)]
    assert found["plan"]["rows"] == 2
    assert mediaflows("templates", "check", "mine.yaml", "--json", "--strict").code == 2


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
