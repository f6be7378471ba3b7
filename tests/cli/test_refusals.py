"""A bad request is one line with its place and its fix, exit code 2, and nothing is written."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from flows.load import SHIPPED
from providers.registry import PROVIDERS
from tasks.ledger import open_ledger
from tests.cli.conftest import files_below

OURS = (SHIPPED / "product-photo.yaml").read_text(encoding="utf-8")


def template(old: str, new: str) -> str:
    """Write our template with one change, and return its file's name."""
    assert old in OURS
    Path("mine.yaml").write_text(OURS.replace(old, new, 1), encoding="utf-8")
    return "mine.yaml"


def table(content: str | bytes) -> str:
    data = content.encode() if isinstance(content, str) else content
    Path("rows.csv").write_bytes(data)
    return "rows.csv"


def test_an_unknown_template_is_named_with_the_nearest(refused, products):
    line = refused("batch", "product-foto", products, "--local")
    assert line == "There is no template 'product-foto'. Did you mean 'product-photo'?"


def test_a_template_file_that_is_not_there_is_named(refused, products):
    assert refused("batch", "nowhere/mine.yaml", products, "--local").startswith(
        "There is no file nowhere/mine.yaml."
    )


def test_an_unknown_model_is_named_with_its_line_and_the_nearest(refused, products):
    file = template("model: flux-2-pro", "model: flux-2-por")
    line = refused("batch", file, products, "--local")
    assert line.startswith("mine.yaml:9: step 'photo': model: ")
    assert line.endswith("Did you mean 'flux-2-pro'?")


def test_an_unknown_model_to_show_is_named_with_the_nearest(refused):
    assert refused("models", "show", "birefnett").endswith("Did you mean 'birefnet'?")


def test_an_unknown_step_or_model_in_use_is_named_with_the_nearest(refused, products):
    words = ("batch", "product-photo", products, "--local", "--use")
    assert refused(*words, "foto=flux-2-pro").endswith("Did you mean 'photo'?")
    assert refused(*words, "photo=flux-pro-2").endswith("Did you mean 'flux-2-pro'?")


@pytest.mark.parametrize("text", ["- a\n- b\n", "", "just words\n", "3\n"])
def test_a_template_that_is_no_mapping_says_what_a_template_is(refused, products, text):
    Path("mine.yaml").write_text(text, encoding="utf-8")
    line = refused("batch", "mine.yaml", products, "--local")
    assert line.startswith("mine.yaml:1: a template is a mapping with name, version, ")


def test_broken_yaml_is_one_line_with_the_line_number(refused, products):
    Path("mine.yaml").write_text("name: [mine\nversion: 1\n", encoding="utf-8")
    assert refused("batch", "mine.yaml", products, "--local").startswith("mine.yaml:2: ")


@pytest.mark.parametrize(
    ("old", "new", "place", "fix"),
    [
        ("about: Photograph a", "abuot: Photograph a", "mine.yaml:3: abuot: ", "'about'"),
        ("model: birefnet", "modle: birefnet", "mine.yaml:13: step 'cutout': modle: ", "'model'"),
    ],
)
def test_an_unknown_key_is_named_with_its_line_and_the_nearest(
    refused, products, old, new, place, fix
):
    line = refused("batch", template(old, new), products, "--local")
    assert line == f"{place}unknown key. Did you mean {fix}?"


def test_a_reference_to_a_later_step_says_to_move_it(refused, products):
    line = refused("batch", template("prompt: $prompt", "prompt: $cutout"), products, "--local")
    assert line.startswith("mine.yaml:10: step 'photo': with.prompt: ")
    assert "'cutout' is a later step; move it above" in line


def test_a_reference_to_a_missing_step_names_the_nearest(refused, products):
    line = refused("batch", template("image: $photo}", "image: $foto}"), products, "--local")
    assert line.startswith("mine.yaml:14: step 'cutout': with.image: ")
    assert line.endswith("Did you mean 'photo'?")


def test_a_wrong_type_on_an_edge_says_what_fits(refused, products):
    line = refused("batch", template("image: $photo}", "image: $prompt}"), products, "--local")
    assert line.startswith("mine.yaml:14: step 'cutout': with.image: ")
    assert "takes an image and $prompt is a text" in line
    assert line.endswith("Fitting: $photo.")


def test_a_bare_reference_inside_a_text_says_how_to_write_it(refused, products):
    file = template("prompt: $prompt", "prompt: a photo of $prompt")
    line = refused("batch", file, products, "--local")
    assert line.startswith("mine.yaml:10: step 'photo': with.prompt: ")
    assert "write ${prompt} there" in line


