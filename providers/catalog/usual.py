"""The usual call: what is assumed where a price is shown and nothing has been asked for yet.

Every assumption stands here: a model's own defaults, and these inputs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from providers.catalog.price import Quote, quote
from providers.catalog.retired import is_retired
from providers.catalog.schema import Binding, Model
from providers.catalog.shape import Shape, Shapes, foreseen
from providers.kinds import KINDS

USUAL: Mapping[str, Shape] = {
    "text": Shape(characters=500),
    "image": Shape(1024, 1024, alpha=False, media_type="image/png", mode="RGB"),
    "video": Shape(1280, 720, seconds=5.0, audio=False, media_type="video/mp4"),
    "audio": Shape(seconds=5.0, media_type="audio/mpeg"),
}
USUAL_ITEMS = 3  # of a list that a row gives; a model is asked about one
USUAL_WORDS = (
    f"pictures of {USUAL['image'].width}x{USUAL['image'].height}, clips and sounds of "
    f"{USUAL['video'].seconds:g} s, texts of {USUAL['text'].characters} characters, "
    f"lists of {USUAL_ITEMS}"
)


def defaults_of(model: Model) -> dict[str, Any]:
    """Return the default of every parameter that has one."""
    return {
        name: parameter.default
        for name, parameter in model.parameters.items()
        if parameter.default is not None
    }


def usual_inputs(model: Model) -> Shapes:
    """Return a usual shape on every port that the model cannot do without."""
    found: dict[str, Shape | tuple[Shape, ...]] = {}
    for name, port in KINDS[model.kind].inputs.items():
        if port.required or name in model.requires:
            shape = USUAL[port.type.word]
            found[name] = (shape,) if port.type.is_list else shape
    return found


def usual_quote(model: Model, binding: Binding) -> Quote:
    """Return what a usual call of a binding costs."""
    return quote(model, binding, defaults_of(model), usual_inputs(model))


def usual_made(model: Model, binding: Binding) -> Shape:
    """Return what a usual call of a binding makes, as far as that can be told."""
    return foreseen(model, binding, defaults_of(model), usual_inputs(model))


def cheapest(model: Model) -> tuple[Binding, Quote] | None:
    """Return the binding in use whose usual call costs least; None when no price is known."""
    priced = [
        (price.expected, position, binding, price)
        for position, binding in enumerate(model.bindings)
        if not is_retired(binding) and (price := usual_quote(model, binding)).expected is not None
    ]
    if not priced:
        return None
    *_, binding, price = min(priced, key=lambda found: found[:2])
    return binding, price
