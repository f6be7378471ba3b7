"""What is foreseen of a row, and its price: never upside down, never for what does not run."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flows.keys import routes_without_keys
from flows.options import RunOptions
from flows.pricing import Pricer
from flows.recall import Known
from flows.rows import ReadyRow
from flows.run_plan import make_plan
from providers.catalog import load_model
from tests.flows.planning import graph_of, picture, plan_of, row

pytestmark = pytest.mark.usefixtures("home")

# A photo made or given, cut out, enlarged, moved and spoken over: prices by call, megapixel,
# second, character and video token, and steps that run for some rows alone.
STEPS = """\
  shot: {model: flux-2-pro, with: {prompt: $prompt, aspect_ratio: $shape}, when: words != "given"}
  cut: {model: bria-rmbg-2, with: {image: {first: [$shot, $photo]}}}
  large: {model: clarity-upscaler, with: {image: $cut, scale: $scale}, when: scale > 1}
  clip:
    model: kling-2.5-turbo-pro
    with: {image: $shot, prompt: $move, seconds: $seconds}
    fallback: [seedance-1-pro]
  second: {model: seedance-1-pro, with: {image: {first: [$large, $cut]}, prompt: $move, seconds: $seconds}}
  speech: {model: elevenlabs-tts, with: {text: $words}}
  whole: {model: mux, with: {video: $clip, audio: $speech}}
"""

GRAPH = graph_of(STEPS, "whole large second")
ROWS = st.builds(
    row,
    prompt=st.sampled_from(["a mug", "a vase", "x" * 900]),
    move=st.sampled_from(["slowly", "fast"]),
    words=st.sampled_from(["given", "hello", "jello", "a longer text"]),
    photo=st.none() | st.builds(picture, st.sampled_from([640, 900, 4000]), st.just(900)),
    shape=st.sampled_from(["16:9", "1:1", "9:16"]),
    seconds=st.sampled_from([1, 5, 5.5, 10]),
    scale=st.sampled_from([1, 2, 4]),
)
many = settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture
def pricer() -> Pricer:
    return Pricer(GRAPH, routes_without_keys(GRAPH, RunOptions()))


@many
@given(one=ROWS)
def test_low_is_never_above_expected_nor_that_above_high(pricer: Pricer, one: ReadyRow) -> None:
    for step in GRAPH.steps:
        for call in pricer.calls(step, one):
            price = call.quote
            if price.expected is not None:
                assert price.low is not None
                assert price.high is not None
                assert Decimal(0) <= price.low <= price.expected <= price.high
                assert price.high == call.dearest
            assert all(high >= 0 for high in call.highs.values())


def runs(one: ReadyRow) -> set[str]:
    """Which steps have a result for this row: by hand, from the template's conditions."""
    found = {"speech"}
    if one.inputs["words"] != "given":
        found |= {"shot", "clip", "whole"}
    if "shot" in found or one.inputs["photo"] is not None:
        found |= {"cut", "second"}
        if float(one.inputs["scale"]) > 1:  # type: ignore[arg-type]
            found.add("large")
    return found


@many
@given(one=ROWS)
def test_a_step_that_has_no_result_for_a_row_costs_nothing(pricer: Pricer, one: ReadyRow) -> None:
    priced = {step.name for step in GRAPH.steps if pricer.calls(step, one)}
    assert priced == runs(one)
    plan = plan_of(GRAPH, [one])
    if not plan.faults:
        assert {step.step for step in plan.steps if step.calls} == runs(one)


@many
@given(one=ROWS, other=ROWS)
def test_rows_of_one_signature_have_one_price_and_one_foresight(
    pricer: Pricer, one: ReadyRow, other: ReadyRow
) -> None:
    fresh = Pricer(GRAPH, routes_without_keys(GRAPH, RunOptions()))
    if fresh.foresight.signature(one) == fresh.foresight.signature(other):
        assert fresh.foresight.of(one) == fresh.foresight.of(other)
    for step in GRAPH.steps:  # what is remembered of other rows is what is worked out anew
        assert pricer.calls(step, one) == fresh.calls(step, one)


@many
@given(rows=st.lists(ROWS, min_size=1, max_size=5))
def test_a_plan_is_the_sum_of_its_rows(pricer: Pricer, rows: list[ReadyRow]) -> None:
    routes = routes_without_keys(GRAPH, RunOptions())
    whole = make_plan(GRAPH, routes, rows, Known(), RunOptions())
    parts = [make_plan(GRAPH, routes, [one], Known(), RunOptions()) for one in rows]
    for at, step in enumerate(whole.steps):
        for amount in ("calls", "low", "expected", "high", "unpriced"):
            assert getattr(step, amount) == sum(getattr(part.steps[at], amount) for part in parts)


