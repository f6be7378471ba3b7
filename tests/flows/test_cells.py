from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.cells import CellError, parse_value
from flows.graph import Graph
from flows.load import load_template
from flows.table import BoundTable, InputFile, bind_table, read_table
from flows.template import Input
from providers.errors import InputError
from providers.media import InputUrl

HERE = Path()


def bound(graph: Graph, folder: Path, text: str, **options: object) -> BoundTable:
    path = folder / "rows.csv"
    path.write_text(text, encoding="utf-8")
    return bind_table(graph, read_table(path), **options)  # type: ignore[arg-type]


@given(st.text(min_size=1, max_size=20).filter(str.strip))
def test_a_text_cell_is_data(text: str) -> None:
    assert parse_value(Input(type="text"), "prompt", text, HERE) == text


@pytest.mark.parametrize(
    ("given_input", "text", "value"),
    [
        (Input(type="text"), " $x ${y} $$ ", " $x ${y} $$ "),
        (Input(type="integer"), " 3 ", 3),
        (Input(type="integer"), "3.0", 3),
        (Input(type="number"), "2.50", 2.5),
        (Input(type="number"), "5.0", 5),
        (Input(type="number"), "1e-2", 0.01),
        (Input(type="boolean"), "TRUE", True),
        (Input(type="boolean"), "no", False),
        (Input(type="choice", options=("a", 0.5, 2)), "2.0", 2),
        (Input(type="choice", options=("a", 0.5, 2)), " a", "a"),
        (Input(type="json"), '{"a": [1]}', {"a": [1]}),
        (Input(type="json"), "[1, [2]]", (1, (2,))),
        (Input(type="list[text]"), "a | b", ("a", "b")),
        (Input(type="list[text]"), '["a|b", "$c"]', ("a|b", "$c")),
        (Input(type="list[integer]"), "1|2", (1, 2)),
        (Input(type="list[integer]"), "[1, 2]", (1, 2)),
        (Input(type="list[choice]", options=("a", "b")), "b|a", ("b", "a")),
        (Input(type="text", default=None), "", None),
        (Input(type="list[text]", default=["a"]), " ", ("a",)),
    ],
)
def test_a_cell_is_read_as_its_type(given_input: Input, text: str, value: object) -> None:
    found = parse_value(given_input, "x", text, HERE)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("given_input", "text", "problem", "fix"),
    [
        (Input(type="text"), " ", "is empty and has no default", "Fill it in"),
        (Input(type="integer"), "3.5", "'3.5' is not an integer", "Give an integer"),
        (Input(type="integer"), "1_000", "'1_000' is not an integer", "Give an integer"),
        (Input(type="integer", minimum=1, maximum=4), "9", "9 is above 4", "at least 1 and at mo"),
        (Input(type="number"), "1,5", "'1,5' is not a number", "as 1.5"),
        (Input(type="number"), "nan", "'nan' is not a number", "Give a number"),
        (Input(type="number"), "1e999", "inf is not a finite number", "Give a number"),
        (Input(type="boolean"), "maybe", "'maybe' is not a boolean", "Write true or false"),
        (Input(type="choice", options=("calm",)), "clam", "not one of calm", "mean 'calm'?"),
        (Input(type="choice", options=("calm",)), "x", "not one of calm", "Choose one of them"),
        (Input(type="json"), "{a: 1}", "'{a: 1}' is not JSON", "Check quotes"),
        (Input(type="json"), "NaN", "is not JSON", "Check quotes"),
        (Input(type="list[text]"), "[a", "is not JSON", "Check quotes"),
        (Input(type="list[text]"), "a||b", "item 2 of 3 is empty", "a|b|c"),
        (Input(type="list[text]"), "[1]", "1 is not a text", "Give a text"),
        (Input(type="list[text]", max=1), "a|b", "has 2 items, above 1", "Leave some out"),
        (Input(type="list[image]"), "[1]", "1 is not a path", "a.png|b.png"),
        (
            Input(type="image"),
            "http://a.b/c.png?k=1",
            "'http://a.b/c.png' is not https",
            "https ad",
        ),
        (Input(type="image"), "ftp://a.b/c.png", "'ftp://a.b/c.png' is not an https", "Download"),
        (Input(type="image"), "file:///etc/passwd", "is not an https URL", "give the path"),
        (Input(type="image"), "https://a.b/c d.png", "is no URL that can be asked", "as %20"),
        (
            Input(type="image"),
            "https://me:pw@a.b/c",
            "'https://a.b/c' holds a user name",
            "needs n",
        ),
        (Input(type="image"), "https://127.0.0.1/c", "is not at a public address", "Download"),
        (Input(type="image"), "https://localhost/c", "is not at a public address", "Download"),
        (Input(type="image"), "https://10.0.0.7/c", "is not at a public address", "Download"),
        (Input(type="image"), "https://169.254.169.254/", "is not at a public address", "Download"),
        (Input(type="image"), "https://[::ffff:10.0.0.7]/", "is not at a public addr", "Download"),
        (Input(type="image"), "https://[fe80::1]/c", "is not at a public address", "Download"),
        (
            Input(type="image"),
            "http://127.0.0.1/c",
            "'http://127.0.0.1/c' is not https",
            "https ad",
        ),
        (Input(type="list[image]"), "https://a.b/c|s3://d", "'s3://d' is not an https URL", "Dow"),
        (Input(type="image"), "gone.png", "there is no file 'gone.png'", "Put it in"),
        (Input(type="image"), "a\0b", "there is no file", "Put it in"),
    ],
)
def test_a_wrong_cell_says_what_and_how_to_mend_it(
    given_input: Input, text: str, problem: str, fix: str
) -> None:
    with pytest.raises(InputError) as raised:
        parse_value(given_input, "x", text, HERE)
    assert isinstance(raised.value, CellError)
    assert problem in raised.value.problem
    assert fix in raised.value.fix
    assert str(raised.value).startswith(f"x: {raised.value.problem}. ")


