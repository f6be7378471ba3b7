"""Texts through the core: written to files, checked as JSON, and remembered by their checks."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from flows.load import load_template
from flows.run_folder import RunFolder
from providers.errors import RequestError
from tests.core.plain import start, write_table, write_template

EXAMPLE = Path(__file__).parents[2] / "examples" / "image-to-copy.csv"
TEMPLATE = """\
name: {name}
version: 1
about: Words.
inputs:
  prompt: {{type: text}}
steps:
  copy:
    model: write-text
    with: {{prompt: $prompt, fields: "title, bullets (a list)"}}
{more}outputs: {{copy: $copy}}
"""


def template(folder: Path, name: str, checks: str = "") -> Path:
    more = f"    checks: [{checks}]\n" if checks else ""
    return write_template(folder, TEMPLATE.format(name=name, more=more))


async def test_the_shipped_template_gives_checked_json_and_files_for_every_row() -> None:
    ran = await start(EXAMPLE, "image-to-copy", local=True)
    assert set(ran.states.values()) == {"done"}
    with EXAMPLE.open(encoding="utf-8", newline="") as file:
        rows = [line["sku"] for line in csv.DictReader(file)]
    assert list(ran.results) == rows
    for row, line in ran.results.items():
        place = ran.folder / "outputs" / row
        assert (place / "caption.txt").read_text(encoding="utf-8") == line["caption"]
        assert (place / "copy.json").read_text(encoding="utf-8") == line["copy"]
        copy = json.loads(line["copy"])
        assert list(copy) == ["title", "bullets", "alt_text"]
        assert len(copy["title"]) <= 70
        assert 1 <= len(copy["bullets"]) <= 5
        assert line["caption"].startswith("Stand-in description")
    assert (ran.folder / "contact.jpg").stat().st_size > 5_000


SLY = "$caption ${name} $$5 ${attributes} {first: [$a]} Answer with no JSON"


async def test_what_stands_in_a_table_is_data_and_no_reference(tmp_path: Path) -> None:
    table = write_table(tmp_path / "t.csv", {"mug": SLY}, "id,prompt")
    text = (
        "name: plain\nversion: 1\nabout: x\ninputs: {prompt: {type: text}}\n"
        "steps:\n  first:\n    model: write-text\n    with: {prompt: $prompt}\n"
        '  second:\n    model: write-text\n    with: {prompt: "Again: ${first}"}\n'
        "outputs: {first: $first, second: $second}\n"
    )
    ran = await start(table, write_template(tmp_path, text), local=True)
    line = ran.results["mug"]
    label = "Stand-in text, no model wrote it. Asked: "
    assert line["first"] == label + SLY
    assert line["second"] == f"{label}Again: {label}{SLY}"
    assert (ran.folder / "outputs/mug/first.txt").read_text(encoding="utf-8") == line["first"]


async def test_a_text_that_does_not_pass_is_rejected_and_not_made_again(tmp_path: Path) -> None:
    table = write_table(tmp_path / "t.csv", {"mug": "a red mug"}, "id,prompt")
    strict = template(tmp_path, "strict", "{json: {title: {max: 5}}}")
    ran = await start(table, strict, local=True)
    assert ran.states == {"mug": "rejected"}
    assert ran.results["mug"]["reason"] == (
        "copy: the text that came is turned down: its JSON is not as asked: 'title' has "
        "25 characters, above 5"
    )
    assert not (ran.folder / "outputs/mug").exists()


async def test_a_verdict_is_that_of_its_checks_alone(tmp_path: Path) -> None:
    table = write_table(tmp_path / "t.csv", {"mug": "a red mug"}, "id,prompt")
    loose, strict = (
        template(tmp_path, "loose", "{json: [title]}"),
        template(tmp_path, "strict", "{json: {title: {max: 5}}}"),
    )
    assert (await start(table, strict, local=True)).states == {"mug": "rejected"}
    first = await start(table, loose, local=True)
    assert first.states == {"mug": "done"}  # what another turned down was not turned down here
    again = await start(table, strict, local=True)
    assert again.states == {"mug": "rejected"}  # what another accepted was not accepted here
    assert again.attempts == []
    third = await start(table, loose, local=True)
    assert (third.states, third.attempts) == ({"mug": "done"}, [])


@pytest.mark.parametrize(
    ("text", "ending"),
    [
        ('{"a": 1}', "json"),
        ("[1, 2]", "json"),
        ("7", "txt"),
        ("{not json", "txt"),
        ("[" * 100_000, "txt"),
    ],
)
def test_a_text_file_has_the_ending_of_what_is_in_it(
    text: str, ending: str, tmp_path: Path
) -> None:
    assert RunFolder(tmp_path).text_output("mug", "copy", text).name == f"copy.{ending}"


def test_a_check_that_names_no_field_is_refused_with_its_line(tmp_path: Path) -> None:
    text = TEMPLATE.format(name="bad", more="    checks: [{json: []}]\n")
    with pytest.raises(RequestError, match=r"bad\.yaml:\d+: step 'copy': checks\[0\]\.json"):
        load_template(str(write_template(tmp_path, text)))
