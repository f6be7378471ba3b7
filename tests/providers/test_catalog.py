"""The catalog: reviewed data that loads, names its sources, and refuses what would be a guess."""

from __future__ import annotations

import re

import pytest

from providers.catalog import Model, all_models, load_model, local_player, read_model
from providers.catalog.files import CATALOG, model_names
from providers.errors import RequestError
from providers.kinds import KINDS
from providers.registry import PROVIDERS

GOOD = """\
model: trial
kind: text-to-image
title: Trial
about: A trial.
best_for: trying
parameters:
  size_word: {type: choice, options: [s, m], default: s, about: How large.}
bindings:
  - provider: fal
    endpoint: fal-ai/trial
    fields: {prompt: prompt, size: size_word}
    output: {image: image.url}
    price: {unit: image, usd: "0.01", source: a page, as_of: "2026"}
    latency: {usual_seconds: 1, longest_seconds: 9, source: a guess}
    source: a page
"""


@pytest.mark.parametrize("model", all_models(), ids=lambda model: model.model)
def test_every_file_loads_and_says_where_its_facts_come_from(model: Model) -> None:
    assert model.about.strip()
    assert model.best_for.strip()
    for binding in model.bindings:
        assert binding.provider in PROVIDERS
        assert binding.source.strip()
        assert binding.latency.source.strip()
        assert 0 < binding.latency.usual_seconds <= binding.latency.longest_seconds
        if binding.price:
            assert binding.price.source.strip()
            assert re.match(r"\d{4}", binding.price.as_of)


@pytest.mark.parametrize("model", all_models(), ids=lambda model: model.model)
def test_every_parameter_says_what_it_does(model: Model) -> None:
    assert [name for name, given in model.parameters.items() if not given.about.strip()] == []


@pytest.mark.parametrize("model", all_models(), ids=lambda model: model.model)
def test_a_paid_binding_fills_every_required_input_and_reads_every_output(model: Model) -> None:
    kind = KINDS[model.kind]
    required = {name for name, port in kind.inputs.items() if port.required}
    for binding in model.bindings:
        if binding.provider == "local":
            continue
        sources = {
            rule if isinstance(rule, str) else rule.source for rule in binding.fields.values()
        }
        assert required <= sources
        assert set(binding.output) == set(kind.outputs)


def test_names_are_sorted_and_unique_and_those_of_the_files() -> None:
    names = model_names()
    assert names == sorted(set(names))
    assert [model.model for model in all_models()] == names
    assert {path.stem for path in CATALOG.glob("*.yaml")} == set(names)


def test_a_model_names_each_endpoint_once() -> None:
    for model in all_models():
        offers = [(binding.provider, binding.endpoint) for binding in model.bindings]
        assert len(offers) == len(set(offers)), model.model


def test_every_kind_that_generates_or_cuts_out_can_be_played_on_this_machine() -> None:
    for kind in ("text-to-image", "remove-background"):
        player = local_player(kind)
        assert player is not None
        assert player.is_local
        assert player.kind == kind
    assert local_player("contact-sheet") is None


def test_an_unknown_model_offers_the_nearest_name() -> None:
    with pytest.raises(RequestError, match="Did you mean 'flux-2-pro'"):
        load_model("flux-2-por")
    with pytest.raises(RequestError, match=r"There is no model '\.\./catalog/flux-2-pro'"):
        load_model("../catalog/flux-2-pro")


def test_the_good_example_is_good() -> None:
    assert read_model(GOOD, "trial.yaml").model == "trial"