@pytest.mark.parametrize(
    ("change", "is_another"),
    [
        ({"prompt": "a cup"}, False),  # a text that nobody counts
        ({"move": "whirling about"}, False),
        ({"words": "jello"}, True),  # its condition asks for the very word
        ({"shape": "1:1"}, True),
        ({"seconds": 10}, True),
        ({"photo": picture(900, 900)}, True),
        ({}, False),
    ],
)
def test_what_makes_a_row_another_kind_of_row(
    pricer: Pricer, change: dict[str, Any], is_another: bool
) -> None:
    sight, base = pricer.foresight, row(photo=picture())
    assert (sight.signature(base) != sight.signature(row(**{"photo": picture()} | change))) == (
        is_another
    )


def test_the_length_of_a_spoken_text_counts_and_its_words_do_not() -> None:
    graph = graph_of("  speech: {model: elevenlabs-tts, with: {text: $words}}\n", "speech")
    sight = Pricer(graph, routes_without_keys(graph, RunOptions())).foresight
    assert sight.signature(row(words="hello")) == sight.signature(row(words="jello"))
    assert sight.signature(row(words="hello")) != sight.signature(row(words="hello!"))


def test_a_step_that_needs_a_prompt_has_no_result_without_one() -> None:
    steps = (
        '  shot: {model: flux-2-pro, with: {prompt: $prompt}, when: words == "now"}\n'
        "  tale: {model: writer, with: {prompt: $words}}\n"
        "  clip: {model: kling-2.5-turbo-pro, with: {image: $shot, prompt: $tale}}\n"
        '  other: {model: kling-2.5-turbo-pro, with: {image: $photo, prompt: "as ${tale}"}}\n'
    )
    plan = plan_of(graph_of(steps, "clip other"), [row(photo=picture()), row(words="now")])
    assert {step.step: step.calls for step in plan.steps} == {
        "shot": 1,
        "tale": 2,
        "clip": 1,
        "other": 1,
    }


def test_a_long_text_of_one_row_is_no_fault_of_another() -> None:
    graph = graph_of(
        "  clip: {model: kling-2.5-turbo-pro, with: {image: $photo, prompt: $move}}\n", "clip"
    )
    rows = [row("long", photo=picture(), move="x" * 2600), row("short", photo=picture())]
    for order in (rows, rows[::-1]):
        assert [(fault.row_id, fault.column) for fault in plan_of(graph, order).faults] == [
            ("long", "move")
        ]


def test_a_long_text_is_no_fault_where_its_step_does_not_run() -> None:
    step = "{model: kling-2.5-turbo-pro, with: {image: $photo, prompt: $move}, when: scale > 3}"
    rows = [row(photo=picture(), move="x" * 2600, scale=scale) for scale in (2, 4)]
    plan = plan_of(graph_of(f"  clip: {step}\n", "clip"), rows)
    assert len(plan.faults) == 1


def test_the_length_of_a_text_counts_where_only_a_fallback_is_paid_by_it() -> None:
    spoken = load_model("elevenlabs-tts")
    (binding,) = spoken.bindings
    assert binding.price is not None
    by_call = binding.model_copy(
        update={"price": binding.price.model_copy(update={"unit": "call"})}
    )
    speaker = spoken.model_copy(update={"model": "speaker", "bindings": (by_call,)})
    step = "{model: speaker, with: {text: $words}, fallback: [elevenlabs-tts]}"
    graph = graph_of(f"  speech: {step}\n", "speech", {"speaker": speaker})
    pricer = Pricer(graph, routes_without_keys(graph, RunOptions()))
    prices = [pricer.calls(graph.steps[0], row(words="x" * count)) for count in (10, 5000)]
    assert [calls[0].dearest for calls in prices] == [Decimal("0.1"), Decimal("0.5")]


ENLARGED = """\
  {first}
  large: {{model: clarity-upscaler, with: {{image: $seen, scale: 2}}, when: seen.width < 1000}}
  cut: {{model: bria-rmbg-2, with: {{image: {{first: [$large, $seen]}}}}}}
"""


@pytest.mark.parametrize(("width", "calls"), [(900, 1), (1000, 0)])
def test_a_condition_on_what_this_machine_makes_is_decided_in_the_plan(
    width: int, calls: int
) -> None:
    # What it makes is of exactly the size that is foreseen: no row was admitted under a cap for an
    # upscale that no row would have paid.
    first = "seen: {model: flatten, with: {image: $photo}}"
    plan = plan_of(graph_of(ENLARGED.format(first=first), "cut"), [row(photo=picture(width, 700))])
    large = plan.steps[1]
    assert large.calls == calls
    assert large.low == large.expected == large.high


def test_what_only_a_vendors_result_decides_is_reserved_and_may_cost_nothing() -> None:
    first = "seen: {model: flux-2-pro, with: {prompt: $prompt}}"
    _, large, cut = plan_of(graph_of(ENLARGED.format(first=first), "cut")).steps
    assert (large.calls, large.low) == (1, 0)
    assert large.expected == large.high > 0
    assert cut.low == cut.high > 0  # it takes the one or the other
