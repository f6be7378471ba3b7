"""Rendering: canonical values become the vendor's fields, and nothing else does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from providers.adapter import Material, Order
from providers.catalog import Binding, load_model
from providers.catalog.schema import FieldRule
from providers.errors import InputError
from providers.fields import file_form, render
from tests.providers.replies import FILE, material


def binding(fields: dict[str, Any], **more: Any) -> Binding:
    facts = {"latency": {"usual_seconds": 1, "longest_seconds": 2, "source": "x"}, "source": "x"}
    data = {"provider": "fal", "endpoint": "x", "fields": fields, **facts, **more}
    return Binding.model_validate(data)


def rendered(fields: dict[str, Any], inputs: Any = None, **parameters: Any) -> dict[str, Any]:
    return render(Order(binding(fields), parameters, inputs or {}))


@pytest.fixture
def picture(tmp_path: Path) -> Material:
    return material(tmp_path / "a.png", b"\x00\xff", data=b"\x00\xff")


@pytest.fixture
def uploaded(tmp_path: Path) -> Material:
    return material(tmp_path / "a.png", b"x", url=FILE)


def test_plain_names_are_filled_and_what_is_not_given_is_left_out() -> None:
    assert rendered({"a": "alpha", "b": "beta"}, alpha=1) == {"a": 1}


def test_a_parameter_without_a_field_is_left_out() -> None:
    assert rendered({"a": "alpha"}, alpha=1, other=2) == {"a": 1}


@pytest.mark.parametrize("value", [0, 0.0, False, ""])
def test_a_value_that_is_false_is_still_a_value(value: Any) -> None:
    assert rendered({"seed": "seed"}, seed=value) == {"seed": value}


def test_a_constant_is_sent_also_when_it_is_false() -> None:
    assert rendered({"sync": {"send": False}, "kind": {"send": "png"}}) == {
        "sync": False,
        "kind": "png",
    }


@pytest.mark.parametrize(
    ("value", "word"),
    [("jpeg", "jpg"), ("png", "png"), (1, "one"), (1.0, "one"), (0.5, "half"), (True, "yes")],
)
def test_values_are_mapped_and_one_that_is_not_listed_stays(value: Any, word: str) -> None:
    values = {"jpeg": "jpg", "1": "one", "0.5": "half", "true": "yes"}
    assert rendered({"f": {"from": "a", "values": values}}, a=value) == {"f": word}


@pytest.mark.parametrize(("value", "text"), [(2, "2"), (2.0, "2"), (0.5, "0.5"), (True, "true")])
def test_text_is_how_a_number_is_written(value: Any, text: str) -> None:
    assert rendered({"f": {"from": "a", "form": "text"}}, a=value) == {"f": text}


def test_a_size_follows_from_the_aspect_ratio_and_the_megapixels() -> None:
    fields = {
        "size": {"from": "size", "form": "size_object"},
        "w": {"from": "size", "form": "width"},
        "h": {"from": "size", "form": "height"},
        "both": "size",
    }
    assert rendered(fields, aspect_ratio="16:9", megapixels=1) == {
        "size": {"width": 1280, "height": 720},
        "w": 1280,
        "h": 720,
        "both": "1280x720",
    }
    assert rendered(fields) == {}


def test_a_size_keeps_to_the_steps_of_its_binding() -> None:
    steps = {"makes": {"multiple_of": 64}}
    found = binding({"size": {"from": "size", "form": "size_object"}}, **steps)
    size = render(Order(found, {"aspect_ratio": "4:5"}, {}))["size"]
    assert (size["width"] % 64, size["height"] % 64) == (0, 0)


def test_a_size_may_be_named_by_its_aspect_ratio() -> None:
    rule = {"from": "aspect_ratio", "form": "size_object", "values": {"16:9": "1344x768"}}
    assert rendered({"s": rule}, aspect_ratio="16:9") == {"s": {"width": 1344, "height": 768}}
    with pytest.raises(InputError, match="'4:5' is not a size"):
        rendered({"s": rule}, aspect_ratio="4:5")


def test_every_aspect_ratio_of_every_model_has_a_size_where_it_needs_one() -> None:
    for name in ("flux-2-pro", "recraft-v4"):
        model = load_model(name)
        for aspect in model.parameters["aspect_ratio"].options:
            for found in model.bindings:
                fields = render(Order(found, {"aspect_ratio": aspect}, {"prompt": "x"}))
                assert fields["prompt"] == "x"


def test_a_file_travels_as_its_url_its_bytes_or_both_in_one(
    picture: Material, uploaded: Material
) -> None:
    fields = {"plain": "image", "url": {"from": "image", "form": "url"}}
    assert rendered(fields, {"image": uploaded}) == {"plain": FILE, "url": FILE}
    inside = "data:image/png;base64,AP8="
    assert rendered(fields, {"image": picture}) == {"plain": inside, "url": inside}
    assert rendered({"f": {"from": "image", "form": "base64"}}, {"image": picture}) == {"f": "AP8="}
    assert rendered({"f": {"from": "image", "form": "data_uri"}}, {"image": picture}) == {
        "f": inside
    }


def test_a_list_holds_one_url_for_each_file(uploaded: Material) -> None:
    rule = {"f": {"from": "images", "form": "list"}}
    assert rendered(rule, {"images": (uploaded, uploaded)}) == {"f": [FILE, FILE]}
    assert rendered(rule, {"images": uploaded}) == {"f": [FILE]}
    assert rendered({"f": "images"}, {"images": (uploaded,)}) == {"f": [FILE]}


def test_bytes_that_nobody_has_read_are_an_input_error(uploaded: Material) -> None:
    with pytest.raises(InputError):
        rendered({"f": {"from": "image", "form": "base64"}}, {"image": uploaded})


@pytest.mark.parametrize(
    ("field", "form"),
    [
        ({"f": {"from": "image", "form": "base64"}}, "bytes"),
        ({"f": {"from": "image", "form": "data_uri"}}, "bytes"),
        ({"f": {"from": "image", "form": "url"}}, "url"),
        ({"f": {"from": "image", "form": "list"}}, "url"),
        ({"f": "image"}, "url"),
        ({"f": "prompt", "g": {"send": 1}}, None),
        ({}, None),
    ],
)
def test_a_binding_says_how_a_ports_files_travel(field: dict[str, Any], form: str | None) -> None:
    assert file_form(binding(field), "image") == form


def test_a_rule_has_one_source() -> None:
    for wrong in ({}, {"from": "a", "send": 1}, {"form": "url"}, {"from": "a", "form": "uri"}):
        with pytest.raises(ValidationError):
            FieldRule.model_validate(wrong)
