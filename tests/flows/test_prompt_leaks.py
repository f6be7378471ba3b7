"""MF003 with models that write: what a step was asked may not leak, what it gave may flow."""

from __future__ import annotations

from typing import Any

import pytest

from flows.foresee import Foreseen
from flows.graph import compile_template
from flows.lints import Scene, lint
from flows.options import RunOptions
from flows.place import Place
from flows.routes import plan_routes
from flows.template import Template
from providers.catalog.shape import UNKNOWN


def leaks(steps: dict[str, Any]) -> list[str]:
    inputs = {"image": {"type": "image"}, "brief": {"type": "text"}, "facts": {"type": "text"}}
    data = {"name": "words", "version": 1, "about": "x", "inputs": inputs, "steps": steps}
    last = list(steps)[-1]
    template = Template.model_validate({**data, "outputs": {"last": f"${last}"}})
    graph = compile_template(template, Place("words.yaml"))
    routes = plan_routes(graph, RunOptions(local=True))
    seen = {step.name: Foreseen({}, {}, UNKNOWN) for step in graph.steps}
    scene = Scene(graph, {name: found[0] for name, found in routes.items()}, seen)
    return [one.problem for one in lint(scene) if one.code == "MF003"]


def asks(model: str, prompt: str, **more: Any) -> dict[str, Any]:
    return {"model": model, "with": {"prompt": prompt, **more}}


LOOK = asks("gemini-2.5-flash-vision", "Say what is seen, for ${brief}", images=["$image"])
WRITE = asks("gpt-4o-mini", "Write a prompt from ${brief}")


@pytest.mark.parametrize("first", [LOOK, WRITE], ids=["caption", "text"])
def test_a_text_that_was_given_may_stand_in_any_later_prompt(first: dict[str, Any]) -> None:
    still, clip = asks("flux-2-pro", "$words"), asks("kling-2.5-turbo-pro", "$words")
    clip["with"]["image"] = "$still"
    assert leaks({"words": first, "still": still, "clip": clip}) == []


@pytest.mark.parametrize("first", [LOOK, WRITE], ids=["caption", "text"])
def test_what_a_writer_was_told_may_not_stand_in_a_picture_s_prompt(first: dict[str, Any]) -> None:
    (said,) = leaks({"words": first, "still": asks("flux-2-pro", "${words} ${brief}")})
    assert said.startswith("$brief is what 'words' is told to do")
    assert said.endswith("use $words alone")


def test_two_that_write_may_be_given_the_same_facts() -> None:
    copy = asks("gpt-4o-mini", "Write of ${brief}: ${words}", system="Facts: ${facts}")
    assert leaks({"words": LOOK, "copy": copy}) == []


def test_a_text_may_be_written_about_what_a_picture_was_asked_to_show() -> None:
    assert leaks({"still": asks("flux-2-pro", "$brief"), "copy": WRITE}) == []
