from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from flows.grammar import Constant, First, Ref
from flows.graph import Graph, ModelUse, compile_template
from flows.load import SHIPPED, load_text
from flows.template import Input, Step, Template
from providers.catalog import Model, load_model
from providers.errors import RequestError

TEXT = (SHIPPED / "product-photo.yaml").read_text(encoding="utf-8")

INPUTS = {
    "prompt": Input(type="text"),
    "mood": Input(type="choice", options=("calm", "loud"), default="calm"),
    "count": Input(type="integer", default=3),
    "weight": Input(type="number", default=None),
    "bright": Input(type="boolean", default=False),
    "picture": Input(type="image"),
    "scenes": Input(type="list[text]", default=()),
    "seeds": Input(type="list[integer]", default=()),
    "pictures": Input(type="list[image]", default=None),
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


def test_a_graph_has_models_kinds_and_what_each_step_needs() -> None:
    graph = load_text(TEXT, "product-photo.yaml")
    first, second = graph.steps
    assert first.model == load_model("flux-2-pro")
    assert first.kind.name == "text-to-image"
    assert first.ports == {"prompt": Ref("prompt")}
    assert first.parameters == {"aspect_ratio": Ref("aspect")}
    assert first.fallback == (ModelUse("recraft-v4"),)
    assert first.fallback_models == (load_model("recraft-v4"),)
    assert (first.needs, second.needs) == (frozenset(), {"photo"})
    assert graph.outputs == {"photo": Ref("photo"), "cutout": Ref("cutout")}
    assert graph.step("cutout") is second


def test_a_step_is_found_by_name_or_the_nearest_is_named() -> None:
    with pytest.raises(RequestError, match=r"product-photo has no step 'cutuot'\. Did you mean"):
        load_text(TEXT, "product-photo.yaml").step("cutuot")


def test_the_digest_is_of_the_content_not_of_the_text() -> None:
    digest = load_text(TEXT, "a.yaml").digest
    reformatted = TEXT.replace(
        "{prompt: $prompt, aspect_ratio: $aspect}",
        "\n      # a comment\n      aspect_ratio: '$aspect'\n      prompt: \"$prompt\"",
    )
    assert load_text(reformatted, "b.yaml").digest == digest
    assert load_text(TEXT + "\n", "b.yaml").digest == digest
    assert load_text(TEXT.replace("version: 1", "version: 2"), "a.yaml").digest != digest


def test_a_resumed_run_finds_models_in_its_frozen_catalog() -> None:
    frozen = load_model("flux-2-pro").model_copy(update={"revision": 99})

    def find(name: str) -> Model:
        return frozen if name == "flux-2-pro" else load_model(name)

    assert load_text(TEXT, "a.yaml", find_model=find).steps[0].model.revision == 99


def test_a_model_can_be_pinned_to_a_provider() -> None:
    step = graph_of(
        {"a": {**photo(), "model": "flux-2-pro@bfl", "fallback": ["recraft-v4@local"]}}
    ).steps[0]
    assert step.use == ModelUse("flux-2-pro", "bfl")
    assert str(step.use) == "flux-2-pro@bfl"
    assert step.fallback == (ModelUse("recraft-v4", "local"),)


def test_a_provider_of_a_fallback_only_may_narrow_the_step() -> None:
    step = {"model": "birefnet", "with": {"image": "$picture"}, "fallback": ["bria-rmbg-2"]}
    assert graph_of({"a": {**step, "provider": ["bria", "fal"]}}).steps[0].provider == (
        "bria",
        "fal",
    )


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"prompt": "$promt"}, "no input or earlier step 'promt'. Did you mean 'prompt'?"),
        ({"prompt": "$b"}, "'b' is a later step; move it above this one"),
        ({"prompt": "$a"}, "'a' is this step itself"),
        ({"prompt": "a $mood mug"}, "with.prompt: '$mood' stands inside a longer text; write $"),
        ({"prompt": "$picture"}, "takes a text and $picture is an image; connect a text. Fitting"),
        ({"prompt": "$count"}, 'takes a text and $count is an integer; write "${count}"'),
        ({"prompt": "$scenes"}, "add `each: {item: $scenes}` to the step and write $item here"),
        ({"prompt": ["$prompt"]}, "takes a text, not a list; write $prompt alone"),
        ({"prompt": 5}, 'takes a text, not 5; write "5"'),
        ({"prompt": None}, "has no value"),
        ({"prompt": "a ${picture}"}, "${picture} is an image; a text takes in texts and numbers"),
        ({"prompt": "a ${scenes}"}, "${scenes} is a list[text]"),
        ({"promt": "$prompt"}, "flux-2-pro has no 'promt'. Did you mean 'prompt'?"),
        ({"sede": 1}, "flux-2-pro has no 'sede'. Did you mean 'seed'?"),
        ({"seed": -1}, "with.seed: -1 is below 0"),
        ({"seed": "1"}, "with.seed: '1' is not an integer"),
        (
            {"seed": "$prompt"},
            "takes an integer and $prompt is a text; give an integer. Fitting: $",
        ),
        ({"seed": "$weight"}, "takes an integer and $weight is a number"),
        ({"seed": "$bright"}, "takes an integer and $bright is a boolean"),
        ({"seed": "${count}"}, "takes an integer, not a text"),
        ({"seed": "$seeds"}, "add `each: {item: $seeds}`"),
        ({"seed": ["$count"]}, "takes one value, not a list"),
        (
            {"seed": "$picture.size"},
            "'picture' is an image without 'size'. Known: alpha, height, kind, width.",
        ),
        ({"seed": "$picture.seconds"}, "'picture' is an image without 'seconds'"),
        ({"seed": "$pictures.width"}, "'pictures' is a list[image] without 'width'"),
        ({"safety": 9}, "with.safety: 9 is above 5"),
        ({"aspect_ratio": "7:3"}, "with.aspect_ratio: '7:3' is not one of 1:1, 16:9"),
        ({"aspect_ratio": "$mood"}, "input 'mood' has options that this does not take: calm, loud"),
    ],
)
def test_a_wrong_value_names_step_place_and_fix(values: dict[str, Any], message: str) -> None:
    problem = problem_with({"a": photo(**values), "b": photo()})
    assert problem.startswith("step 'a': with")
    assert message in problem


