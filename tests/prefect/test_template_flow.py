"""A template's own flow: its inputs are a typed form, and it runs."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from prefect.exceptions import ParameterTypeError

from flows.options import RunOptions
from flows.template_flow import template_flow
from tests.prefect.conftest import look


def test_the_form_has_the_template_s_types_choices_words_and_defaults():
    flow = template_flow("product-photo")
    assert (flow.name, flow.version) == ("product-photo", "1")
    assert flow.description == "Photograph a product from a description and cut it out."
    form = flow.parameters
    assert form.required == ["prompt"]
    assert list(form.properties) == ["prompt", "aspect", "options"]
    prompt, aspect, options = form.properties.values()
    assert (prompt["type"], prompt["description"]) == ("string", "What to photograph")
    assert (aspect["enum"], aspect["default"]) == (["1:1", "4:5", "16:9"], "1:1")
    assert aspect["description"] == "Width to height of the picture"
    assert options["description"] == "How the run is done."
    assert options["default"]["local"] is False
    choices: Any = form.definitions["RunOptions"]["properties"]
    assert all(choice["description"] for choice in choices.values())


def test_no_field_of_the_form_takes_a_key_or_rows():
    words = {name.lower() for name in RunOptions.model_fields}
    assert not [word for word in words if "key" in word or "token" in word or "secret" in word]
    assert "rows" not in words


@pytest.mark.parametrize("given", [{"prompt": "a mug", "aspect": "7:3"}, {"aspect": "1:1"}])
async def test_a_value_that_the_form_does_not_allow_is_refused(home, given):
    with pytest.raises((ParameterTypeError, TypeError)):
        await template_flow("product-photo")(**given)
    assert not home.folder.exists()


def test_the_template_s_flow_runs_once_and_shows_its_row_and_requests(home, quick_work):
    flow = template_flow("product-photo")

    async def call() -> Any:
        options = RunOptions(local=True)
        return await flow(prompt="a red mug", aspect="4:5", options=options, return_state=True)

    done = look(home, asyncio.run(call()))
    assert done.seen.state[:2] == ("COMPLETED", "Completed")
    assert done.seen.state[2].startswith("1 row: 1 done · 2 attempts, 0 reused, $0.00")
    names = {name: task.state_name for name, task in done.seen.tasks(done.seen.flow).items()}
    assert names == {
        "1 · a red mug": "Completed",
        "1 · a red mug · photo · flux-2-pro@local": "Completed",
        "1 · a red mug · cutout · birefnet@local": "Completed",
    }
    assert f"progress-{done.run}" in done.seen.artifacts()
    assert (done.folder / "outputs" / "1" / "cutout.png").exists()
    assert sorted(quick_work) == ["cut_out", "draw_photo"]
