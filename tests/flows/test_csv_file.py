from __future__ import annotations

import hashlib
from pathlib import Path
from time import process_time

import pytest

from flows.graph import Graph
from flows.load import load_template
from flows.table import BoundTable, bind_table, read_table
from providers.errors import RequestError

EXAMPLE = Path(__file__).parents[2] / "examples" / "products.csv"


@pytest.fixture(scope="module")
def graph() -> Graph:
    return load_template("product-photo")


def bound(graph: Graph, folder: Path, text: str, **options: object) -> BoundTable:
    path = folder / "rows.csv"
    path.write_text(text, encoding="utf-8")
    return bind_table(graph, read_table(path), **options)  # type: ignore[arg-type]


def test_the_example_binds_whole(graph: Graph) -> None:
    table = read_table(EXAMPLE)
    rows = bind_table(graph, table)
    assert len(rows.rows) == 12
    assert rows.id_column == "sku"
    assert rows.unused_columns == ("category",)
    assert rows.faults == ()
    assert rows.rows[1].id == "OIL-002"
    assert rows.rows[1].inputs == {"prompt": "a glass bottle of olive oil", "aspect": "4:5"}
    assert rows.rows[1].record["category"] == "food"
    assert table.sha256 == hashlib.sha256(EXAMPLE.read_bytes()).hexdigest()


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("start", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_spreadsheets_write_csv_in_many_ways(
    delimiter: str, start: str, end: str, tmp_path: Path
) -> None:
    rows = [("sku", "prompt"), ("1", '"a; b, ""c"""'), ("", ""), ("2", "x")]
    path = tmp_path / "a.csv"
    path.write_bytes((start + end.join(map(delimiter.join, rows)) + end * 2).encode())
    table = read_table(path)
    assert table.columns == ("sku", "prompt")
    assert table.records == ({"sku": "1", "prompt": 'a; b, "c"'}, {"sku": "2", "prompt": "x"})
    assert table.lines == (2, 4)


def test_a_short_row_is_filled_up_and_a_cell_may_have_lines(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('id,prompt,aspect\n1,"a\nb"\n2,c\n', encoding="utf-8")
    table = read_table(path)
    assert table.records[0] == {"id": "1", "prompt": "a\nb", "aspect": ""}
    assert table.lines == (2, 4)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "a.csv: is empty; line 1 names the columns"),
        (b"\n\n", "a.csv: is empty"),
        (b"id,prompt\n", "a.csv: has a header and no rows, so there is nothing to do; add a row"),
        (b"id,,prompt\n1,2,3\n", "a.csv:1: column 2 has no name; the first row names every"),
        (b"a mug,1:1,1:1\nb,1:1,1:1\n", "columns 2 and 3 are both named '1:1'; rename one, or"),
        (b"id,prompt\n1,a\n2,b,c\n", "a.csv:3: has 3 cells and the header has 2; put a cell"),
        (b"id,prompt\n1,caf\xe9\n", "a.csv:2: is not UTF-8: byte 0xe9 at offset 15; save the"),
        (b"\xef\xbb\xbfid\n\xe9\n", "a.csv:2: is not UTF-8: byte 0xe9 at offset 6; save the"),
        ("id,a\n1,b\n".encode("utf-16"), "a.csv:1: is not UTF-8: byte 0xff at offset 0"),
        (b'id,prompt\n1,"a\n2,b\n', "a.csv:2: is not CSV: "),
    ],
)
def test_a_file_that_is_no_table_says_where_and_what_to_do(
    content: bytes, message: str, tmp_path: Path
) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    with pytest.raises(RequestError) as raised:
        read_table(path)
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_missing_table_is_a_request_error(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"There is no file .*gone\.csv"):
        read_table(tmp_path / "gone.csv")
    with pytest.raises(RequestError, match="cannot be read"):
        read_table(tmp_path)


def test_ten_thousand_rows_are_read_and_bound_at_once(graph: Graph, tmp_path: Path) -> None:
    lines = [f'S{number},"a red mug, {number}",4:5,kitchen' for number in range(10_000)]
    started = process_time()
    rows = bound(graph, tmp_path, "\n".join(["sku,prompt,aspect,category", *lines]))
    assert len(rows.rows) == 10_000
    assert process_time() - started < 0.5
