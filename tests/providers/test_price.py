"""Prices: every rule prices every allowed request, and an unknown price is never 0."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from providers.catalog import Binding, Model, all_models, load_model, quote
from providers.catalog.schema import Latency, Parameter, Price
from providers.catalog.shape import Shape
from providers.kinds import KINDS

OFFERS = [(model, binding) for model in all_models() for binding in model.bindings]
PRICED = [offer for offer in OFFERS if offer[1].price]


FLUX = load_model("flux-2-pro")
SHAPES = {
    "text": Shape(characters=1200),
    "image": Shape(1280, 720, media_type="image/png"),
    "video": Shape(1280, 720, seconds=5.0),
    "audio": Shape(seconds=4.5),
}


def given_to(model: Model) -> dict[str, Shape | tuple[Shape, ...]]:
    """A value on every port of the model's kind."""
    ports = KINDS[model.kind].inputs
    return {
        name: (SHAPES[port.type.word],) if port.type.is_list else SHAPES[port.type.word]
        for name, port in ports.items()
    }


def defaults_of(model: Model) -> dict[str, Any]:
    return {
        name: rule.default for name, rule in model.parameters.items() if rule.default is not None
    }


def offer_name(offer: tuple[Model, Binding]) -> str:
    return f"{offer[0].model}@{offer[1].provider}"


def values_of(parameter: Parameter) -> st.SearchStrategy[Any]:
    if parameter.options:
        return st.sampled_from(parameter.options)
    if parameter.type == "boolean":
        return st.booleans()
    if parameter.type == "integer":
        return st.integers(int(parameter.minimum or 0), int(parameter.maximum or 2**32))
    if parameter.type == "number":
        return st.floats(parameter.minimum or 0.0, parameter.maximum or 1000.0)
    return st.text(max_size=20)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_every_price_rule_prices_every_allowed_request(data: st.DataObject) -> None:
    model, binding = data.draw(st.sampled_from(PRICED))
    parameters = {
        name: data.draw(values_of(rule), label=name)
        for name, rule in model.parameters.items()
        if rule.default is not None or data.draw(st.booleans())
    }
    price = quote(model, binding, parameters, given_to(model))
    assert price.grade in ("exact", "units", "estimate")
    assert price.low is not None
    assert price.expected is not None
    assert price.high is not None
    assert Decimal(0) < price.low <= price.expected <= price.high
    assert price.reserve == price.high


@pytest.mark.parametrize("offer", OFFERS, ids=offer_name)
def test_only_local_work_is_free(offer: tuple[Model, Binding]) -> None:
    model, binding = offer
    price = quote(model, binding, defaults_of(model), given_to(model))
    assert (price.high == 0) == (binding.provider == "local")


@pytest.mark.parametrize("offer", [o for o in OFFERS if not o[1].price], ids=offer_name)
def test_an_unknown_price_is_none_and_never_0(offer: tuple[Model, Binding]) -> None:
    if offer[1].provider == "local":
        return
    price = quote(*offer, {}, given_to(offer[0]))
    assert (price.low, price.expected, price.grade) == (None, None, "unpriced")
    assert price.high == offer[1].ceiling_usd


def binding(price: Price | None, ceiling: str | None = None) -> Binding:
    return Binding(
        provider="fal",
        endpoint="x",
        price=price,
        ceiling_usd=ceiling,  # type: ignore[arg-type]
        latency=Latency(usual_seconds=1.0, longest_seconds=2.0, source="test"),
        source="test",
    )


def megapixel(first: str, further: str | None) -> Price:
    return Price(
        unit="megapixel",
        usd=first,  # type: ignore[arg-type]
        each_further_usd=further,  # type: ignore[arg-type]
        source="test",
        as_of="2026",
    )


def test_a_ceiling_is_what_is_reserved_while_the_price_stays_unknown() -> None:
    price = quote(FLUX, binding(None, "0.25"), {})
    assert (price.expected, price.high, price.reserve) == (None, Decimal("0.25"), Decimal("0.25"))
    assert quote(FLUX, binding(None), {}).reserve == 0


def test_units_that_cannot_be_known_are_unpriced() -> None:
    assert quote(FLUX, binding(megapixel("0.03", None)), {}).grade == "unpriced"


@pytest.mark.parametrize(
    ("aspect", "megapixels", "usd"),
    [
        ("4:3", 1, "0.03"),  # 1024 x 768 and anything up to 1024 x 1024 is one megapixel
        ("1:1", 1, "0.03"),
        ("1:1", 0.5, "0.03"),
        ("16:9", 2, "0.045"),  # 1792 x 1008 is two
        ("1:1", 2, "0.045"),
        ("4:5", 4, "0.075"),
    ],
)
def test_flux_2_pro_costs_its_first_megapixel_and_half_of_it_for_each_further(
    aspect: str, megapixels: float, usd: str
) -> None:
    model = load_model("flux-2-pro")
    for offered in model.bindings:
        if offered.price:
            price = quote(model, offered, {"aspect_ratio": aspect, "megapixels": megapixels})
            assert price.expected == Decimal(usd)


@pytest.mark.parametrize(("megapixels", "usd"), [(1, "0.025"), (2, "0.05")])
def test_a_price_per_megapixel_is_rounded_up_to_whole_ones(megapixels: int, usd: str) -> None:
    price = quote(
        FLUX, binding(megapixel("0.025", None)), {"aspect_ratio": "16:9", "megapixels": megapixels}
    )
    assert price.expected == Decimal(usd)


@pytest.mark.parametrize(("model", "usd"), [("bria-rmbg-2", "0.018"), ("recraft-v4", "0.04")])
def test_a_price_per_picture_does_not_ask_for_its_size(model: str, usd: str) -> None:
    named = load_model(model)
    for offered in named.bindings:
        if offered.price:
            assert quote(named, offered, {}).expected == Decimal(usd)