@pytest.mark.parametrize("command", ["plan", "batch"])
@pytest.mark.parametrize(
    ("content", "place", "fix"),
    [
        ("", "rows.csv: is empty", "line 1 names the columns"),
        ("sku,prompt\n", "rows.csv: has a header and no rows", "add a row"),
        ("a red mug,1:1\na vase,4:5\n", "rows.csv: no column for the input 'prompt'", "a header"),
        ("sku,prompt\nA,a mug\nA,a vase\n", "rows.csv:3: the id 'A'", "make ids unique"),
        ("sku,prompt\nA,a mug\n,a vase\n", "rows.csv:3: 'sku' is empty", "fill it in"),
        ("sku,promt\nA,a mug\n", "rows.csv: no column for the input 'prompt'", "'promt'"),
        ("sku,prompt\nA,a mug,red\n", "rows.csv:2: has 3 cells", "in quotes"),
        ("sku,prompt,prompt\nA,a,b\n", "rows.csv:1: columns 2 and 3", "rename one"),
        ("sku,prompt\nA,caf\xe9\n".encode("latin-1"), "rows.csv:2: is not UTF-8", "CSV UTF-8"),
    ],
)
def test_a_table_of_the_wrong_form_is_refused(refused, command, content, place, fix):
    line = refused(command, "product-photo", table(content), "--local")
    assert line.startswith(place)
    assert fix in line


def test_a_table_that_is_not_there_is_refused(refused):
    assert refused("batch", "product-photo", "nowhere.csv", "--local").startswith(
        "There is no file nowhere.csv"
    )


def test_a_mapping_of_an_unknown_input_or_column_is_refused(refused):
    words = ("batch", "product-photo", table("sku,text\nA,a mug\n"), "--local", "--map")
    assert refused(*words, "promt=text").endswith("Did you mean 'prompt'?")
    assert refused(*words, "prompt=txt").endswith("Did you mean 'text'?")
    assert refused(*words, "prompt").endswith("write it as NAME=VALUE.")


def test_an_unknown_id_column_is_refused(refused, products):
    words = ("batch", "product-photo", products, "--local", "--id-col", "iid")
    assert refused(*words).endswith("Did you mean 'id'?")


def test_a_setting_out_of_range_names_what_is_allowed(refused, products):
    words = ("product-photo", products, "--local", "--set", "aspect=7:3")
    for command in ("plan", "batch"):
        line = refused(command, *words)
        assert line.startswith("--set aspect=7:3: '7:3' is not one of 1:1, 4:5, 16:9.")


def test_a_number_out_of_range_names_the_range(refused, products):
    seed = "seed: {type: integer, minimum: 0, maximum: 9, about: Chance}"
    file = template("  aspect: {type", f"  {seed}\n  aspect: {{type")
    line = refused("batch", file, products, "--local", "--set", "seed=10")
    assert line.startswith("--set seed=10: ")
    assert "at most 9" in line or "more than 9" in line


def test_one_run_without_a_required_input_says_how_to_give_it(refused):
    line = refused("run", "product-photo", "--local")
    assert "give --set prompt=VALUE" in line


CLIP = """\
name: clip
version: 1
about: A clip of a photograph.
inputs:
  prompt: {type: text}
  shape: {type: choice, options: ["1:1", "16:9"], default: "16:9"}
  seconds: {type: number, default: 5}
steps:
  shot: {model: flux-2-pro, with: {prompt: $prompt, aspect_ratio: "16:9"}}
  clip:
    model: kling-2.5-turbo-pro
    with: {image: $shot, prompt: slowly, aspect_ratio: $shape, seconds: $seconds}
outputs: {clip: $clip}
"""


@pytest.mark.usefixtures("script")
@pytest.mark.parametrize(
    ("setting", "place", "words"),
    [
        ("shape=1:1", "step 'clip': image: the picture is 1280x720", "fit: {mode: crop} or fit: "),
        ("seconds=30", "--set seconds=30: step 'clip': 30 is above 10", "Change it."),
    ],
)
def test_one_run_that_a_later_step_would_refuse_pays_for_nothing(refused, setting, place, words):
    Path("clip.yaml").write_text(CLIP, encoding="utf-8")
    line = refused("run", "clip.yaml", "--set", "prompt=a mug", "--set", setting, "--yes")
    assert line.startswith(place)
    assert words in line


def test_one_run_over_a_file_that_is_no_picture_says_what_to_give(refused):
    Path("text.png").write_text("no picture", encoding="utf-8")
    line = refused("run", "cut-out", "--local", "--set", "image=text.png")
    assert line.startswith("--set image: ")
    assert line.endswith("MP3 or M4A.")


def test_neither_local_nor_a_key_names_the_variables_and_local(refused, products):
    line = refused("batch", "product-photo", products)
    assert line.startswith("step 'photo': flux-2-pro needs a key: ")
    assert "FAL_KEY" in line
    assert "--local" in line


