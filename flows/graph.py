"""A template whose parts fit together: models found, references resolved, every edge checked.

`compile_template` is the only way to a `Graph`, so whoever holds one need not check again. Nothing
here knows a table, a price or a provider's key.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from flows.edges import Scope
from flows.grammar import Expression, First, Ref, parse, references
from flows.graph_step import GraphStep, ModelUse, StepCompiler
from flows.place import Place
from flows.template import Input, Template
from providers.catalog import Model, load_model
from providers.errors import RequestError, near

__all__ = ["Graph", "GraphStep", "ModelUse", "compile_template", "template_digest"]


@dataclass(frozen=True, slots=True)
class Graph:
    """A checked template. `digest` is of its content: reformatting the file does not change it."""

    template: Template
    inputs: Mapping[str, Input]
    steps: tuple[GraphStep, ...]
    outputs: Mapping[str, Expression]
    digest: str

    @property
    def name(self) -> str:
        """The name of the template."""
        return self.template.name

    def step(self, name: str) -> GraphStep:
        """Return the step of that name.

        Raises:
            RequestError: no such step; the message offers the nearest.
        """
        found = {step.name: step for step in self.steps}
        if name not in found:
            raise RequestError(f"{self.name} has no step {name!r}.{near(name, found)}")
        return found[name]


def compile_template(
    template: Template,
    where: str,
    *,
    text: str | None = None,
    find_model: Callable[[str], Model] = load_model,
) -> Graph:
    """Return the checked graph of a template.

    Args:
        template: As loaded from YAML or built in Python.
        where: The file's name, for errors.
        text: The YAML it came from, so that errors can name the line.
        find_model: Where models are looked up; a resumed run gives its frozen catalog.

    Raises:
        RequestError: `where:line: step 'photo': with.prompt: problem`, for the first problem.
    """
    place = Place(where, text)
    for name in template.steps:
        if name in template.inputs:
            raise place.at("steps", name).fault("is an input, too; rename one of the two")
    steps: dict[str, GraphStep] = {}
    for name in template.steps:
        later = tuple(template.steps)[len(steps) :]
        outputs = {earlier.name: earlier.output_types for earlier in steps.values()}
        open_lists = frozenset(each.name for each in steps.values() if each.gives_open_list)
        scope = Scope(template.inputs, outputs, later, open_lists=open_lists)
        steps[name] = StepCompiler(name, template.steps[name], scope, place, find_model).compile()
    scope = Scope(template.inputs, {name: step.output_types for name, step in steps.items()})
    return Graph(
        template=template,
        inputs=template.inputs,
        steps=tuple(steps.values()),
        outputs={
            name: _output(value, scope, place.at("outputs", name))
            for name, value in template.outputs.items()
        },
        digest=template_digest(template),
    )


def template_digest(template: Template) -> str:
    """Return the sha256 of a template's content; the order of its keys does not count."""
    data = template.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    canonical = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def _output(value: object, scope: Scope, where: Place) -> Expression:
    expression = parse(value, where)
    if not isinstance(expression, Ref | First):
        raise where.fault(f"{value!r} is not a step; write $step or {{first: [$a, $b]}}")
    for ref in references(expression):
        scope.find(ref, where)
        if ref.name not in scope.steps:
            raise where.fault(f"${ref} is an input; an output is what a step gives")
        if ref.part is not None and ref.part not in scope.steps[ref.name]:
            raise where.fault(f"${ref} is a fact; an output is what a step gives: ${ref.name}")
    return expression
