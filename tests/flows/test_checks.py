"""Checks as a template writes them: the JSON one is carried out, the others are refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from flows.grammar import Constant
from flows.graph import Graph, GraphStep, compile_template
from flows.options import RunOptions
from flows.place import Place
from flows.routes import plan_routes
from flows.template import Template
from providers.errors import RejectedError, RequestError, SetupError
from providers.json_fields import JsonField


def graph_of(checks: Any, model: str = "gpt-4o-mini", **with_: Any) -> Graph:
    data = {
        "name": "words",
        "version": 1,
        "about": "x",
        "inputs": {"prompt": {"type": "text"}},
        "steps": {
            "copy": {"model": model, "with": {"prompt": "$prompt", **with_}, "checks": checks}
        },
        "outputs": {"copy": "$copy"},
    }
    return compile_template(Template.model_validate(data), Place("words.yaml"))


def step_of(checks: Any, **with_: Any) -> GraphStep:
    return graph_of(checks, **with_).step("copy")


def test_a_json_check_names_fields_and_the_model_is_told_of_them() -> None:
    step = step_of(
        [{"json": {"title": {"max": 70}, "bullets": {"list": 5, "max": 120}, "seo": {}}}]
    )
    assert step.checked.json == (
        JsonField("title", most_characters=70),
        JsonField("bullets", is_list=True, most_items=5, most_characters=120),
        JsonField("seo"),
    )
    told = step.parameters["fields"]
    assert told == Constant(
        "title (at most 70 characters), bullets (a list of at most 5, each at most 120 "
        "characters), seo"
    )


def test_a_list_of_names_is_enough_and_own_words_to_the_model_stay() -> None:
    step = step_of([{"json": ["title", "bullets"]}], fields="title, bullets (a list)")
    assert step.checked.json == (JsonField("title"), JsonField("bullets"))
    assert step.parameters["fields"] == Constant("title, bullets (a list)")


def test_the_digest_is_that_of_what_is_checked() -> None:
    one, other = step_of([{"json": ["title"]}]), step_of([{"json": {"title": {"max": 9}}}])
    assert one.checked.digest != other.checked.digest
    assert one.checked.digest == step_of([{"json": {"title": {}}}]).checked.digest
    assert step_of([]).checked.digest is None


def test_a_result_that_does_not_pass_is_turned_down_in_one_line() -> None:
    checked = step_of([{"json": ["title"]}]).checked
    checked.require({"text": '{"title": "A mug"}'})
    with pytest.raises(RejectedError, match="the text that came is turned down: it is not JSON"):
        checked.require({"text": "A mug"})


@pytest.mark.parametrize(
    ("json", "problem"),
    [
        ([], r"checks\[0\].json: names the fields of the answer: write \[title"),
        ({}, "names the fields of the answer"),
        ("title", "names the fields of the answer"),
        (["1st"], "a field has letters"),
        ({"title": 70}, "70 is no form of a field"),
        ({"title": {"most": 70}}, "there is no 'most'. It is one of max, list|there is no 'most'"),
        ({"title": {"max": 0}}, "max: 0 is not the most characters"),
        ({"title": {"max": True}}, "max: True is not"),
        ({"bullets": {"list": "yes"}}, "list: 'yes' is neither true nor"),
        ({"bullets": {"list": 0}}, "list: 0 is neither"),
    ],
)
def test_a_check_that_is_not_in_its_form_is_refused_at_load(json: Any, problem: str) -> None:
    with pytest.raises(RequestError, match=problem) as caught:
        graph_of([{"json": json}])
    assert "step 'copy'" in str(caught.value)


def test_json_is_checked_once_alone_and_of_a_text() -> None:
    with pytest.raises(RequestError, match="checked twice"):
        graph_of([{"json": ["a"]}, {"json": ["b"]}])
    with pytest.raises(RequestError, match="an entry of its own"):
        graph_of([{"json": ["a"], "sharp": True}])
    with pytest.raises(RequestError, match="json checks a text, and text-to-image gives none"):
        graph_of([{"json": ["a"]}], model="flux-2-pro")


def test_every_other_check_is_refused_before_a_run_and_what_is_known_is_named(
    tmp_path: Path,
) -> None:
    graph = graph_of([{"json": ["title"]}, {"words": ["cheap"]}])
    with pytest.raises(SetupError, match=r"check 'words' is valid.*it carries out json"):
        plan_routes(graph, RunOptions(local=True))
