"""The usual call: what a price is shown for before anything has been asked."""

from __future__ import annotations

from decimal import Decimal

import pytest

from providers.catalog import Model, all_models, load_model
from providers.catalog.shape import Shape
from providers.catalog.usual import USUAL, USUAL_WORDS, cheapest, usual_inputs, usual_quote
from providers.kinds import KINDS


def test_the_assumptions() -> None:
    assert USUAL["image"].size == (1024, 1024)
    assert USUAL["video"].seconds == 5
    assert USUAL["text"].characters == 500
    assert USUAL_WORDS == (
        "pictures of 1024x1024, clips and sounds of 5 s, texts of 500 characters, lists of 3"
    )


def test_a_usual_call_gives_what_the_kind_or_the_model_cannot_do_without() -> None:
    assert set(usual_inputs(load_model("kling-2.5-turbo-pro"))) == {"image", "prompt"}
    assert set(usual_inputs(load_model("stable-video"))) == {"image"}
    assert usual_inputs(load_model("flux-kontext-pro"))["images"] == (USUAL["image"],)


@pytest.mark.parametrize("model", all_models(), ids=lambda model: model.model)
def test_whoever_has_a_price_has_one_for_the_usual_call(model: Model) -> None:
    for port, shape in usual_inputs(model).items():
        assert isinstance(shape, tuple if KINDS[model.kind].inputs[port].type.is_list else Shape)
    for binding in model.bindings:
        if binding.price:
            assert usual_quote(model, binding).expected is not None


def test_the_cheapest_provider_is_taken_and_a_retired_one_never() -> None:
    found = cheapest(load_model("clarity-upscaler"))
    assert found is not None
    assert (found[0].provider, found[1].expected) == ("replicate", Decimal("0.015"))
    assert cheapest(load_model("imagen-4")) is None
    assert cheapest(load_model("birefnet")) is None
