"""Price rules and limits in words."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from flows.cli.limit_words import allowed, made, port_limits
from flows.cli.price_words import model_price, price_rule
from providers.catalog import Parameter, load_model
from providers.catalog.limits import Makes, PortLimits
from providers.catalog.schema import Binding, FieldRule, Price

FLUX = load_model("flux-2-pro")


def at_fal(price: dict[str, Any] | None = None, **facts: Any) -> Binding:
    whole = price and Price(**{"source": "a page", "as_of": "2026", "usd": "0.1", **price})
    return FLUX.bindings[0].model_copy(update={"price": whole, **facts})


@pytest.mark.parametrize(
    ("price", "words"),
    [
        (None, "unpriced"),
        ({"unit": "call"}, "$0.10 a call"),
        ({"unit": "image"}, "$0.10 a picture"),
        ({"unit": "thousand_characters"}, "$0.10 a thousand characters"),
        ({"unit": "compute_second", "usd": "0.000975"}, "$0.000975 a second of computing"),
        (
            {"unit": "megapixel", "each_further_usd": "0.015"},
            "$0.10 for the first megapixel, $0.015 for each further",
        ),
        (
            {"unit": "megapixel", "counts_input": True},
            "$0.10 a megapixel, pictures that are given count, too",
        ),
        (
            {"unit": "million_video_tokens"},
            "$0.10 a million video tokens, one is width x height x 24 x seconds / 1024",
        ),
        (
            {"unit": "second", "times": {"resolution": {"480p": "0.2", "1080p": "2"}}},
            "$0.10 a second, times 0.2 at resolution 480p, 2 at resolution 1080p",
        ),
    ],
)
def test_a_price_rule_in_words(price: dict[str, Any] | None, words: str) -> None:
    assert price_rule(at_fal(price)) == words


@pytest.mark.parametrize(
    ("lengths", "words"),
    [
        ((5, 10), "sold in 5 and 10"),
        ((10,), "sold in 10"),
        ((4, 6, 8), "sold in 4, 6 and 8"),
        ((2, 3, 4, 5), "sold in whole seconds from 2 to 5"),
    ],
)
def test_a_price_by_the_second_says_which_lengths_are_sold(
    lengths: tuple[float, ...], words: str
) -> None:
    rule = FieldRule.model_validate({"from": "seconds", "round_up_to": lengths})
    assert price_rule(at_fal({"unit": "second"}, fields={"duration": rule})).endswith(words)


def test_a_ceiling_is_named_where_the_price_is_not_known() -> None:
    binding = at_fal(ceiling_usd=Decimal("0.02"))
    assert price_rule(binding) == "unpriced, at most $0.02 a call"
    model = FLUX.model_copy(update={"bindings": (binding,)})
    assert model_price(model) == "unpriced, at most $0.02"


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ({}, "nothing stated"),
        ({"max_characters": 2500}, "at most 2,500 characters"),
        ({"max_items": 4}, "at most 4 at once"),
        ({"min_side": 300}, "300 px a side at least"),
        ({"max_side": 4096}, "4096 px a side at most"),
        ({"min_side": 300, "max_side": 6000}, "300 to 6000 px a side"),
        ({"max_megapixels": 1.0}, "at most 1 megapixel"),
        ({"multiple_of": 8}, "sides in multiples of 8"),
        ({"min_aspect": 0.4, "max_aspect": 2.5}, "aspect 0.4 to 2.5"),
        ({"size": "1024x576"}, "1024x576 exactly"),
        ({"follows": "aspect_ratio"}, "the aspect that `aspect_ratio` asks for"),
        ({"max_bytes": 10_000_000}, "at most 10 MB"),
        ({"max_bytes": 500_000}, "at most 500 kB"),
        ({"formats": ("jpeg", "png", "webp")}, "jpeg, png or webp"),
        ({"alpha": False}, "no alpha"),
        ({"min_seconds": 2.0, "max_seconds": 10.0}, "2 to 10 s"),
        (
            {"min_side": 300, "formats": ("png",), "alpha": False},
            "300 px a side at least, png, no alpha",
        ),
    ],
)
def test_what_a_port_takes_in_words(limits: dict[str, Any], words: str) -> None:
    assert port_limits(PortLimits(**limits)) == words


def test_every_limit_has_its_words() -> None:
    values: dict[str, Any] = {"size": "8x8", "follows": "aspect_ratio", "formats": ("png",)}
    for name in PortLimits.model_fields:
        value = values.get(name, False if name == "alpha" else 7)
        assert port_limits(PortLimits.model_construct(**{name: value})) != "nothing stated", name


@pytest.mark.parametrize(
    ("makes", "words"),
    [
        ({}, "nothing stated"),
        ({"fixed": "1024x576"}, "1024x576 always"),
        ({"size": "input", "alpha": True}, "the size of what is given, with alpha"),
        ({"size": "scaled", "alpha": False}, "the size of what is given, times `scale`, no alpha"),
        ({"sizes": {"1:1": "1024x1024"}}, "by aspect ratio 1:1 1024x1024"),
        (
            {"size": "resolution", "areas": {"720p": "1280x720"}},
            "the pixels of `resolution` at the aspect given or asked: 720p 1280x720",
        ),
        ({"audio": "sound"}, "with sound where `sound` is true"),
        ({"audio": True, "seconds": 8.0}, "8 s long, with sound"),
    ],
)
def test_what_comes_back_in_words(makes: dict[str, Any], words: str) -> None:
    assert made(Makes(**makes)) == words


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({"type": "choice", "options": ("a", "b")}, "a | b"),
        ({"type": "choice", "options": (1, 2), "unit": "megapixels"}, "1 | 2 megapixels"),
        ({"type": "integer", "minimum": 0, "maximum": 4294967295}, "0 to 4294967295"),
        ({"type": "number", "minimum": 1, "maximum": 12, "unit": "seconds"}, "1 to 12 seconds"),
        ({"type": "number", "minimum": 0, "unit": "seconds"}, "0 seconds at least"),
        ({"type": "number", "maximum": 9}, "9 at most"),
        ({"type": "boolean"}, "true | false"),
        ({"type": "text"}, "any"),
    ],
)
def test_what_a_parameter_takes_in_words(rule: dict[str, Any], words: str) -> None:
    assert allowed(Parameter(about="", **rule)) == words
