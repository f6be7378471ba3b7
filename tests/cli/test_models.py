"""`models` and `models show`: what there is, at which price, and all that is known of one."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from providers.catalog import all_models, load_model
from providers.catalog.schema import Model
from providers.kinds import KINDS

COLUMNS = ["model", "kind", "does", "price", "providers", "best_for"]


@pytest.fixture
def listed(mediaflows):
    return json.loads(mediaflows("models", "--json").out)


def line_of(out: str, first: str) -> str:
    return next(line for line in out.splitlines() if line.split()[:1] == [first])


def test_models_lists_every_model_of_the_catalog_once(mediaflows, listed):
    ran = mediaflows("models")
    header, *lines = ran.out.splitlines()
    assert (ran.code, header.split()) == (0, COLUMNS)
    assert sorted(line.split()[0] for line in lines) == [model.model for model in all_models()]
    assert [line.split()[0] for line in lines] == [entry["model"] for entry in listed]


def test_models_stand_by_kind_then_price_and_what_is_retired_at_the_very_end(listed):
    def place(entry):
        price = entry["price_usd"]
        return entry["is_retired"], entry["kind"], price is None, Decimal(price or 0)

    assert [place(entry) for entry in listed] == sorted(map(place, listed))
    assert listed[-1]["model"] == "imagen-4"


def test_a_retired_model_says_what_to_use_instead_of_a_price(mediaflows):
    assert "  retired, use nano-banana  " in line_of(mediaflows("models").out, "imagen-4")


@pytest.mark.parametrize(
    ("model", "price"),
    [
        ("kling-2.5-turbo-pro", "$0.35 (5 s)"),
        ("flux-2-pro", "$0.03 (1024x1024)"),
        ("elevenlabs-tts", "$0.05 (500 characters)"),
        ("nano-banana", "$0.039 (1 picture)"),
        ("stable-video", "$0.075 (1 call)"),
        ("birefnet", "unpriced"),
        ("crop", "free"),
    ],
)
def test_a_price_is_that_of_a_usual_call_and_says_of_what(mediaflows, model, price):
    assert f"  {price}  " in line_of(mediaflows("models").out, model)


def test_models_tells_what_generates_from_what_processes(listed):
    assert {entry["does"] for entry in listed} == {"generates", "processes"}
    for entry in listed:
        assert (entry["does"] == "generates") == KINDS[entry["kind"]].generates


def test_models_of_one_kind_are_of_that_kind(mediaflows):
    found = json.loads(mediaflows("models", "--kind", "remove-background", "--json").out)
    assert {model["kind"] for model in found} == {"remove-background"}
    assert "birefnet" in [model["model"] for model in found]


def test_a_kind_without_models_says_so_in_a_line(mediaflows):
    empty = next(kind for kind in KINDS if kind not in {model.kind for model in all_models()})
    ran = mediaflows("models", "--kind", empty)
    assert (ran.code, ran.out) == (0, f"No model is of kind {empty} yet.\n")
    assert json.loads(mediaflows("models", "--kind", empty, "--json").out) == []


def test_an_unknown_kind_is_refused_with_the_near_word(refused):
    assert refused("models", "--kind", "upscal") == (
        "There is no kind 'upscal'. Did you mean 'upscale'?"
    )


@pytest.mark.parametrize("model", all_models(), ids=lambda model: model.model)
def test_models_show_tells_every_port_parameter_and_fact_of_every_provider(
    mediaflows, model: Model
):
    out = mediaflows("models", "show", model.model).out
    for words in (model.title, model.about, model.best_for, model.kind):
        assert words in out
    for name, port in KINDS[model.kind].inputs.items():
        assert str(port.type) in line_of(out, name)
        assert port.about in out
    for name, given in model.parameters.items():
        assert line_of(out, name).endswith(given.about)
    for binding in model.bindings:
        for words in (binding.endpoint, binding.source, binding.latency.source, binding.notes):
            assert (words or "") in out
        if binding.price:
            assert f"{binding.price.source} (as of {binding.price.as_of})" in out
            assert f"grade {binding.price.grade}" in out


def test_models_show_says_what_a_port_takes_and_which_it_cannot_do_without(mediaflows):
    out = mediaflows("models", "show", "kling-2.5-turbo-pro").out
    image = line_of(out, "image")
    assert "required  300 px a side at least, aspect 0.4 to 2.5, " in image
    assert "jpeg or png, at most 10 MB, no alpha" in image
    assert "optional  fal: 300 px" in line_of(out, "end_image")
    assert "required" in line_of(out, "prompt")  # by the model, not by its kind
    assert "not taken" in line_of(mediaflows("models", "show", "stable-video").out, "prompt")


def test_models_show_says_price_result_life_cancel_and_size_in_words(mediaflows):
    *_, fal, replicate = mediaflows("models", "show", "kling-2.5-turbo-pro").out.split("\n\n")
    for words in (
        "price: $0.07 a second, sold in 5 and 10\n",
        "usual call: $0.35 (5 s), grade units\n",
        "takes: about 164 s, 20 min at most (Comfy's progress constant (2026-02-10))\n",
        "cancel: possible, free while queued\n",
        "makes: the shape given or asked, as large as fits 1920x1080, upright or not\n",
    ):
        assert words in fal
    for words in ("price: unpriced\n", "result life: 60 min\n", "not known to be free\n"):
        assert words in replicate


def test_models_show_says_when_a_model_was_switched_off_and_what_follows_it(mediaflows):
    out = mediaflows("models", "show", "imagen-4").out
    assert "fal · fal-ai/imagen4/preview · retired on 2026-08-17, use nano-banana\n" in out


def test_models_show_json_is_the_model_with_amounts_as_text(mediaflows):
    shown = json.loads(mediaflows("models", "show", "flux-2-pro", "--json").out)
    assert shown["bindings"][0]["price"]["usd"] == "0.03"
    assert Model.model_validate(shown) == load_model("flux-2-pro")