def test_a_default_that_a_parameter_does_not_take_is_found_at_load() -> None:
    text = TEXT.replace("aspect: {", "level: {type: integer, default: 7}\n  aspect: {")
    text = text.replace("aspect_ratio: $aspect", "safety: $level")
    with pytest.raises(RequestError, match=r"'level' has the default .*: 7 \(is above 5\)"):
        load_text(text, "a.yaml")


def test_a_missing_port_offers_what_fits() -> None:
    step = {"model": "birefnet"}
    assert problem_with({"a": photo(), "b": step}, out="$a") == (
        "step 'b': with: birefnet needs 'image'. Fitting: $picture, $a."
    )


def test_what_may_flow_where() -> None:
    graph = graph_of(
        {
            "a": photo(prompt="$mood", seed="$picture.width", aspect_ratio="$prompt"),
            "b": photo(prompt="${mood} ${count} ${a.width}", seed="$count"),
            "sheet": {"model": "contact-sheet", "with": {"images": ["$a", "$b.image"]}},
            "whole": {"model": "contact-sheet", "with": {"images": "$pictures"}},
            "any": {"model": "birefnet", "with": {"image": {"first": ["$sheet", "$picture"]}}},
            "c": photo(prompt="100 $$"),
        }
    )
    assert graph.step("b").needs == {"a"}
    assert graph.step("sheet").needs == {"a", "b"}
    assert graph.step("any").ports == {"image": First((Ref("sheet"), Ref("picture")))}
    assert graph.step("c").ports == {"prompt": Constant("100 $")}


@pytest.mark.parametrize(
    ("model", "port", "value", "message"),
    [
        ("birefnet", "image", "$prompt", "takes an image and $prompt is a text; connect an image"),
        ("birefnet", "image", "a.png", "a file comes from an input. Fitting: $picture"),
        ("birefnet", "image", "a ${mood}", "takes an image, not a text. Fitting: $picture"),
        ("birefnet", "image", {"first": ["$picture", "$prompt"]}, "$prompt is a text"),
        ("birefnet", "image", "$pictures", "add `each: {item: $pictures}`"),
        ("contact-sheet", "images", "$picture", "$picture is an image; write [$picture]"),
        ("contact-sheet", "images", ["$picture", "$prompt"], "$prompt is a text"),
        ("contact-sheet", "images", ["$pictures"], "takes an image and $pictures is a list[image]"),
    ],
)
def test_a_wrong_type_on_an_edge_says_what_to_write(
    model: str, port: str, value: Any, message: str
) -> None:
    assert message in problem_with({"a": {"model": model, "with": {port: value}}})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"model": "flux-2-por"},
            "model: There is no model 'flux-2-por'. Did you mean 'flux-2-pro",
        ),
        ({"model": "flux-2-pro@fall"}, "not offered by 'fall'. Did you mean 'fal'?"),
        ({"fallback": ["recraft-4"]}, "fallback[0]: There is no model 'recraft-4'. Did you mean"),
        ({"fallback": ["recraft-v4", "birefnet"]}, "fallback[1]: 'birefnet' is of kind remove-ba"),
        ({"fallback": ["recraft-v4@bfl"]}, "recraft-v4 is not offered by 'bfl'"),
        ({"provider": "replicat"}, "provider: flux-2-pro is not offered by 'replicat'. Did you me"),
        ({"provider": "fal", "model": "flux-2-pro@fal"}, "the model already names @fal"),
    ],
)
def test_a_wrong_model_or_provider_is_answered_with_the_nearest(
    change: dict[str, Any], message: str
) -> None:
    problem = problem_with({"a": {**photo(), **change}})
    assert problem.startswith("step 'a': ")
    assert message in problem


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("$aa", "output 'out': there is no input or earlier step 'aa'. Did you mean 'a'?"),
        ("$prompt", "$prompt is an input; an output is what a step gives"),
        ("$a.width", "$a.width is a fact; an output is what a step gives: $a"),
        ("a.png", "'a.png' is not a step; write $step"),
        (["$a"], "is not a step"),
        ({"first": ["$a", "$picture"]}, "$picture is an input"),
    ],
)
def test_an_output_is_a_step_or_the_first_of_several(value: Any, message: str) -> None:
    assert message in problem_with({"a": photo()}, out=value)


def test_a_step_may_not_bear_the_name_of_an_input() -> None:
    assert problem_with({"prompt": photo()}) == (
        "step 'prompt': is an input, too; rename one of the two"
    )


def test_a_mistake_in_a_file_names_its_line() -> None:
    with pytest.raises(RequestError, match=r"^a\.yaml:10: step 'photo': with\.prompt: 'cutout' is"):
        load_text(TEXT.replace("prompt: $prompt", "prompt: $cutout"), "a.yaml")
