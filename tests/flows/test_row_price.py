"""What a usual row of a template costs and how long it takes, without a table and without a key."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from flows.graph import Graph, compile_template
from flows.load import load_template
from flows.row_price import RowPrice, row_price, usual_row
from flows.template import Input, Step, Template
from providers.errors import RequestError
from providers.media import Media

INPUTS = {
    "prompt": Input(type="text"),
    "picture": Input(type="image"),
    "film": Input(type="video"),
    "count": Input(type="integer"),
    "mood": Input(type="choice", options=("calm", "loud")),
    "aspect": Input(type="text"),
    "size": Input(type="choice", options=(1, 4), default=4),
    "note": Input(type="text", default=None),
    "pictures": Input(type="list[image]", max=2),
    "scenes": Input(type="list[text]"),
}
PHOTO = {"model": "flux-2-pro", "with": {"prompt": "$prompt"}}


def graph_of(**steps: dict[str, Any]) -> Graph:
    written = {name: Step.model_validate(step) for name, step in steps.items()}
    outputs = {"out": f"${next(iter(steps))}"}
    return compile_template(
        Template(name="t", version=1, about="", inputs=INPUTS, steps=written, outputs=outputs), "t"
    )


def price_of(**steps: dict[str, Any]) -> RowPrice:
    return row_price(graph_of(**steps))


def clip_of(image: str, model: str = "kling-2.5-turbo-pro", **values: Any) -> dict[str, Any]:
    return {"model": model, "with": {"image": image, "prompt": "slowly", **values}}


@pytest.mark.usefixtures("home")
def test_the_shipped_template_costs_its_photo_and_nobody_knows_the_cut_out() -> None:
    row = row_price(load_template("product-photo"))
    assert [step.offer.provider for step in row.steps] == ["fal", "fal"]
    assert row.low == row.expected == row.high == Decimal("0.03")
    assert row.unpriced == ("cutout",)
    assert row.seconds == 12 + 5


def test_a_usual_row_has_usual_media_texts_options_and_defaults() -> None:
    row = usual_row(graph_of(photo={**PHOTO, "with": {**PHOTO["with"], "aspect_ratio": "$aspect"}}))
    assert isinstance(row["picture"], Media)
    assert (row["picture"].width, row["picture"].height) == (1024, 1024)
    assert isinstance(row["film"], Media)
    assert row["film"].seconds == 5
    assert len(str(row["prompt"])) == 500
    assert (row["mood"], row["size"]) == ("calm", 4)
    assert len(row["pictures"]) == 2  # at most so many
    assert len(row["scenes"]) == 3
    assert row["count"] is row["note"] is row["aspect"] is None  # the model's own default holds


def test_the_first_provider_with_a_price_is_taken() -> None:
    first = {**PHOTO, "provider": ["replicate", "bfl"]}
    assert price_of(photo=first).steps[0].offer.provider == "bfl"
    only = price_of(photo={**PHOTO, "model": "flux-2-pro@replicate"})
    assert only.steps[0].offer.provider == "replicate"
    assert only.unpriced == ("photo",)


def test_a_fallback_counts_only_where_the_model_itself_is_not_offered_any_more() -> None:
    cut = {"model": "birefnet", "with": {"image": "$picture"}, "fallback": ["bria-rmbg-2"]}
    assert price_of(cut=cut).unpriced == ("cut",)
    gone = {**PHOTO, "model": "imagen-4", "fallback": ["nano-banana"]}
    assert price_of(photo=gone).expected == Decimal("0.039")


def test_a_step_that_nobody_offers_any_more_is_refused() -> None:
    with pytest.raises(RequestError, match=r"step 'photo': no provider offers imagen-4 any more\."):
        price_of(photo={**PHOTO, "model": "imagen-4"})


def test_parameters_and_what_a_step_makes_count_down_the_chain() -> None:
    large = {**PHOTO, "with": {**PHOTO["with"], "megapixels": "$size"}}
    row = price_of(
        photo=large,
        more={"model": "clarity-upscaler@fal", "with": {"image": "$photo", "scale": 2}},
        clip=clip_of("$photo", seconds=7),
    )
    prices = [step.quote.expected for step in row.steps]
    assert prices == [Decimal("0.075"), Decimal("0.48"), Decimal("0.70")]


def test_low_to_high_where_the_price_of_a_step_is_a_span() -> None:
    row = price_of(photo={**PHOTO, "model": "sdxl@replicate"})
    assert row.low < row.expected < row.high


def test_a_step_under_a_condition_and_what_follows_it_may_cost_nothing() -> None:
    row = price_of(
        photo={**PHOTO, "when": 'mood == "loud"'}, clip=clip_of("$photo"), other=dict(PHOTO)
    )
    assert [step.may_not_run for step in row.steps] == [True, True, False]
    assert (row.low, row.expected) == (Decimal("0.03"), Decimal("0.41"))


def test_a_step_over_a_list_is_paid_for_each_item() -> None:
    each = {"each": {"scene": "$scenes"}, "with": {"prompt": "$scene"}}
    assert price_of(photo={**PHOTO, **each}).expected == Decimal("0.09")
    assert price_of(photo={**PHOTO, **each, "max": 2}).expected == Decimal("0.06")
    one = {"each": {"one": "$pictures"}, **clip_of("$one", "seedance-1-pro")}
    (step,) = price_of(clip=one).steps
    assert step.quote.expected == 2 * price_of(clip=clip_of("$picture", "seedance-1-pro")).expected


def test_what_this_machine_does_is_free() -> None:
    row = price_of(edit={"model": "crop", "with": {"image": "$picture"}}, photo={**PHOTO})
    assert row.steps[0].quote.expected == 0
    assert row.unpriced == ()


def test_steps_without_a_path_between_them_run_at_the_same_time() -> None:
    row = price_of(photo=PHOTO, one=clip_of("$photo"), two=clip_of("$photo"), alone=dict(PHOTO))
    assert row.seconds == 12 + 164
    joined = {"model": "concat", "with": {"videos": ["$one", "$two"]}}
    later = price_of(photo=PHOTO, one=clip_of("$photo"), two=clip_of("$photo"), all=joined)
    assert later.seconds == 12 + 164 + 3


@pytest.mark.usefixtures("home")
def test_a_key_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    before = row_price(load_template("product-photo"))
    monkeypatch.setenv("BFL_API_KEY", "a-key")
    assert row_price(load_template("product-photo")) == before
