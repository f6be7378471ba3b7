"""Offers: which models at which providers could do a step, in the template's order.

No key is looked at, and nothing of what can be called: `flows.routes` adds that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from flows.graph_step import LOCAL, GraphStep
from providers.catalog import Binding, Model, local_player
from providers.catalog.retired import is_retired
from providers.catalog.usual import defaults_of
from providers.errors import SetupError


@dataclass(frozen=True, slots=True)
class Offer:
    """One model at one provider; on this machine `binding` is that of the model that plays it."""

    model: Model
    binding: Binding
    provider: str
    endpoint: str
    defaults: Mapping[str, Any]


class Maker(Protocol):
    """What does a step: an offer, or the route that it becomes."""

    @property
    def model(self) -> Model:
        """The model whose parameters are given."""

    @property
    def binding(self) -> Binding:
        """How its provider offers it."""

    @property
    def defaults(self) -> Mapping[str, Any]:
        """The parameters where a step gives none."""


def asked_for(maker: Maker, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is asked for: the defaults, and what is given of what the model has.

    A fallback leaves out what only the first model knows.
    """
    known = {name: value for name, value in given.items() if name in maker.model.parameters}
    return {**maker.defaults, **known}


def offers(step: GraphStep, only: tuple[str, ...] = ()) -> Iterator[Offer]:
    """Yield the offers of a step and of its fallbacks, in order.

    `only` names the providers that may be used, in order; without it the step's own narrowing
    holds. What is retired is left out.

    Raises:
        SetupError: a model is wanted on this machine and nothing here plays its kind.
    """
    narrow = only or step.provider
    for model, wanted in _uses(step):
        if wanted == LOCAL or model.is_local:
            yield local_offer(model)
            continue
        bindings = [
            binding
            for binding in model.bindings
            if not is_retired(binding) and wanted in (None, binding.provider)
        ]
        if narrow:
            bindings = [
                binding for name in narrow for binding in bindings if binding.provider == name
            ]
        for binding in bindings:
            yield Offer(model, binding, binding.provider, binding.endpoint, defaults_of(model))


def local_offer(model: Model) -> Offer:
    """Return how this machine does the model's work, or plays its kind with a stand-in.

    Raises:
        SetupError: nothing here plays its kind.
    """
    player = model if model.is_local else local_player(model.kind)
    if player is None:
        raise SetupError(f"No local model plays {model.kind} yet: run {model.model} with a key.")
    return Offer(
        model=model,
        binding=player.bindings[0],
        provider=LOCAL,
        # The player's own revision: its pictures change when its code does.
        endpoint=f"{player.model}/{player.revision}",
        defaults={**defaults_of(player), **defaults_of(model)},
    )


def _uses(step: GraphStep) -> list[tuple[Model, str | None]]:
    models = (step.model, *step.fallback_models)
    uses = (step.use, *step.fallback)
    return [(model, use.provider) for model, use in zip(models, uses, strict=True)]
