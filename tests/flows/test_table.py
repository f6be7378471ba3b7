from __future__ import annotations

from pathlib import Path

import pytest

from flows.graph import Graph, compile_template
from flows.load import load_template
from flows.table import BoundTable, bind_one, bind_table, read_table
from flows.template import Input, Step, Template
from providers.errors import RequestError


@pytest.fixture(scope="module")
def graph() -> Graph:
    return load_template("product-photo")


def graph_with(inputs: dict[str, Input], **step: object) -> Graph:
    template = Template(
        name="trial",
        version=1,
        about="",
        inputs=inputs,
        steps={"a": Step.model_validate({"model": "flux-2-pro", **step})},
        outputs={"a": "$a"},
    )
    return compile_template(template, "trial.yaml")


def bound(graph: Graph, folder: Path, text: str, **options: object) -> BoundTable:
    path = folder / "rows.csv"
    path.write_text(text, encoding="utf-8")
    return bind_table(graph, read_table(path), **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("header", "options", "message"),
    [
        ("id,promt", {}, "rows.csv: no column for the input 'prompt'. Did you mean 'promt'?"),
        ("a red mug,4:5", {}, "Is line 1 a header that names the columns?"),
        ("id,text", {"mapping": {"promt": "text"}}, "--map promt: product-photo has no input 'p"),
        ("id,text", {"mapping": {"prompt": "txt"}}, "--map prompt=txt: rows.csv has no column 't"),
        ("id,prompt", {"settings": {"aspct": "1:1"}}, "no input 'aspct'. Did you mean 'aspect'?"),
        ("id,prompt", {"settings": {"aspect": "7:3"}}, "--set aspect=7:3: '7:3' is not one of 1:1"),
        ("id,prompt", {"settings": {"prompt": " "}}, "--set prompt= : is empty and has no default"),
        ("id,prompt", {"id_column": "ident"}, "--id-col ident: rows.csv has no column 'ident'."),
        (
            "id,prompt",
            {"settings": {"prompt": "a"}, "mapping": {"prompt": "id"}},
            "'prompt' is given by both --map and --set; leave one of them out.",
        ),
    ],
)
def test_a_wrong_column_or_option_is_a_request_error_with_the_nearest(
    header: str, options: dict[str, object], message: str, graph: Graph, tmp_path: Path
) -> None:
    with pytest.raises(RequestError) as raised:
        bound(graph, tmp_path, f"{header}\n1,a\n", **options)
    assert message in str(raised.value)


def test_a_column_binds_by_name_by_map_or_gives_way_to_set(graph: Graph, tmp_path: Path) -> None:
    rows = bound(
        graph,
        tmp_path,
        "title,aspect,note\na mug,4:5,x\n",
        mapping={"prompt": "title"},
        settings={"aspect": "16:9"},
    )
    assert rows.rows[0].inputs == {"prompt": "a mug", "aspect": "16:9"}
    assert rows.unused_columns == ("aspect", "note")


def test_an_id_comes_from_the_option_or_the_first_column_that_is_one(
    graph: Graph, tmp_path: Path
) -> None:
    text = "name,sku,id,prompt\nn1,s1,i1,a\nn2,s2,i2,b\n"
    assert [row.id for row in bound(graph, tmp_path, text).rows] == ["i1", "i2"]
    chosen = bound(graph, tmp_path, text, id_column="name")
    assert [row.id for row in chosen.rows] == ["n1", "n2"]
    numbered = bound(graph, tmp_path, "prompt\na\nb\n")
    assert [row.id for row in numbered.rows] == ["1", "2"]
    assert numbered.id_column is None


def test_ids_are_there_and_unique(graph: Graph, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"rows\.csv:5: the id 'a' in 'sku' stands on line 2"):
        bound(graph, tmp_path, 'sku,prompt\na,"x\ny"\nb,z\na ,z\n')
    with pytest.raises(RequestError, match=r"rows\.csv:3: 'sku' is empty.*fill it in, or name"):
        bound(graph, tmp_path, "sku,prompt\na,x\n ,y\n")


