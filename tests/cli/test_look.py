"""Commands that show what there is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from providers.catalog import all_models

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
    assert names == ["cut-out", "mine", "product-photo"]


def test_templates_show_tells_inputs_steps_and_outputs(mediaflows):
    ran = mediaflows("templates", "show", "product-photo")
    assert ran.code == 0
    for word in ("prompt", "required", "1:1 | 4:5 | 16:9", "flux-2-pro", "recraft-v4", "birefnet"):
        assert word in ran.out
    assert ran.out.splitlines()[-1] == "outputs: photo, cutout"


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


def test_models_lists_every_model_of_the_catalog(mediaflows):
    ran = mediaflows("models")
    assert ran.code == 0
    listed = [line.split()[0] for line in ran.out.splitlines()[1:]]
    assert listed == [model.model for model in all_models()]


def test_models_of_one_kind_are_of_that_kind(mediaflows):
    found = json.loads(mediaflows("models", "--kind", "remove-background", "--json").out)
    assert {model["kind"] for model in found} == {"remove-background"}
    assert "birefnet" in [model["model"] for model in found]


def test_models_show_tells_the_source_of_every_price(mediaflows):
    out = mediaflows("models", "show", "flux-2-pro").out
    for binding in next(m for m in all_models() if m.model == "flux-2-pro").bindings:
        assert binding.endpoint in out
        assert binding.source in out
        if binding.price:
            assert binding.price.source in out


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
