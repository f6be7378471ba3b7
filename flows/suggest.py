"""Edits that a template would bear: other models, parameters, modifiers, one step more.

Each is tried on the template before it is offered, so that whoever follows one has a file that
loads. Nothing here knows how an edit is written down.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from flows.graph import Graph, GraphStep, compile_template
from flows.save import input_data, step_data
from flows.template import MEDIA_WORDS, Template
from providers.catalog import Model, Parameter, load_model, names_of_kind
from providers.catalog.retired import is_retired
from providers.errors import RequestError

STYLE, WIDTHS = "style", "widths"
_MOST_PARAMETERS = 2

Data = dict[str, Any]
FindModel = Callable[[str], Model]


@dataclass(frozen=True, slots=True)
class Suggestions:
    """Edits by place. Those of `inputs`, `steps` and `outputs` belong together and are made as one.

    `models` and `texts` (step -> port -> text) stand for what is there, the others are added.
    """

    models: Mapping[str, tuple[str, ...]]
    parameters: Mapping[str, Mapping[str, Any]]
    modifiers: Mapping[str, Data]
    texts: Mapping[str, Mapping[str, str]]
    inputs: Data = field(default_factory=dict)
    steps: Data = field(default_factory=dict)
    outputs: Data = field(default_factory=dict)


def suggest(graph: Graph, find_model: FindModel = load_model) -> Suggestions:
    """Return the edits that this template bears."""
    tried = _Trial(graph.template, find_model)
    inputs, texts = _style(graph)
    more = _more_steps(graph)
    if not tried.bears({"inputs": more.inputs, "steps": more.steps, "outputs": more.outputs}):
        more = _More({}, {}, {})
    return Suggestions(
        models={step.name: tuple(_models(step, tried)) for step in graph.steps},
        parameters={step.name: dict(_parameters(step, tried)) for step in graph.steps},
        modifiers={step.name: dict(_modifiers(graph, step, tried)) for step in graph.steps},
        texts=texts,
        inputs={**inputs, **more.inputs},
        steps=more.steps,
        outputs=more.outputs,
    )


class _Trial:
    """A template, and whether it would still load with something changed."""

    def __init__(self, template: Template, find_model: FindModel) -> None:
        self.find_model = find_model
        self.data: Data = {
            "inputs": {name: input_data(given) for name, given in template.inputs.items()},
            "steps": {name: step_data(step) for name, step in template.steps.items()},
            "outputs": dict(template.outputs),
        }
        self._head = {"name": template.name, "version": template.version, "about": template.about}

    def bears(self, more: Mapping[str, Data]) -> bool:
        """True when the template loads with these entries added to its parts."""
        parts = {part: {**entries, **more.get(part, {})} for part, entries in self.data.items()}
        try:
            template = Template.model_validate({**self._head, **parts})
            compile_template(template, "", find_model=self.find_model)
        except (ValidationError, RequestError):
            return False
        return True

    def step_bears(self, step: str, change: Data) -> bool:
        """True when the template loads with this step changed so."""
        return self.bears({"steps": {step: {**self.data["steps"][step], **change}}})


def _models(step: GraphStep, tried: _Trial) -> Iterator[str]:
    """Other models of the kind that take what the step gives; local editing has its own names."""
    if step.model.is_local:
        return
    used = {step.use.model, *(use.model for use in step.fallback)}
    for name in names_of_kind(step.kind.name):
        model = tried.find_model(name)
        if name in used or model.is_local or all(map(is_retired, model.bindings)):
            continue
        if tried.step_bears(step.name, {"model": name}):
            yield name


def _parameters(step: GraphStep, tried: _Trial) -> Iterator[tuple[str, Any]]:
    written = tried.data["steps"][step.name].get("with", {})
    found = 0
    for name, rule in step.model.parameters.items():
        value = _value_for(rule)
        if name in written or value is None or found == _MOST_PARAMETERS:
            continue
        if tried.step_bears(step.name, {"with": {**written, name: value}}):
            found += 1
            yield name, value


def _value_for(rule: Parameter) -> Any:
    """The default, so that nothing changes until the value is edited; a seed has none."""
    if rule.default is not None:
        return rule.default
    if rule.options:
        return rule.options[0]
    return 7 if rule.type == "integer" and not rule.unit else None


def _modifiers(graph: Graph, step: GraphStep, tried: _Trial) -> Iterator[tuple[str, Any]]:
    offered: Data = {
        "fallback": [] if step.fallback else list(_models(step, tried))[:1],
        "when": None if step.when else _condition(graph, step),
        "on_error": "skip" if step.on_error == "fail" else None,
        "fit": None if step.fit else _fit(step),
        "silence": None if step.silence else _silence(step, tried),
    }
    for name, value in offered.items():
        # A fit of the right form always loads; to try its colour would load what reads pictures.
        if value and (name == "fit" or tried.step_bears(step.name, {name: value})):
            yield name, value


def _condition(graph: Graph, step: GraphStep) -> str | None:
    """A condition that most rows meet: over a choice best, else over the width of a picture."""
    for name, given in graph.inputs.items():
        if given.options:
            option = given.options[-1]
            return f'{name} != "{option}"' if isinstance(option, str) else f"{name} != {option}"
        if given.port_type.word == "boolean":
            return f"not {name}"
    for name in sorted(step.needs):
        if _gives_one(graph.step(name), "image"):
            return f"{name}.width < 2000"
    for name, given in graph.inputs.items():
        if given.type == "image" and given.required:
            return f"{name}.width < 2000"
        if given.type == "text":
            return f'{name} != ""'
    return None


def _silence(step: GraphStep, tried: _Trial) -> list[str]:
    """The warning that the suggested parameters lead to, where a fallback has none of them."""
    more = [name for name, _ in _parameters(step, tried)]
    models = (model for model in step.fallback_models if not model.is_local)
    return ["MF007"] if any(name not in one.parameters for one in models for name in more) else []


def _fit(step: GraphStep) -> Data | None:
    words = {step.kind.inputs[port].type.word for port in step.ports if port in step.kind.inputs}
    if step.model.is_local:
        return None
    if words & {"image", "video"}:
        return {"mode": "pad", "colour": "white"}
    return {"text": "cut"} if "text" in words else None


def _style(graph: Graph) -> tuple[Data, dict[str, dict[str, str]]]:
    """A column more, taken into the first prompt that is one input as it stands."""
    if STYLE in {*graph.inputs, *graph.template.steps}:
        return {}, {}
    for step in graph.steps:
        prompt = graph.template.steps[step.name].with_.get("prompt")
        if not step.kind.generates or not isinstance(prompt, str) or prompt[:1] != "$":
            continue
        given = graph.inputs.get(prompt[1:])
        if given is not None and given.type == "text":
            style = {"type": "text", "default": "in soft daylight", "about": "How it looks"}
            return {STYLE: style}, {step.name: {"prompt": f"${{{prompt[1:]}}}, ${{{STYLE}}}"}}
    return {}, {}


@dataclass(frozen=True, slots=True)
class _More:
    inputs: Data
    steps: Data
    outputs: Data


def _more_steps(graph: Graph) -> _More:
    """Steps that go on from the last output, done on this machine and free; one goes over a list."""
    found = _last_media(graph)
    if found is None:
        return _More({}, {}, {})
    reference, word = found
    if word == "video":
        steps: Data = {
            "short": {"model": "trim-clip", "with": {"video": reference, "seconds": 3}},
            "still": {"model": "extract-frame", "with": {"video": reference}},
        }
        return _More({}, steps, {name: f"${name}" for name in steps})
    widths = {"type": "list[integer]", "default": [512, 256], "max": 4, "about": "Sizes to make"}
    small = {
        "model": "resize",
        "each": {"width": f"${WIDTHS}"},
        "with": {"image": reference, "width": "$width"},
    }
    square = {"model": "pad", "with": {"image": reference, "aspect_ratio": "1:1"}}
    steps = {"square": square, "small": small}
    return _More({WIDTHS: widths}, steps, {name: f"${name}" for name in steps})


def _last_media(graph: Graph) -> tuple[str, str] | None:
    """The last output that is one picture or clip, as a reference, and which it is."""
    taken = {*graph.inputs, *graph.template.steps, *graph.outputs}
    if taken & {"square", "small", "short", "still", WIDTHS, "width"}:
        return None
    for value in reversed(graph.template.outputs.values()):
        if isinstance(value, str) and value[1:] in graph.template.steps:
            step = graph.step(value[1:])
            word = step.kind.outputs[step.kind.main_output].type.word
            if word in MEDIA_WORDS and word != "audio" and _gives_one(step, word):
                return value, word
    return None


def _gives_one(step: GraphStep, word: str) -> bool:
    kind = step.output_types[step.kind.main_output]
    return kind.word == word and not kind.is_list
