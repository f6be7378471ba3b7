from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.grammar import (
    NO_RESULT,
    Constant,
    Expression,
    First,
    Items,
    NoResult,
    Ref,
    Text,
    evaluate,
    parse,
    references,
)
from providers.errors import RequestError
from providers.media import Value

NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)
PIECES = st.sampled_from(
    ["$", "$$", "${", "}", "{", "$a", "${a}", "${a.width}", "x", " ", "é", "5"]
)
TEXTS = st.lists(PIECES | st.text(max_size=5), max_size=8).map("".join)


def value_of(expression: Expression, **values: Value | NoResult) -> Value | NoResult:
    return evaluate(expression, lambda ref: values[str(ref)])


def test_a_whole_reference_keeps_the_type_of_its_value() -> None:
    assert parse("$count", "t") == Ref("count")
    assert parse("$photo.width", "t") == Ref("photo", "width")
    assert value_of(Ref("count"), count=3) == 3


def test_a_text_takes_in_values_and_two_dollars_are_one() -> None:
    text = parse("a ${colour} mug for $$${price}", "t")
    assert text == Text(("a ", Ref("colour"), " mug for $", Ref("price")))
    assert value_of(text, colour="red", price=2.5) == "a red mug for $2.5"


def test_a_text_without_a_reference_is_a_constant() -> None:
    assert parse("100 $$", "t") == Constant("100 $")
    assert parse("", "t") == Constant("")
    assert parse(True, "t") == Constant(True)


def test_braces_alone_are_a_text_not_a_whole_value() -> None:
    assert value_of(parse("${count}", "t"), count=3) == "3"


def test_scalars_read_as_they_are_written_in_a_template() -> None:
    text = parse("${a} ${b} ${c} ${d}", "t")
    assert value_of(text, a=True, b=1.0, c=0.1, d=None) == "true 1 0.1 "


def test_a_list_has_a_gap_where_something_is_missing() -> None:
    items = parse(["$a", "$b.image", "$c"], "t")
    assert items == Items((Ref("a"), Ref("b", "image"), Ref("c")))
    values = {"a": "x", "b.image": NO_RESULT, "c": None}
    assert evaluate(items, lambda ref: values[str(ref)]) == ("x", None, None)
    assert evaluate(items, lambda ref: NO_RESULT) is NO_RESULT


def test_first_takes_the_first_that_has_a_result() -> None:
    first = parse({"first": ["$a", "$b", "$c"]}, "t")
    assert first == First((Ref("a"), Ref("b"), Ref("c")))
    assert value_of(first, a=NO_RESULT, b=None, c=0) == 0
    assert value_of(first, a=NO_RESULT, b=NO_RESULT, c=NO_RESULT) is NO_RESULT


def test_a_text_with_a_missing_result_has_none() -> None:
    assert value_of(parse("a ${b} c", "t"), b=NO_RESULT) is NO_RESULT


def test_references_come_in_order() -> None:
    assert references(parse("${b} ${a.width}", "t")) == (Ref("b"), Ref("a", "width"))
    assert references(Constant("a")) == ()
    assert references(Ref("a")) == (Ref("a"),)


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("a $name mug", "write ${name} there"),
        ("$a.width px", "write ${a.width} there"),
        ("$a$b", "write ${a} there"),
        ("$Name", "write $name or $name.part in lower case"),
        ("$a.b.c", "write $name or $name.part"),
        ("it costs $5", "$$ for a dollar"),
        ("100 $", "$$ for a dollar"),
        ("${Name}", "'${Name}' is not a reference"),
        ("${a", "'${a' is not a reference"),
        ("${a + b}", "'${a + b}' is not a reference"),
        (None, "has no value"),
        ([], "at least one reference"),
        (["$a", "b"], "not 'b'"),
        (["$a", ["$b"]], "not ['$b']"),
        ({"first": ["a"]}, "not 'a'"),
        ({"first": "$a"}, "{first: [$a, $b]}"),
        ({"frist": ["$a"]}, "{first: [$a, $b]}"),
        (float("inf"), "quote it"),
    ],
)
def test_what_is_not_in_the_grammar_is_refused_with_place_and_fix(
    value: object, problem: str
) -> None:
    with pytest.raises(RequestError) as raised:
        parse(value, "a.yaml:3")
    assert str(raised.value).startswith("a.yaml:3: ")
    assert problem in str(raised.value)


@given(st.text(max_size=30))
def test_any_text_can_be_written_by_doubling_its_dollars(text: str) -> None:
    assert parse(text.replace("$", "$$"), "t") == Constant(text)


@given(NAMES, TEXTS)
def test_a_value_out_of_a_table_is_never_scanned(name: str, cell: str) -> None:
    assert evaluate(Ref(name), lambda ref: cell) == cell
    text = parse(f"<${{{name}}}|${{{name}}}>", "t")
    assert evaluate(text, lambda ref: cell) == f"<{cell}|{cell}>"


@settings(max_examples=200)
@given(TEXTS)
def test_any_string_either_parses_or_is_refused_in_one_line(text: str) -> None:
    try:
        expression = parse(text, "t")
    except RequestError as error:
        assert str(error).startswith("t: ")
        assert "\n" not in str(error)
    else:
        assert isinstance(expression, Constant | Ref | Text)
        if not references(expression):
            assert isinstance(expression, Constant)
            assert expression.value == text.replace("$$", "$")


@given(st.lists(NAMES, min_size=1, max_size=5))
def test_references_of_a_list_are_those_written(names: list[str]) -> None:
    refs = tuple(map(Ref, names))
    assert references(parse([f"${name}" for name in names], "t")) == refs
    assert references(parse({"first": [f"${name}" for name in names]}, "t")) == refs