@pytest.mark.parametrize(
    ("written", "instead", "message"),
    [
        (
            "title: Trial",
            "titel: Trial",
            r"trial\.yaml:3: titel: unknown key\. Did you mean 'title'\?$",
        ),
        (
            "endpoint: fal-ai/trial",
            "endpiont: fal-ai/trial",
            r"trial\.yaml:10: bindings\.0\.endpiont: unknown key\. Did you mean 'endpoint'\?$",
        ),
        (
            "{unit: image,",
            "{unti: image,",
            r"trial\.yaml:13: bindings\.0\.price\.unti: unknown key\. Did you mean 'unit'\?$",
        ),
        (
            "about: How large.",
            "abuot: How large.",
            r":7: parameters\.size_word\.abuot: unknown key\. Did you mean 'about'\?$",
        ),
        ("default: s, about: How large.", "default: s", r":7: parameters\.size_word\.about: "),
        ("about: How large.", 'about: ""', r"trial\.yaml:7: parameters\.size_word\.about: "),
        ("source: a page, ", 'source: " ", ', r"trial\.yaml:13: bindings\.0\.price\.source: "),
        (', as_of: "2026"', "", r"trial\.yaml:13: bindings\.0\.price\.as_of: "),
        ('as_of: "2026"', "as_of: soon", r"trial\.yaml:13: bindings\.0\.price\.as_of: "),
        ('usd: "0.01"', 'usd: "cheap"', r":13: bindings\.0\.price\.usd: 'cheap' is not an amount"),
        ('usd: "0.01"', 'usd: "-1"', r"trial\.yaml:13: bindings\.0\.price\.usd: "),
        ('usd: "0.01"', 'usd: "nan"', r"trial\.yaml:13: bindings\.0\.price\.usd: "),
        ("    latency:", "    ceiling_usd: 0.5\n    latency:", r":14: bindings\.0\.ceiling_usd: "),
        ("    latency:", "    retires_on: soon\n    latency:", r":14: bindings\.0\.retires_on: "),
        (
            "parameters:",
            "requires: [image]\nparameters:",
            r":6: requires: there is no 'image' here",
        ),
        ("parameters:", "one_of: [[size]]\nparameters:", r":6: one_of: there is no 'size' here"),
        ("parameters:", "one_of: [[size_word]]\nparameters:", r":6: one_of: .*has a default"),
        ("{image: image.url}", "{picture: image.url}", r":12: bindings\.0\.output: .*'picture'"),
        (
            "    latency:",
            "    limits: {takes: {image: {max_side: 9}}}\n    latency:",
            r"trial\.yaml:14: bindings\.0\.limits\.takes: there is no 'image' here",
        ),
        (
            "    latency:",
            "    limits: {takes: {prompt: {follows: shape}}}\n    latency:",
            r"trial\.yaml:14: bindings\.0\.limits\.takes\.prompt\.follows: there is no 'shape' here",
        ),
        ('usd: "0.01"', "usd: 0.01", r"trial\.yaml:13: bindings\.0\.price\.usd: .*quoted text"),
        ('usd: "0.01"', "usd: 1", r"trial\.yaml:13: .*quoted text, \"1\""),
        ("source: a page, ", "", r"trial\.yaml:13: bindings\.0\.price\.source: "),
        ("    source: a page\n", "", r"trial\.yaml:9: bindings\.0\.source: "),
        (", source: a guess", "", r"trial\.yaml:14: bindings\.0\.latency\.source: "),
        (
            "kind: text-to-image",
            "kind: text-to-imgae",
            r"trial\.yaml:2: kind: there is no kind .*Did you mean",
        ),
        (
            "size: size_word",
            "size: size_wrod",
            r":11: bindings\.0\.fields\.size: .*'size_wrod' here",
        ),
        ("default: s,", "default: l,", r"trial\.yaml:7: parameters\.size_word: .*not one of s, m"),
        ("options: [s, m], default: s,", "", r"trial\.yaml:7: .*a choice needs options"),
        ("model: trial", "model: Trial", r"trial\.yaml:1: model: "),
        ("model: trial", "model: other", r"trial\.yaml:1: the file of model 'other'"),
        ("unit: image", "unit: picture", r"trial\.yaml:13: bindings\.0\.price\.unit: "),
        ("title: Trial", "title: Trial\ntitle: Again", r"trial\.yaml:\d+: not valid YAML: "),
        ("title: Trial", "title: [Trial", r"trial\.yaml:\d+: not valid YAML: "),
    ],
)
def test_a_wrong_fact_is_refused_with_its_file_and_line(
    written: str, instead: str, message: str
) -> None:
    assert written in GOOD
    with pytest.raises(RequestError, match=message) as caught:
        read_model(GOOD.replace(written, instead, 1), "trial.yaml")
    assert "\n" not in str(caught.value)


def test_yaml_1_2_reads_an_aspect_ratio_as_text_and_no_as_no() -> None:
    text = GOOD.replace("[s, m], default: s", "[16:9, no], default: 16:9")
    rule = read_model(text, "trial.yaml").parameters["size_word"]
    assert rule.options == ("16:9", "no")
    assert rule.default == "16:9"


@pytest.mark.parametrize(
    ("rule", "value", "problem"),
    [
        ("type: choice, options: [0.5, 1]", 1, None),
        ("type: choice, options: [0.5, 1]", True, "is not one of"),
        ("type: choice, options: [0.5, 1]", 3, "is not one of"),
        ("type: integer, minimum: 0, maximum: 9", 9, None),
        ("type: integer, minimum: 0, maximum: 9", 10, "is above 9"),
        ("type: integer, minimum: 0", -1, "is below 0"),
        ("type: integer", 1.5, "is not an integer"),
        ("type: integer", True, "is not an integer"),
        ("type: number", 2, None),
        ("type: number", "2", "is not a number"),
        ("type: boolean", True, None),
        ("type: boolean", 1, "is not a boolean"),
        ("type: text", "", None),
        ("type: text", 5, "is not a text"),
    ],
)
def test_a_parameter_says_what_is_wrong_with_a_value(
    rule: str, value: object, problem: str | None
) -> None:
    text = GOOD.replace("type: choice, options: [s, m], default: s", rule)
    found = read_model(text, "trial.yaml").parameters["size_word"].problem_with(value)
    assert found is None if problem is None else problem in str(found)