def test_a_media_cell_may_be_an_https_url(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"x")
    url = "https://cdn.example.com/a.png?sig=secret|1"
    one = parse_value(Input(type="video"), "x", f" {url} ", tmp_path)
    assert one == InputUrl(url, "video")
    assert "secret" not in repr(one)
    mixed = parse_value(Input(type="list[image]"), "x", "a.png|HTTPS://a.b/c", tmp_path)
    assert mixed == (InputFile(tmp_path / "a.png", "a.png"), InputUrl("HTTPS://a.b/c", "image"))


def test_this_machine_may_be_asked_only_when_that_is_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEDIAFLOWS_LOOPBACK_INPUTS", "1")
    here = "http://127.0.0.1:9/a.png"
    assert parse_value(Input(type="image"), "x", here, tmp_path) == InputUrl(here, "image")
    with pytest.raises(InputError, match="is not https"):
        parse_value(Input(type="image"), "x", "http://example.com/a.png", tmp_path)


def test_a_media_cell_is_a_path_from_the_tables_folder(tmp_path: Path) -> None:
    (tmp_path / "a b.png").write_bytes(b"x")
    (tmp_path / "folder").mkdir()
    (tmp_path / "empty.png").touch()
    graph = load_template("cut-out")
    rows = bound(graph, tmp_path, "id,image\n1,a b.png\n2,folder\n3,empty.png\n4,gone.png\n")
    assert rows.rows[0].inputs == {"image": InputFile(tmp_path / "a b.png", "a b.png")}
    assert [fault.problem for fault in rows.faults] == [
        "'folder' is a folder",
        "'empty.png' is an empty file",
        "there is no file 'gone.png'",
    ]
    listed = parse_value(Input(type="list[image]"), "x", "a b.png|a b.png", tmp_path)
    assert listed == (InputFile(tmp_path / "a b.png", "a b.png"),) * 2
