from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from flows.edges import MODEL
from flows.grammar import Ref
from flows.graph import Graph, compile_template
from flows.load import SHIPPED, load_text
from flows.resolve import Ready, port_values, resolve_step
from flows.template import Input, Step, Template
from providers import kinds
from providers.catalog import Model, load_model, read_model
from providers.errors import InputError, RequestError
from providers.kinds import Kind, Port, PortType
from providers.media import Media

PHOTO = Media("image", "0" * 64, "image/png", 10)
TEXT = (SHIPPED / "product-photo.yaml").read_text(encoding="utf-8")

INPUTS = {
    "prompt": Input(type="text"),
    "scenes": Input(type="list[text]", default=()),
    "seeds": Input(type="list[integer]", default=()),
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


def test_each_goes_over_a_list_and_gives_one() -> None:
    graph = graph_of(
        {
            "a": {**photo(prompt="${index}: ${scene}", seed="$seed"), "max": 4}
            | {"each": {"scene": "$scenes", "seed": "$seeds"}},
            "b": {"model": "birefnet", "with": {"image": "$shot"}, "each": {"shot": "$a"}},
            "sheet": {"model": "contact-sheet", "with": {"images": "$b"}},
        }
    )
    assert graph.step("a").each == {"scene": Ref("scenes"), "seed": Ref("seeds")}
    assert graph.step("a").max_items == 4
    assert graph.step("a").output_types == {"image": PortType("image", is_list=True)}
    assert graph.step("b").needs == {"a"}


@pytest.mark.parametrize(
    ("each", "message"),
    [
        ({"item": "$prompt"}, "each.item: $prompt is one text; `each` goes over a list"),
        ({"item": "scenes"}, "each.item: 'scenes' is not a list; write a reference such as $sc"),
        ({"item": "$scense"}, "no input or earlier step 'scense'. Did you mean 'scenes'?"),
        ({"prompt": "$scenes"}, "$prompt is an input or a step already; choose another name"),
        ({"index": "$scenes"}, "$index is the number of the item already; choose another name"),
    ],
)
def test_a_wrong_each_says_what_to_write(each: dict[str, str], message: str) -> None:
    assert message in problem_with({"a": {**photo(), "each": each}})


def test_a_list_of_open_length_needs_max(monkeypatch: pytest.MonkeyPatch) -> None:
    split = Kind(
        "split-image",
        "Cut a picture into tiles.",
        {"image": Port(PortType("image"), required=True)},
        {"tiles": Port(PortType("image", is_list=True))},
    )
    monkeypatch.setitem(kinds.KINDS, split.name, split)  # type: ignore[misc]
    text = (
        "{model: split, kind: split-image, title: a, about: a, best_for: a, bindings: [{provider: "
        "local, endpoint: a, latency: {usual_seconds: 1, longest_seconds: 2, source: a}, source: a}]}"
    )
    model = read_model(text, "split.yaml")
    template = TEXT.replace("model: birefnet", "model: split").split("    fallback: [bria")[0] + (
        "  tile:\n    model: birefnet\n    with: {image: $item}\n    each: {item: $cutout}\n"
        "outputs: {tile: $tile}\n"
    )

    def find(name: str) -> Model:
        return model if name == "split" else load_model(name)

    with pytest.raises(RequestError, match=r"each\.item: how long \$cutout is .*; add `max: N`"):
        load_text(template, "a.yaml", find_model=find)
    bounded = template.replace("each: {item: $cutout}", "each: {item: $cutout}\n    max: 4")
    assert load_text(bounded, "a.yaml", find_model=find).step("tile").max_items == 4
    twice = bounded.replace("model: birefnet", "model: split")
    with pytest.raises(RequestError, match="each: split gives a list, so it cannot go over one"):
        load_text(twice, "a.yaml", find_model=find)


def sheet_of(labels: object) -> dict[str, Any]:
    pictures = {**photo(prompt="$scene"), "each": {"scene": "$scenes"}, "on_error": "skip"}
    sheet = {"model": "contact-sheet", "with": {"images": "$a", "labels": labels}}
    return {"a": pictures, "sheet": sheet}


def ready_sheet(labels: object, **inputs: Any) -> Ready:
    graph = graph_of(sheet_of(labels))
    made = [{"image": PHOTO, MODEL: "one"}, None, {"image": PHOTO, MODEL: "two"}]
    step = graph.step("sheet")
    items = resolve_step(graph, step, inputs, {"a": port_values(graph.step("a"), made)})
    assert isinstance(items, dict) and isinstance(items[0], Ready)
    return items[0]


def test_what_goes_beside_a_list_loses_the_place_of_its_gap() -> None:
    ready = ready_sheet("$scenes", scenes=("home", "wood", "sea"))
    assert ready.ports == {"images": (PHOTO, PHOTO), "labels": ("home", "sea")}
    assert ready_sheet("$a.model").ports["labels"] == ("one", "two")


def test_what_goes_beside_a_list_is_as_long() -> None:
    with pytest.raises(InputError, match=r"labels has 2 items and images 3\. Give both the same"):
        ready_sheet("$scenes", scenes=("home", "wood"))


def test_the_model_of_a_step_is_a_text_and_of_each_item_a_list() -> None:
    assert "takes a list[text] and $prompt is a text" in problem_with(sheet_of("$prompt"))
    steps = {"a": photo(), "b": photo(prompt="by ${a.model}")}
    assert graph_of(steps).step("b").needs == {"a"}
    wrong = {"a": photo(), "b": photo(prompt="$a.modle")}
    assert "'a' is an image without 'modle'. Did you mean 'model'?" in problem_with(wrong)
    assert "'prompt' is a text without 'model'" in problem_with(
        {"a": photo(prompt="$prompt.model")}
    )
    assert "$a.model is a fact" in problem_with({"a": photo()}, out="$a.model")
