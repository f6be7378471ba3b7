"""Routes: for each step, which model at which provider can do it, in order.

Worked out once per run; `candidates` then fills in one row's values.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flows.graph import Graph, GraphStep
from flows.graph_step import LOCAL
from flows.offers import Offer, asked_for, local_offer, offers
from flows.options import RunOptions
from providers.catalog import Binding, Model
from providers.catalog.retired import is_retired
from providers.catalog.shape import Shapes, foreseen, sent_seconds, shapes_of
from providers.catalog.size import PIXELS_PER_MEGAPIXEL
from providers.errors import InputError, RequestError, SetupError
from providers.fit import FitChoice, unfit
from providers.media import Value
from providers.registry import PROVIDERS, Provider, provider_named
from tasks.candidate import Candidate


@dataclass(frozen=True, slots=True)
class Route:
    """One model at one provider."""

    model: Model
    binding: Binding
    provider: str
    endpoint: str
    realm: str
    is_sendable: bool
    defaults: Mapping[str, Any]


Routes = Mapping[str, tuple[Route, ...]]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a route cannot do a step: the port or parameter, what is wrong with it, what to do."""

    name: str
    problem: str
    fix: str

    def __str__(self) -> str:
        return f"{self.problem}. {self.fix}"


def plan_routes(
    graph: Graph,
    options: RunOptions,
    *,
    providers: Mapping[str, Provider] = PROVIDERS,
) -> Routes:
    """Return the routes of every step.

    Raises:
        RequestError: an option names a provider that is not there, or does not offer the model.
        SetupError: a step has no provider that can be used today.
    """
    for name in options.provider:
        provider_named(name)
    for step in graph.steps:
        _refuse_what_is_not_built(step)
    routes = {step.name: _routes(step, options, providers) for step in graph.steps}
    for step in graph.steps:
        _require_one(step, routes[step.name], options, providers)
    return routes


def candidates(
    step: GraphStep,
    routes: tuple[Route, ...],
    ports: Mapping[str, Value],
    given: Mapping[str, Any],
    take: int,
) -> tuple[Candidate, ...]:
    """Return the step's candidates for one row's values, in order.

    Raises:
        InputError: no route takes these values.
    """
    found: list[Candidate] = []
    refused: Refusal | None = None
    shapes, choice = shapes_of(ports), fit_choice(step)
    for route in routes:
        if why := refusal(route, given, shapes, choice):
            refused = refused or why
            continue
        found.append(
            Candidate(
                model=route.model,
                binding=route.binding,
                provider=route.provider,
                endpoint=route.endpoint,
                realm=route.realm,
                parameters=asked_for(route, given),
                inputs=ports,
                is_sendable=route.is_sendable,
                fit=step.fit.model_dump(exclude_none=True) if step.fit else {},
                take=max(take, step.take),
            )
        )
    if not found:
        raise InputError(f"step {step.name!r}: {refused}")
    return tuple(found)


def fit_choice(step: GraphStep) -> FitChoice:
    """Return what the step's template allows to be lost."""
    return FitChoice(**step.fit.model_dump()) if step.fit else _NO_CHOICE


_NO_CHOICE = FitChoice()


def refusal(
    route: Route, given: Mapping[str, Any], shapes: Shapes, choice: FitChoice
) -> Refusal | None:
    """Return why a route cannot take these values; a parameter its model lacks is left out."""
    label = f"{route.model.model}@{route.provider}"
    for port in shapes:
        # A model that takes it nowhere is a fallback, whose losses the template has allowed.
        if route.model.takes(port) and not route.binding.takes(port):
            return Refusal(
                port, f"{port}: {label} takes none", "Leave it out, or choose another provider"
            )
    for name, value in given.items():
        rule = route.model.parameters.get(name)
        if rule and (problem := rule.problem_with(value)):
            return Refusal(name, f"{name} {value!r} {problem} ({label})", "Choose an allowed value")
    parameters = asked_for(route, given)
    seconds = parameters.get("seconds")
    if seconds is not None and sent_seconds(route.binding, float(seconds)) is None:
        return Refusal("seconds", f"{label} makes nothing of {seconds:g} seconds", "Ask for less")
    if found := unfit(route.binding, shapes, parameters, choice):
        port, error = found
        return Refusal(port, f"{port}: {error.problem} ({label})", error.fix)
    return _too_large(route, parameters, shapes, label)


def _too_large(
    route: Route, parameters: Mapping[str, Any], shapes: Shapes, label: str
) -> Refusal | None:
    """An upscale beyond what its provider makes, or beyond what is worth paying for by mistake."""
    makes = route.binding.makes
    if makes.size != "scaled" or makes.max_megapixels is None:
        return None
    made = foreseen(route.model, route.binding, parameters, shapes).size
    if made is None or made[0] * made[1] <= makes.max_megapixels * PIXELS_PER_MEGAPIXEL:
        return None
    return Refusal(
        "scale",
        f"scale: {made[0]}x{made[1]} would be made, and {makes.max_megapixels:g} megapixels are "
        f"the most ({label})",
        "Ask for a smaller scale, or give a smaller picture",
    )


def _routes(
    step: GraphStep, options: RunOptions, providers: Mapping[str, Provider]
) -> tuple[Route, ...]:
    found = (local_offer(step.model),) if options.local else offers(step, options.provider)
    return tuple(_route(offer, providers) for offer in found)


def _route(offer: Offer, providers: Mapping[str, Provider]) -> Route:
    provider = None if offer.provider == LOCAL else providers[offer.provider]
    return Route(
        model=offer.model,
        binding=offer.binding,
        provider=offer.provider,
        endpoint=offer.endpoint,
        realm=provider.realm() if provider else LOCAL,
        is_sendable=provider is None or (provider.adapter is not None and provider.has_key()),
        defaults=offer.defaults,
    )


def _refuse_what_is_not_built(step: GraphStep) -> None:
    """Part of the grammar from the first day, and carried out later: never passed over in silence."""
    written = {
        "checks": step.checks,
        "allow": step.allow != "any",
    }
    for name, value in written.items():
        if value:
            raise SetupError(
                f"step {step.name!r}: `{name}` is valid, and this version does not carry it out "
                "yet. Leave it out for now."
            )


def _require_one(
    step: GraphStep,
    routes: tuple[Route, ...],
    options: RunOptions,
    providers: Mapping[str, Provider],
) -> None:
    if any(route.is_sendable for route in routes):
        return
    if all(is_retired(binding) for binding in step.model.bindings) and not routes:
        gone = step.model.bindings[0]
        instead = f"; use {gone.replaced_by}" if gone.replaced_by else ""
        raise RequestError(
            f"step {step.name!r}: {step.model.model} was switched off on {gone.retires_on}{instead}."
        )
    if not routes:
        asked = ", ".join(options.provider or step.provider)
        raise RequestError(f"step {step.name!r}: {step.model.model} is not offered by {asked}.")
    names = dict.fromkeys(route.provider for route in routes)
    for name in names:
        provider = providers[name]
        if provider.adapter is None and provider.has_key():
            raise SetupError(
                f"step {step.name!r}: {provider.key_variable} is set, but provider {name!r} has no "
                "adapter in this version: add --local to play the models on this machine."
            )
    variables = " or ".join(str(providers[name].key_variable) for name in names)
    raise SetupError(
        f"step {step.name!r}: {step.model.model} needs a key: set {variables}, or add --local to "
        "play the models on this machine, free."
    )