def test_a_wrong_cell_is_a_fault_of_its_row_only(graph: Graph, tmp_path: Path) -> None:
    rows = bound(graph, tmp_path, "sku,prompt,aspect\na,,7:9\nb,a mug,\n")
    first, second = rows.rows
    assert [(fault.row_id, fault.column, fault.problem) for fault in first.faults] == [
        ("a", "prompt", "is empty and has no default"),
        ("a", "aspect", "'7:9' is not one of 1:1, 4:5, 16:9"),
    ]
    assert first.inputs == {}
    assert str(first.faults[0]) == "row a: prompt: is empty and has no default. Fill it in."
    assert second.inputs == {"prompt": "a mug", "aspect": "1:1"}
    assert rows.faults == first.faults


def test_a_text_that_a_parameter_does_not_take_is_a_fault_with_its_step(tmp_path: Path) -> None:
    graph = graph_with(
        {"prompt": Input(type="text"), "ratio": Input(type="text"), "level": Input(type="integer")},
        **{"with": {"prompt": "$prompt", "aspect_ratio": "$ratio", "safety": "$level"}},
    )
    rows = bound(graph, tmp_path, "prompt,ratio,level\na,1:1,2\nb,7:3,9\n")
    assert [(fault.step, fault.column) for fault in rows.faults] == [("a", "ratio"), ("a", "level")]
    assert str(rows.faults[1]) == (
        "row 2: level: step 'a': 9 is above 5 as safety of flux-2-pro. Change it."
    )
    with pytest.raises(RequestError, match="--set level=9: step 'a': 9 is above 5"):
        bound(graph, tmp_path, "prompt,ratio\na,1:1\n", settings={"level": "9"})


def test_a_value_of_a_step_that_will_not_run_is_no_fault(tmp_path: Path) -> None:
    graph = graph_with(
        {"prompt": Input(type="text"), "level": Input(type="integer")},
        **{"with": {"prompt": "$prompt", "safety": "$level"}, "when": "level < 6"},
    )
    rows = bound(graph, tmp_path, "prompt,level\na,9\nb,0\n")
    assert [fault.row_id for fault in rows.faults] == ["2"]


def test_lists_that_are_zipped_are_equally_long(tmp_path: Path) -> None:
    graph = graph_with(
        {"scenes": Input(type="list[text]"), "levels": Input(type="list[integer]")},
        **{
            "with": {"prompt": "${index}. $$ ${scene}", "safety": "$level"},
            "each": {"scene": "$scenes", "level": "$levels"},
            "max": 2,
        },
    )
    rows = bound(graph, tmp_path, "scenes,levels\na|b,1|2\na|b,1\na|b|c,1|2|3\na|b,1|9\n")
    assert [(fault.row_id, fault.problem) for fault in rows.faults] == [
        ("2", "has 1 items and 'scenes' has 2"),
        ("3", "has 3 items and the step takes 2"),
        ("4", "9 is above 5 as safety of flux-2-pro"),
    ]


def test_one_row_is_bound_from_settings(graph: Graph, tmp_path: Path) -> None:
    row = bind_one(graph, {"prompt": "a $mug"}, tmp_path)
    assert (row.index, row.id, row.faults) == (0, "1", ())
    assert row.inputs == {"prompt": "a $mug", "aspect": "1:1"}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "product-photo needs 'prompt' (What to photograph): give --set prompt=VALUE."),
        ({"promt": "a"}, "--set promt: product-photo has no input 'promt'. Did you mean 'prompt'?"),
        ({"prompt": "a", "aspect": "4:6"}, "--set aspect=4:6: '4:6' is not one of 1:1, 4:5, 16:9"),
    ],
)
def test_one_row_with_a_wrong_setting_is_a_request_error(
    settings: dict[str, str], message: str, graph: Graph, tmp_path: Path
) -> None:
    with pytest.raises(RequestError) as raised:
        bind_one(graph, settings, tmp_path)
    assert message in str(raised.value)
