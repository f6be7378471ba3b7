"""`templates check`: every fault of a file at once, each with its place; lints; a table's plan."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.check import Checked, check_template
from providers.catalog import load_model
from providers.errors import RequestError

GOOD = """\
name: mine
version: 1
about: A product and its cut-out.
inputs:
  prompt: {type: text}
  aspect: {type: choice, options: ["1:1", "16:9"], default: "1:1"}
steps:
  photo: {model: flux-2-pro, with: {prompt: $prompt, aspect_ratio: $aspect}}
  cutout: {model: birefnet, with: {image: $photo}}
outputs: {cutout: $cutout}
"""


@pytest.fixture(autouse=True)
def in_a_folder(home: object) -> None:
    """A home, and an empty working folder."""


def check(text: str, rows: str | None = None, file: str = "mine.yaml") -> Checked:
    Path(file).parent.mkdir(exist_ok=True)
    Path(file).write_text(text, encoding="utf-8")
    table = Path("rows.csv") if rows is not None else None
    if rows is not None:
        Path("rows.csv").write_text(rows, encoding="utf-8")
    checked = check_template(file, load_model, table)
    for one in (*checked.faults, *checked.lints):
        assert "\n" not in str(one)
        assert str(one).startswith(f"{one.where}:{one.line}: " if one.line else one.where)
    return checked


def faults(text: str, rows: str | None = None) -> list[str]:
    return [str(one) for one in check(text, rows).faults]


def test_a_good_file_has_neither_faults_nor_lints() -> None:
    checked = check(GOOD)
    assert (checked.faults, checked.lints) == ((), ())
    assert checked.graph is not None


def test_every_mistake_of_form_is_named_and_none_that_follows_from_another() -> None:
    text = GOOD.replace("name: mine", "name: Mine").replace("about:", "abuot:")
    text = text.replace("model: birefnet", "modle: birefnet, allow: 3")
    found = faults(text.replace("type: text", "type: txt"))
    assert [line.split(" ", 1)[0] for line in found] == [f"mine.yaml:{n}:" for n in (1, 3, 5, 9, 9)]
    assert found[1].endswith("abuot: unknown key. Did you mean 'about'?")
    assert sum("modle" in line for line in found) == 1


def test_an_input_that_is_called_like_a_type_keeps_its_place() -> None:
    text = GOOD.replace("  prompt: {type: text}", "  prompt: {type: text}\n  str: {type: txt}")
    assert faults(text)[0].startswith("mine.yaml:6: input 'str': type: there is no type 'txt'.")


def test_every_mistake_between_steps_is_named_once() -> None:
    text = GOOD.replace("model: flux-2-pro", "model: flux-2-pro, fallback: [birefnet], when: a ==")
    text = text.replace("aspect_ratio: $aspect", "aspect_ratio: $aspct, sed: 3")
    text = text.replace("{cutout: $cutout}", "{cutout: $cutout, x: $foto}")
    found = faults(text)
    assert [line.split(": ")[0] for line in found] == ["mine.yaml:8"] * 4 + ["mine.yaml:10"]
    for line, words in zip(found, ("fallback[0]", "when", "aspct", "'sed'", "'x'"), strict=True):
        assert words in line


def test_what_rests_on_a_step_that_is_wrong_is_not_blamed() -> None:
    found = faults(GOOD.replace("flux-2-pro", "flux-2-por"))
    assert len(found) == 1
    assert found[0].startswith("mine.yaml:8: step 'photo': model: There is no model 'flux-2-por'.")


def test_a_missing_value_is_named_and_a_wrong_one_only_once() -> None:
    assert len(faults(GOOD.replace("image: $photo", "image: $prompt"))) == 1
    (missing,) = faults(GOOD.replace("prompt: $prompt, ", ""))
    assert "needs 'prompt'" in missing


def test_a_model_that_is_switched_off_is_a_fault_with_its_place() -> None:
    (gone,) = faults(GOOD.replace("flux-2-pro", "imagen-4"))
    assert gone == "mine.yaml:8: step 'photo': model: no provider offers imagen-4 any more."


@pytest.mark.parametrize("text", ["", "- a", "name: [", "steps: {a: {model: b}}\nsteps: {}"])
def test_what_is_no_template_at_all_is_one_fault(text: str) -> None:
    assert len(faults(text)) == 1


def test_a_file_that_is_not_there_is_an_error() -> None:
    with pytest.raises(RequestError, match=r"no file nowhere\.yaml"):
        check_template("nowhere.yaml", load_model)


def test_a_file_in_the_own_folder_bears_its_template_s_name() -> None:
    (fault,) = check(GOOD, file="templates/yours.yaml").faults
    assert str(fault).startswith(
        "templates/yours.yaml:1: the file of template 'mine' is mine.yaml; rename"
    )
    assert check(GOOD, file="elsewhere/yours.yaml").faults == ()


def test_lints_hold_for_every_option_of_an_input_and_can_be_silenced() -> None:
    clip = "  clip: {model: stable-video, with: {image: $photo}}\n"
    text = GOOD.replace("outputs: {", f"{clip}outputs: {{clip: $clip, ").replace(
        'default: "1:1"', 'default: "16:9"'
    )
    (found,) = check(text).lints
    assert (found.code, found.step, found.line) == ("MF001", "clip", 10)
    silenced = text.replace(
        "image: $photo}}\noutputs", "image: $photo}, silence: [MF001]}\noutputs"
    )
    assert check(silenced).lints == ()


def test_a_table_is_planned_without_a_key_and_its_faults_have_lines() -> None:
    checked = check(GOOD, "id,prompt,aspect\na,mug,1:1\nb,,1:1\nc,vase,7:3\n")
    assert [str(one).split(": ")[:2] for one in checked.faults] == [
        ["rows.csv:3", "row b"],
        ["rows.csv:4", "row c"],
    ]
    assert checked.plan is not None
    assert (checked.plan.rows, checked.plan.calls) == (3, 2)


def test_a_table_that_cannot_be_bound_is_one_fault() -> None:
    assert faults(GOOD, "id,promt\na,mug\n")[0].startswith("rows.csv: no column for the input")
    assert faults(GOOD, "")[0].startswith("rows.csv: is empty")
