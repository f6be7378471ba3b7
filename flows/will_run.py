"""Whether a step will run: by the row's inputs, and by what this machine is sure to make of them."""

from __future__ import annotations

from collections.abc import Mapping

from flows.conditions import condition_references, evaluate_condition
from flows.grammar import First, Items, Ref, references
from flows.graph import GraphStep
from flows.unfetched import is_unfetched
from providers.catalog.shape import Shape
from providers.errors import InputError
from providers.media import Media, Value


def will_run(
    step: GraphStep, inputs: Mapping[str, Value], exact: Mapping[str, Shape]
) -> bool | None:
    """Return whether the step's condition holds, or None: only a result will tell."""
    if step.when is None:
        return True
    names: dict[str, Value] = {}
    for ref in condition_references(step.when, step.name):
        if ref.name in exact:
            if ref.part is None or getattr(exact[ref.name], ref.part, None) is None:
                return None
            names[ref.name] = _as_media(exact[ref.name])
        elif ref.name in inputs and not is_unfetched(inputs[ref.name]):
            names[ref.name] = inputs[ref.name]
        else:
            return None
    try:
        return evaluate_condition(step.when, names)
    except InputError:
        return None  # the row will fail there, and cost nothing


def has_all(step: GraphStep, sure: Mapping[str, bool]) -> bool:
    """True when all that the step requires comes from inputs, or from steps that are sure to run."""

    def is_sure(ref: Ref) -> bool:
        name = step.each.get(ref.name, ref).name
        return sure.get(name, True)

    return all(
        (any if isinstance(expression, First | Items) else all)(
            map(is_sure, references(expression))
        )
        for port, expression in step.ports.items()
        if step.requires(port) and references(expression)
    )


def may_run(step: GraphStep, inputs: Mapping[str, Value]) -> bool:
    """Return False for a step whose condition is false by the row's inputs alone."""
    return will_run(step, inputs, {}) is not False


def _as_media(shape: Shape) -> Media:
    """Return media with these facts, for a condition to read."""
    return Media(
        "image", "", "", 0, shape.width, shape.height, shape.seconds, shape.alpha
    )  # `kind` is no fact of a shape, so no condition reads it here
