"""For tests of templates: one step by itself, with what it is fed as its inputs.

The fixtures are in `providers/pytest_plugin.py`; docs/testing.md shows how they go together.
"""

from __future__ import annotations

from pathlib import Path

from flows.conditions import condition_references
from flows.grammar import First, Items, references
from flows.graph import Graph, GraphStep
from flows.load import load_template
from flows.template import Input, Template


def one_step(template: str | Path | Template | Graph, step: str) -> Template:
    """Return a template of that one step: what earlier steps would feed it are inputs.

    Raises:
        RequestError: no such template or step, or it is fed by something that is no input's type.
    """
    graph = template if isinstance(template, Graph) else load_template(template)
    found, whole = graph.step(step), graph.template
    wanted, optional = _names(found), _optional(found)
    inputs = {name: given for name, given in whole.inputs.items() if name in wanted}
    for earlier in graph.steps:
        if earlier.name in wanted:
            word = str(next(iter(earlier.output_types.values())))
            given = {"type": word, "about": f"As {earlier.name} gives it"}
            left_out = {"default": None} if earlier.name in optional else {}
            inputs[earlier.name] = Input.model_validate({**given, **left_out})
    made = Template(
        name=f"{whole.name}-{step.replace('_', '-')}",
        version=whole.version,
        about=f"Step {step} of {whole.name}.",
        inputs=inputs,
        steps={step: whole.steps[step]},
        outputs={step: f"${step}"},
    )
    return load_template(made).template


def _names(step: GraphStep) -> set[str]:
    """Return every input and step that a step refers to."""
    refs = {ref.name for ref in step.each.values()}
    for value in (*step.ports.values(), *step.parameters.values()):
        refs |= {ref.name for ref in references(value)}
    if step.when is not None:
        refs |= {ref.name for ref in condition_references(step.when, step.name)}
    return refs


def _optional(step: GraphStep) -> set[str]:
    """Return what may be missing: the items of a list, and what `first` chooses from."""
    holders = [value for value in step.ports.values() if isinstance(value, First | Items)]
    return {ref.name for value in holders for ref in references(value)}
