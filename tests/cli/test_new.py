"""`mediaflows new`: a file that loads as it is, and when it is edited as its comments say."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from flows.csv_file import read_table
from flows.examples import example_table
from flows.graph import Graph
from flows.load import SHIPPED, load_template, load_text, shipped_names
from flows.table import bind_table
from providers.yaml_file import parse_yaml
from tests.command import Command

NAMES = shipped_names()
FIRST = "# yaml-language-server: $schema="
_EDIT = re.compile(r"^( *)# (?!yaml-language-server)", re.MULTILINE)


@pytest.fixture
def begun(mediaflows: Command):
    """Make a template that begins as another, and return its text."""

    def begin(source: str) -> str:
        assert mediaflows("new", "mine", "--from", source).code == 0
        return Path("templates/mine.yaml").read_text(encoding="utf-8")

    return begin


def edits(text: str) -> list[tuple[int, int]]:
    """Return the lines of each edit, first and last: lines that follow one another are one."""
    numbers = [n for n, line in enumerate(text.splitlines()) if _EDIT.match(line)]
    found: list[tuple[int, int]] = []
    for number in numbers:
        line = text.splitlines()[number]
        indent = re.match(r" *# ( *)", line)
        if found and found[-1][1] == number - 1 and indent and indent[1]:
            found[-1] = (found[-1][0], number)
        else:
            found.append((number, number))
    return found


def made(text: str, first: int, last: int) -> str:
    lines = text.splitlines()
    lines[first : last + 1] = [_EDIT.sub(r"\1", line) for line in lines[first : last + 1]]
    return "\n".join([*lines, ""])


def alternatives(text: str) -> list[str]:
    """Return the text once for each value that an `or:` names, with that value in place."""
    found = []
    for line in text.splitlines():
        head, mark, others = line.partition("  ## or: ")
        if mark:
            key = head.partition(": ")[0]
            values = others.split(", ") if key.strip() == "model" else [others]
            found += [text.replace(line, f"{key}: {value}") for value in values]
    return found


def load(text: str) -> Graph:
    return load_text(text, "mine.yaml")


@pytest.mark.parametrize("name", NAMES)
def test_it_is_the_template_that_it_begins_as_and_passes_its_check(begun, mediaflows, name):
    graph, source = load(begun(name)), load_template(name)
    assert graph.template == source.template.model_copy(update={"name": "mine"})
    assert mediaflows("templates", "check", "templates/mine.yaml").code == 0
    assert load_template("mine") == graph


@pytest.mark.parametrize("name", NAMES)
def test_it_loads_with_every_edit_that_its_comments_suggest(begun, name):
    text = begun(name)
    edited = _EDIT.sub(r"\1", text)
    assert edited != text
    assert load(edited).digest != load(text).digest


@pytest.mark.parametrize("name", NAMES)
def test_it_loads_with_each_edit_alone(begun, name):
    text = begun(name)
    inputs = text[: text.index("\nsteps:")].count("\n") + 1
    outputs = text[: text.index("\noutputs:")].count("\n") + 1
    with_inputs = text
    for first, last in edits(text):
        if first < inputs:
            with_inputs = made(with_inputs, first, last)
    assert load(with_inputs)
    found = [span for span in edits(text) if inputs <= span[0] < outputs]
    assert found
    for first, last in found:
        assert load(made(with_inputs, first, last)).digest != load(with_inputs).digest
    for other in alternatives(with_inputs):
        assert load(other).digest != load(with_inputs).digest


def test_with_every_edit_it_passes_its_check_under_strict(begun, mediaflows):
    text = begun("product-photo")
    Path("templates/mine.yaml").write_text(_EDIT.sub(r"\1", text), encoding="utf-8")
    ran = mediaflows(
        "templates", "check", "templates/mine.yaml", "--strict", "--rows", "templates/mine.csv"
    )
    assert (ran.code, ran.err) == (0, "")
    words = "mine: 4 inputs, 4 steps, 3 rows: no faults · 15 calls, live >= $0.09, 3 unpriced\n"
    assert ran.out == words


def test_comments_name_models_parameters_modifiers_and_a_step_more(begun):
    text = begun("product-photo")
    for line in (
        "    model: flux-2-pro  ## or: nano-banana, sdxl",
        '      prompt: $prompt  ## or: "${prompt}, ${style}"',
        "      # seed: 7  ## 0 to 4294967295",
        '    # when: aspect != "16:9"  ## only for such rows',
        "    # on_error: skip  ## a row goes on without it",
        "    # fit: {mode: pad, colour: white}  ## what does not fit is padded, not refused or cropped",
        "  # small:",
        "  # square: $square",
    ):
        assert line in text.splitlines()
    for word in ("fallback:", "when:", "each:", "on_error:", "fit:", "silence:"):
        assert re.search(rf"^##   {word} .+   \w", text, re.M), word


@pytest.mark.parametrize("name", NAMES)
def test_editors_find_a_schema_that_holds_for_the_file_and_names_the_models(begun, name):
    text = begun(name)
    first = text.splitlines()[0]
    assert first.startswith(FIRST)
    schema = json.loads((Path("templates") / first.removeprefix(FIRST)).read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    holds = Draft202012Validator(schema)
    assert not list(holds.iter_errors(parse_yaml(text, name)))
    assert not list(holds.iter_errors(parse_yaml(_EDIT.sub(r"\1", text), name)))
    shipped = (SHIPPED / f"{name}.yaml").read_text(encoding="utf-8")
    assert not list(holds.iter_errors(parse_yaml(shipped, name)))
    assert list(holds.iter_errors(parse_yaml(text.replace("model:", "modle:"), name)))
    assert "flux-2-pro" in str(schema["$defs"]["Step"]["properties"]["model"])


@pytest.mark.parametrize("name", NAMES)
def test_an_example_table_comes_with_it_and_its_files_are_found(begun, name):
    text = begun(name)
    path = Path("templates/mine.csv")
    assert path.exists() == (example_table(SHIPPED / f"{name}.yaml", load(text).inputs) is not None)
    if path.exists():
        bound = bind_table(load(text), read_table(path))
        assert (bound.faults, 1 <= len(bound.rows) <= 3) == ((), True)


def test_rows_with_pictures_point_at_the_same_files_from_the_new_folder(mediaflows):
    from PIL import Image

    Path("shop/pictures").mkdir(parents=True)
    Image.new("RGB", (8, 8)).save("shop/pictures/a.png")
    Path("shop/cuts.yaml").write_text(
        (SHIPPED / "cut-out.yaml").read_text(encoding="utf-8"), encoding="utf-8"
    )
    Path("shop/cuts.csv").write_text("id,image\na,pictures/a.png\n", encoding="utf-8")
    assert mediaflows("new", "mine", "--from", "shop/cuts.yaml", "-o", "far/away").code == 0
    table = read_table(Path("far/away/mine.csv"))
    assert table.records == ({"id": "a", "image": "../../shop/pictures/a.png"},)
    ran = mediaflows("templates", "check", "far/away/mine.yaml", "--rows", "far/away/mine.csv")
    assert ran.code == 0


def test_what_it_says_to_try_is_a_plan_without_faults(mediaflows):
    ran = mediaflows("new", "mugs", "--from", "product-photo")
    tried = ran.out.splitlines()[-1].removeprefix("try it: mediaflows batch ")
    assert tried == "mugs templates/mugs.csv --local --yes"
    planned = mediaflows("plan", *tried.removesuffix(" --yes").split())
    assert (planned.code, planned.err) == (0, "")
    assert planned.out.startswith("mugs: 3 rows x 2 steps")


def test_a_template_elsewhere_is_called_by_its_path(mediaflows):
    ran = mediaflows("new", "mugs", "--from", "product-photo", "--out", "my shop")
    assert "mediaflows batch 'my shop/mugs.yaml' 'my shop/mugs.csv' --local" in ran.out
    assert Path("my shop/.mediaflows.schema.json").exists()


def test_the_own_folder_is_where_the_variable_says(mediaflows, monkeypatch):
    monkeypatch.setenv("MEDIAFLOWS_TEMPLATES", "mine/all")
    assert (
        "batch mugs mine/all/mugs.csv" in mediaflows("new", "mugs", "--from", "product-photo").out
    )
    assert load_template("mugs").name == "mugs"


def test_one_of_one_s_own_can_be_begun_from_and_one_of_our_name_says_that_it_hides_ours(mediaflows):
    mediaflows("new", "mugs", "--from", "product-photo")
    ran = mediaflows("new", "cut-out", "--from", "mugs")
    assert "cut-out now means yours; ours of that name is hidden by it" in ran.out
    assert "prompt" in load_template("cut-out").inputs
    line = next(x for x in mediaflows("templates").out.splitlines() if x.startswith("cut-out"))
    assert "templates/cut-out.yaml (hides ours)" in line


def test_what_is_there_is_never_written_over(mediaflows, refused):
    mediaflows("new", "mugs", "--from", "product-photo")
    assert refused("new", "mugs", "--from", "cut-out") == (
        "templates/mugs.yaml is there already: choose another name, or remove it."
    )
    Path("templates/rows.csv").write_text("id\n1\n", encoding="utf-8")
    assert refused("new", "rows", "--from", "cut-out").startswith("templates/rows.csv is there")
    Path("templates/old.yml").write_text("", encoding="utf-8")
    assert refused("new", "old", "--from", "cut-out").startswith("templates/old.yml is there")


@pytest.mark.parametrize("name", ["Mugs", "my mugs", "../mugs", "1a", "mugs.yaml", ""])
def test_a_bad_name_is_refused(refused, name):
    assert "is not a template name: use a-z, 0-9 and -" in refused(
        "new", name, "--from", "product-photo"
    )


def test_an_unknown_template_is_refused_with_the_nearest(refused):
    assert refused("new", "a", "--from", "product-foto").endswith("Did you mean 'product-photo'?")
    assert refused("new", "a", "--from", "nowhere.yaml").startswith("There is no file nowhere.yaml")


def test_a_faulty_template_to_begin_from_is_refused_with_its_line(refused):
    Path("bad.yaml").write_text("name: bad\nversion: one\n", encoding="utf-8")
    assert refused("new", "a", "--from", "bad.yaml").startswith("bad.yaml:")


def test_a_folder_that_cannot_be_made_is_refused(refused):
    Path("here").write_text("", encoding="utf-8")
    line = refused("new", "a", "--from", "cut-out", "-o", "here")
    assert "cannot be written" in line
