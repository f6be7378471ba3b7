"""A model that its vendor switches off: refused when it is gone, named while there is time."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from providers.catalog import Model, load_model
from providers.errors import RequestError
from tests.flows.planning import graph_of, plan_of

pytestmark = pytest.mark.usefixtures("home")

STEP = "  shot: {{model: flux-2-pro, with: {{prompt: $prompt}}{}}}\n"
TODAY = date.today()


def ending(*only: str, **facts: Any) -> dict[str, Model]:
    """The catalog in which flux-2-pro ends at these providers, or at all of them."""
    model = load_model("flux-2-pro")
    bindings = tuple(
        binding.model_copy(update=facts) if not only or binding.provider in only else binding
        for binding in model.bindings
    )
    return {"flux-2-pro": model.model_copy(update={"bindings": bindings})}


def after(days: int) -> str:
    return str(TODAY + timedelta(days=days))


def refusal(models: dict[str, Model], **options: Any) -> str:
    with pytest.raises(RequestError) as raised:
        plan_of(graph_of(STEP.format(""), "shot", models), **options)
    return str(raised.value)


def lints(models: dict[str, Model], more: str = "", **options: Any) -> list[str]:
    return [
        str(one) for one in plan_of(graph_of(STEP.format(more), "shot", models), **options).lints
    ]


@pytest.mark.parametrize("facts", [{"retires_on": after(-1)}, {"retires_on": after(0)}])
def test_a_model_that_is_gone_is_refused_with_the_day_and_what_replaces_it(facts: Any) -> None:
    line = refusal(ending(**facts, replaced_by="flux-3-pro"))
    assert line == (
        f"step 'shot': flux-2-pro was switched off on {facts['retires_on']}; use flux-3-pro."
    )


def test_one_without_a_day_or_a_successor_is_refused_all_the_same() -> None:
    assert refusal(ending(status="retired")) == "step 'shot': flux-2-pro was switched off."


def test_a_shipped_model_that_is_gone_names_its_successor() -> None:
    with pytest.raises(RequestError, match=r"switched off on 2026-08-17; use nano-banana\.$"):
        plan_of(graph_of("  shot: {model: imagen-4, with: {prompt: $prompt}}\n", "shot"))


def test_where_a_fallback_does_the_step_the_plan_says_so() -> None:
    gone = ending(retires_on=after(-1), replaced_by="flux-3-pro")
    assert lints(gone, ", fallback: [recraft-v4]") == [
        f"MF009 step 'shot': flux-2-pro was switched off on {after(-1)}, and its fallback "
        "recraft-v4 does the step; flux-3-pro follows it (silence: [MF009])"
    ]
    plan = plan_of(graph_of(STEP.format(", fallback: [recraft-v4]"), "shot", gone))
    assert plan.steps[0].route == "recraft-v4@fal"


def test_a_provider_that_has_switched_it_off_is_passed_over() -> None:
    plan = plan_of(graph_of(STEP.format(""), "shot", ending("fal", retires_on=after(-1))))
    assert plan.steps[0].route == "flux-2-pro@replicate"
    assert plan.lints == ()


@pytest.mark.parametrize(("days", "is_said"), [(1, True), (30, True), (31, False)])
def test_the_last_month_is_a_warning_that_names_day_and_successor(days: int, is_said: bool) -> None:
    said = lints(ending("fal", retires_on=after(days), replaced_by="flux-3-pro"), provider=("fal",))
    assert said == (
        [
            f"MF009 step 'shot': flux-2-pro is switched off on {after(days)}; flux-3-pro follows "
            "it (silence: [MF009])"
        ]
        if is_said
        else []
    )


def test_only_where_it_is_sent_first_does_it_matter() -> None:
    soon = ending("replicate", retires_on=after(5))
    assert lints(soon, provider=("fal", "replicate")) == []
    assert len(lints(soon, provider=("replicate",))) == 1


def test_on_this_machine_nothing_is_ever_switched_off() -> None:
    assert lints(ending(retires_on=after(-1)), local=True) == []