def test_a_plan_without_a_key_shows_the_price_and_names_the_keys(mediaflows, products):
    ran = mediaflows("plan", "product-photo", products)
    assert ran.code == 2
    assert "$0.09" in ran.out
    assert "step 'photo' needs a key: set FAL_KEY or" in ran.err
    assert "Secret blocks of workers are not checked" in ran.err


def test_a_key_without_an_adapter_says_so(refused, products, monkeypatch):
    bare = replace(PROVIDERS["replicate"], adapter=None, wire=None)
    monkeypatch.setitem(PROVIDERS, "replicate", bare)
    monkeypatch.setenv("REPLICATE_API_TOKEN", "a-key-nobody-may-see")
    line = refused("batch", "product-photo", products, "--provider", "replicate")
    assert "REPLICATE_API_TOKEN is set, but provider 'replicate' has no adapter" in line
    assert "--local" in line
    assert "a-key-nobody-may-see" not in line


def test_a_provider_that_is_unknown_or_lacks_the_model_is_refused(refused, products):
    words = ("batch", "product-photo", products, "--provider")
    assert refused(*words, "replikate").endswith("Did you mean 'replicate'?")
    assert refused(*words, "bria") == "step 'photo': flux-2-pro is not offered by bria."


@pytest.mark.parametrize(
    "command", [("report", "latest"), ("resume", "latest"), ("explain", "x", "mug", "photo")]
)
def test_a_run_without_any_ledger_is_refused(refused, command):
    assert refused(*command).startswith("There is no run: no ledger at ")


@pytest.mark.parametrize(
    "command", [("report", "abc"), ("resume", "abc"), ("explain", "abc", "mug", "photo")]
)
def test_a_run_that_is_not_in_the_ledger_is_refused(refused, home, command):
    open_ledger(home.ledger_url).close()
    assert refused(*command) == "There is no run 'abc'."


def test_a_ledger_of_a_newer_schema_is_left_alone(refused, home, products):
    open_ledger(home.ledger_url).close()
    with sqlite3.connect(home.folder / "ledger.db") as connection:
        connection.execute("UPDATE meta SET value = '999'")
    connection.close()
    for words in (
        ("plan", "product-photo", products, "--local"),
        ("batch", "product-photo", products, "--local"),
        ("report", "latest"),
    ):
        line = refused(*words)
        assert "has schema 999" in line
        assert "install the newer mediaflows" in line


def test_a_file_that_is_no_ledger_is_left_alone(refused, home, products):
    home.folder.mkdir()
    (home.folder / "ledger.db").write_bytes(b"not a database, " * 300)
    line = refused("batch", "product-photo", products, "--local")
    assert "cannot be opened: file is not a database" in line


def test_a_plan_cannot_be_written_into_a_folder_that_is_not_there(refused, products):
    line = refused("plan", "product-photo", products, "--local", "-o", "nowhere/plan.json")
    assert line.startswith("nowhere/plan.json: cannot be written: ")


@pytest.mark.usefixtures("script")
@pytest.mark.parametrize("command", ["batch", "run"])
def test_what_would_pay_needs_a_yes(mediaflows, products, tmp_path, script, command):
    words = [products] if command == "batch" else ["--set", "prompt=a red mug"]
    before = files_below(tmp_path)
    ran = mediaflows(command, "product-photo", *words, "--provider", "fal")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.splitlines()[-1].startswith("mediaflows: This would pay ")
    assert "$0.0" in ran.err.splitlines()[-1]
    assert ran.err.splitlines()[-1].endswith("there is no terminal to ask at: add --yes.")
    assert script.submits == []
    assert files_below(tmp_path) == before


def test_one_faulty_row_refuses_the_table_under_strict(mediaflows, tmp_path):
    table("sku,prompt\nA,a mug\nB,\n")
    before = files_below(tmp_path)
    ran = mediaflows("batch", "product-photo", "rows.csv", "--local", "--strict")
    assert ran.code == 2
    assert ran.err.splitlines()[-1].startswith("mediaflows: 1 of 2 rows have faults. row B: prompt")
    assert files_below(tmp_path) == before


def test_a_table_of_faulty_rows_alone_is_refused(mediaflows, tmp_path):
    table("sku,prompt\nA,\nB,\n")
    before = files_below(tmp_path)
    assert mediaflows("batch", "product-photo", "rows.csv", "--local").code == 2
    assert files_below(tmp_path) == before


@pytest.mark.parametrize(
    "words", [("--nope",), ("-j", "0"), ("--min-success", "2"), ("--take", "0"), ("-n", "0")]
)
def test_an_option_that_is_wrong_is_refused(mediaflows, products, tmp_path, words):
    before = files_below(tmp_path)
    ran = mediaflows("batch", "product-photo", products, "--local", *words)
    assert (ran.code, ran.out) == (2, "")
    assert words[0] in ran.err
    assert files_below(tmp_path) == before
