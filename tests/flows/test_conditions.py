from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from flows.conditions import condition_references, evaluate_condition
from flows.grammar import Ref
from flows.graph import Graph, compile_template
from flows.template import Input, Step, Template
from providers.errors import InputError, RequestError
from providers.media import Media

PHOTO = Media("image", "0" * 64, "image/png", 10, width=1000, height=800, alpha=True)

INPUTS = {
    "prompt": Input(type="text"),
    "mood": Input(type="choice", options=("calm", "loud"), default="calm"),
    "count": Input(type="integer", default=3),
    "weight": Input(type="number", default=None),
    "bright": Input(type="boolean", default=False),
    "picture": Input(type="image"),
}


def graph_of(steps: Mapping[str, dict[str, Any]], **outputs: Any) -> Graph:
    template = Template(
        name="trial",
        version=1,
        about="",
        inputs=INPUTS,
        steps={name: Step.model_validate(step) for name, step in steps.items()},
        outputs=outputs or {"out": f"${next(iter(steps))}"},
    )
    return compile_template(template, "trial.yaml")


def photo(**values: Any) -> dict[str, Any]:
    return {"model": "flux-2-pro", "with": {"prompt": "$prompt", **values}}


def problem_with(steps: Mapping[str, dict[str, Any]], **outputs: Any) -> str:
    with pytest.raises(RequestError) as raised:
        graph_of(steps, **outputs)
    message = str(raised.value)
    assert message.startswith("trial.yaml: ")
    assert "\n" not in message
    return message.removeprefix("trial.yaml: ")


def test_a_condition_reads_names_and_facts() -> None:
    source = 'mood == "calm" and not (a.width * 2 < 2000 or count in [1, 2])'
    step = {**photo(), "when": source}
    graph = graph_of({"a": photo(), "b": step})
    assert graph.step("b").needs == {"a"}
    assert condition_references(source, "t") == (Ref("mood"), Ref("a", "width"), Ref("count"))


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("mod == 'calm'", "no input or earlier step 'mod'. Did you mean 'mood'?"),
        ("b.width > 3", "'b' is a later step"),
        ("picture.seconds > 3", "'picture' is an image without 'seconds'"),
        ("picture.sha256 == 'a'", "'picture.sha256' is not a fact of anything. Known: alpha, "),
        ("picture.alfa", "'picture.alfa' is not a fact of anything. Did you mean 'alpha'?"),
        ("picture.kinds == 'a'", "Did you mean 'kind'?"),
        ("mood.alpha", "'mood' is a choice without 'alpha'"),
        ("bright == true", "'true' is written True here"),
        ("$mood == 'calm'", "Names bear no $ here"),
        ("mood = 'calm'", "is not a condition"),
        ("mood ==", "is not a condition"),
        ("", "is not a condition"),
        ("x" * 600, "longer than 500 characters"),
        ("mood.upper() == 'A'", "'mood.upper()' (Call) cannot stand in a condition"),
        ("__import__('os')", "(Call) cannot stand"),
        ("mood[0] == 'c'", "(Subscript) cannot stand"),
        ("mood.__class__", "is not a fact"),
        ("(lambda: 1)", "(Lambda) cannot stand"),
        ("[x for x in mood]", "(ListComp) cannot stand"),
        ("f'{mood}' == 'a'", "(JoinedStr) cannot stand"),
        ("9 ** 9 > 1", "(Pow) cannot stand"),
        ("1 << 9 > 1", "(LShift) cannot stand"),
        ("mood == b'a'", "(Constant) cannot stand"),
        ("mood if bright else count", "(IfExp) cannot stand"),
        ("(mood := 'a') == 'a'", "(NamedExpr) cannot stand"),
    ],
)
def test_a_condition_holds_nothing_but_comparisons(source: str, message: str) -> None:
    problem = problem_with({"a": {**photo(), "when": source}, "b": photo()})
    assert problem.startswith("step 'a': when: ")
    assert message in problem


@pytest.mark.parametrize(
    ("source", "holds"),
    [
        ('mood == "calm"', True),
        ('mood in ["loud", "quiet"]', False),
        ("photo.width < 2000 and photo.height >= 800", True),
        ("count % 2 == 1 and -count < 0", True),
        ("weight is None or weight > 3", True),
        ("not bright", True),
        ("photo", True),
        ("photo.alpha and photo.kind == 'image'", True),
        ("not photo.alpha", False),
        ("1 < count <= 3", True),
    ],
)
def test_a_condition_is_worked_out(source: str, holds: bool) -> None:
    names = {"mood": "calm", "count": 3, "weight": None, "bright": False, "photo": PHOTO}
    condition_references(source, "t")
    assert evaluate_condition(source, names) is holds


@pytest.mark.parametrize(
    "source",
    [
        "weight > 3",
        "mood % 3 == 1",
        "mood * 99 == 'a'",
        "count / 0 == 1",
        "gone == 1",
        "bright + 1",
    ],
)
def test_a_condition_that_cannot_be_worked_out_is_the_rows_fault(source: str) -> None:
    names = {"mood": "%999d", "count": 3, "weight": None, "bright": False}
    with pytest.raises(InputError) as raised:
        evaluate_condition(source, names)
    assert str(raised.value).startswith(f"`when: {source}` cannot be worked out with ")
