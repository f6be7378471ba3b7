"""What Python gives, as the command line would have it: tables, options, templates, single steps."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from flows.csv_file import read_table
from flows.frames import as_table, frame_csv
from flows.keywords import in_python, options_of
from flows.load import load_template, template_names
from flows.template import Template
from flows.testing import one_step
from providers.errors import RequestError

HARD = {
    "name": "hard",
    "version": 1,
    "about": 'a "16:9" no\nand # more: ~',
    "inputs": {
        "words": {"type": "text", "default": None},
        "size": {"type": "choice", "options": ["16:9", "no", 3, "3", "null", " x "]},
        "many": {"type": "list[text]", "default": ["yes", "1"], "max": 4},
    },
    "steps": {
        "photo": {"model": "flux-2-pro", "with": {"prompt": "yes: ${words}\n  $$2\n", "seed": 0}},
        "cutout": {
            "model": "birefnet",
            "with": {"image": {"first": ["$photo"]}},
            "when": "size != 3",
        },
    },
    "outputs": {"photo": "$photo"},
}


@pytest.mark.parametrize("name", [name for name, _ in template_names()])
def test_a_template_that_is_written_and_read_is_equal(name: str) -> None:
    graph = load_template(name)
    again = load_template(graph.template)
    assert (again.template, again.digest) == (graph.template, graph.digest)


def test_words_that_yaml_could_mistake_are_kept() -> None:
    template = Template.model_validate(HARD)
    assert load_template(template).template == template


def read(frame: pd.DataFrame) -> list[dict[str, str]]:
    path, data = as_table(frame)
    return list(read_table(path, data).records)


def test_cells_of_a_dataframe_are_the_cells_of_its_csv() -> None:
    frame = pd.DataFrame(
        {
            "text": ['a "b", c\nd;e', None],
            "whole": pd.array([3, None], dtype="Int64"),
            "number": [0.1, float("nan")],
            "flag": [True, False],
            "path": [Path("a") / "b.png", pd.NA],
            "list": [["x", Path("y|z.png")], ()],
            7: ["named by a number", ""],
        }
    )
    first, second = read(frame)
    assert first == {
        "text": 'a "b", c\nd;e',
        "whole": "3",
        "number": "0.1",
        "flag": "true",
        "path": str(Path("a") / "b.png"),
        "list": '["x", "y|z.png"]',
        "7": "named by a number",
    }
    assert second == dict.fromkeys(first, "") | {"flag": "false", "list": "[]"}


def test_an_index_with_a_name_is_a_column_and_another_is_not() -> None:
    frame = pd.DataFrame({"prompt": ["a mug"]}, index=pd.Index(["A"], name="sku"))
    assert read(frame) == [{"sku": "A", "prompt": "a mug"}]
    assert read(frame.rename_axis(None)) == [{"prompt": "a mug"}]


def test_a_row_without_a_value_is_refused_since_a_table_would_pass_it_over() -> None:
    with pytest.raises(RequestError, match="row 1 has no value in any column; drop it"):
        frame_csv(pd.DataFrame({"a": ["x", None], "b": [1, None]}))


def test_options_are_those_of_the_command_line_and_may_be_one_word_for_a_list() -> None:
    options = options_of(
        {"provider": "fal", "fresh": "photo", "sandbox": True, "max_cost": 0.1, "set": {"n": 3}}
    )
    assert (options.provider, options.fresh, options.sandbox) == (("fal",), ("photo",), "calm")
    assert (str(options.max_cost), options.set) == ("0.1", {"n": "3"})


@pytest.mark.parametrize(
    ("message", "one", "said"),
    [
        ("or add --local to play", False, "or add local=True to play"),
        ("give --set prompt=VALUE.", True, "give prompt=VALUE."),
        ("give --set prompt=VALUE.", False, "give set={'prompt': 'VALUE'}."),
        ("--map a=b: no column", False, "map={'a': 'b'}: no column"),
        ("another column with --id-col.", False, "another column with `id_col`."),
        ("--from photo: none", False, "`from_step` photo: none"),
        ("a--b and -- c", False, "a--b and -- c"),
    ],
)
def test_messages_are_in_words_of_python(message: str, one: bool, said: str) -> None:
    assert in_python(message, one=one) == said


def test_one_step_has_what_feeds_it_for_inputs() -> None:
    alone = one_step("product-photo", "cutout")
    assert (alone.name, list(alone.steps)) == ("product-photo-cutout", ["cutout"])
    assert {name: (one.type, one.required) for name, one in alone.inputs.items()} == {
        "photo": ("image", True)
    }
    first = one_step("product-photo", "photo")
    assert list(first.inputs) == ["prompt", "aspect"]
    assert first.outputs == {"photo": "$photo"}


def test_what_first_chooses_from_and_what_a_condition_reads_are_inputs_too() -> None:
    alone = one_step(Template.model_validate(HARD), "cutout")
    found: dict[str, Any] = {name: one.required for name, one in alone.inputs.items()}
    assert found == {"size": True, "photo": False}


def test_one_step_of_a_name_that_is_none_says_the_nearest() -> None:
    with pytest.raises(RequestError, match=r"has no step 'cutot'. Did you mean 'cutout'\?"):
        one_step("product-photo", "cutot")


def test_whoever_imports_plan_run_and_batch_waits_for_neither_prefect_nor_pandas() -> None:
    code = (
        "import sys; from flows import batch, load_template, plan, run, Template; "
        "print({'prefect', 'pandas', 'cv2'} & set(sys.modules))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "set()"
