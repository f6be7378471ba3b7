"""A plan before there is a key: every price is shown, and what is missing is named."""

from __future__ import annotations

import pytest

from flows.keys import missing_keys, routes_without_keys
from flows.load import load_template
from flows.options import RunOptions
from flows.routes import Routes, plan_routes
from providers.errors import RequestError, SetupError
from tests.flows.planning import graph_of, plan_of

pytestmark = pytest.mark.usefixtures("home")

UNCHECKED = "(Prefect Secret blocks of workers are not checked here)"


def routes(**options: object) -> Routes:
    return routes_without_keys(load_template("product-photo"), RunOptions.model_validate(options))


def sendable(found: Routes) -> dict[str, list[str]]:
    return {
        step: [f"{route.model.model}@{route.provider}" for route in able if route.is_sendable]
        for step, able in found.items()
    }


def test_a_run_needs_a_key_and_a_plan_does_not() -> None:
    with pytest.raises(SetupError, match="needs a key: set FAL_KEY"):
        plan_routes(load_template("product-photo"), RunOptions())
    assert sendable(routes())["photo"][:2] == ["flux-2-pro@fal", "flux-2-pro@replicate"]


def test_each_step_without_a_key_names_every_variable_that_would_do() -> None:
    assert missing_keys(routes()) == [
        "step 'photo' needs a key: set FAL_KEY or REPLICATE_API_TOKEN or BFL_API_KEY, or add "
        f"--local {UNCHECKED}",
        "step 'cutout' needs a key: set FAL_KEY or REPLICATE_API_TOKEN or BRIA_API_TOKEN, or add "
        f"--local {UNCHECKED}",
    ]


def test_one_key_may_do_for_one_step_and_not_for_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BFL_API_KEY", "a-key")
    found = routes()
    assert sendable(found)["photo"] == ["flux-2-pro@bfl"]  # what could be sent is what is priced
    assert len(sendable(found)["cutout"]) > 1
    (line,) = missing_keys(found)
    assert line.startswith("step 'cutout' needs a key: set FAL_KEY")
    assert "a-key" not in line


def test_with_keys_for_all_nothing_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAL_KEY", "a-key")
    assert missing_keys(routes()) == []
    assert routes() == plan_routes(load_template("product-photo"), RunOptions())


def test_an_empty_variable_is_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAL_KEY", "  ")
    assert len(missing_keys(routes())) == 2


def test_on_this_machine_no_key_is_missing() -> None:
    assert missing_keys(routes(local=True)) == []


def test_a_step_of_this_machine_needs_none_either() -> None:
    steps = "  cut: {model: birefnet, with: {image: $photo}}\n"
    steps += "  flat: {model: flatten, with: {image: $cut}}\n"
    (line,) = missing_keys(routes_without_keys(graph_of(steps, "flat"), RunOptions()))
    assert line.startswith("step 'cut' ")


def test_a_key_changes_no_price(monkeypatch: pytest.MonkeyPatch) -> None:
    before = plan_of(load_template("product-photo"), provider=("fal",))
    monkeypatch.setenv("FAL_KEY", "a-key")
    assert plan_of(load_template("product-photo"), provider=("fal",)) == before
    assert before.steps[0].expected > 0


def test_everything_else_that_is_wrong_is_still_refused() -> None:
    with pytest.raises(RequestError, match="Did you mean 'replicate'"):
        routes(provider=["replikate"])
    with pytest.raises(RequestError, match="flux-2-pro is not offered by bria"):
        routes(provider=["bria"])
