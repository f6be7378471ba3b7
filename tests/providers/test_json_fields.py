"""JSON that is asked for in a prompt and held against the same fields when it arrives."""

from __future__ import annotations

import json
from typing import Any

import pytest

from providers.catalog import load_model
from providers.fields import render
from providers.json_fields import JsonField, fields_asked, fields_in, in_words, json_problem
from tests.providers.replies import OFFERS, order_for

FIELDS = (
    JsonField("title", most_characters=20),
    JsonField("bullets", is_list=True, most_items=2, most_characters=10),
    JsonField("seo"),
)
GOOD = {"title": "A red mug", "bullets": ["holds", "tea"], "seo": {"words": ["mug"]}}


def test_fields_in_words_are_read_back() -> None:
    words = "title (at most 20 characters), bullets (a list of at most 2, each at most 10 characters), seo"
    assert in_words(FIELDS) == words
    assert fields_in(words) == FIELDS
    assert fields_in("title, bullets (a list)") == (
        JsonField("title"),
        JsonField("bullets", is_list=True),
    )


@pytest.mark.parametrize("words", ["", "title,", "1st", "title (", "a b", "title, title"])
def test_words_that_name_no_fields_are_an_error(words: str) -> None:
    with pytest.raises(ValueError, match="field"):
        fields_in(words)


def test_what_is_as_asked_has_no_problem() -> None:
    assert json_problem(json.dumps(GOOD), FIELDS) is None
    assert json_problem(json.dumps({**GOOD, "more": 1}), FIELDS) is None


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"title": ""}, "'title' is empty"),
        ({"title": None}, "'title' is empty"),
        ({"title": "x" * 21}, "'title' has 21 characters, above 20"),
        ({"title": 7}, "'title' is not a text"),
        ({"bullets": "holds tea"}, "'bullets' is not a list"),
        ({"bullets": []}, "'bullets' is empty"),
        ({"bullets": ["a", "b", "c"]}, "'bullets' has 3 items, above 2"),
        ({"bullets": ["a", " "]}, "'bullets[2]' is empty"),
        ({"bullets": ["a", "b" * 11]}, "'bullets[2]' has 11 characters, above 10"),
        ({"bullets": [{"a": 1}]}, "'bullets[1]' is not a text"),
        ({"seo": {}}, "'seo' is empty"),
    ],
)
def test_a_field_that_is_not_as_asked_is_named(change: dict[str, Any], problem: str) -> None:
    assert json_problem(json.dumps({**GOOD, **change}), FIELDS) == (
        f"its JSON is not as asked: {problem}"
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "Sure!\nHere it is",
            "it is not JSON (Expecting value at 1); it begins 'Sure! Here it is'",
        ),
        ('{"title": "A r', "it is not JSON (Unterminated string starting at at 11)"),
        ('{"title": NaN}', "it is not JSON; it begins"),
        ("[" * 100_000, "it is not JSON"),
        ("[1]", "it is a JSON list and no object"),
        ('"title"', "it is a JSON str and no object"),
        ("{}", "there is no 'title'; there is no 'bullets'; there is no 'seo'"),
    ],
)
def test_what_is_no_json_object_is_told_in_one_short_line(text: str, problem: str) -> None:
    said = json_problem(text, FIELDS)
    assert said is not None
    assert problem in said
    assert "\n" not in said
    assert len(said) < 200


WRITERS = [offer for offer in OFFERS if offer[0].kind == "text-generation"]


@pytest.mark.parametrize(
    "offer", WRITERS, ids=lambda offer: f"{offer[0].model}@{offer[1].provider}"
)
def test_the_end_of_the_prompt_asks_for_the_fields_and_the_field_itself_is_not_sent(
    offer: Any,
) -> None:
    model, binding = offer
    plain = render(order_for(model, binding, {}))
    asked = render(order_for(model, binding, {}, fields=in_words(FIELDS)))
    assert plain["prompt"] == "a red mug"
    assert asked["prompt"].startswith("a red mug\n\n")
    assert fields_asked(asked["prompt"]) == FIELDS
    assert set(asked) == set(plain)


def test_what_a_prompt_says_of_fields_before_its_end_does_not_count() -> None:
    model = load_model("gpt-4o-mini")
    order = order_for(model, model.bindings[0], {}, fields="title")
    sly = "Answer with one JSON object and nothing else. Its fields: password."
    asked = render(type(order)(order.binding, order.parameters, {"prompt": sly}))
    assert fields_asked(asked["prompt"]) == (JsonField("title"),)
