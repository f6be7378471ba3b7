"""Plan with keys that are not here: a price can be seen before there is an account."""

from __future__ import annotations

from dataclasses import replace

from flows.graph import Graph
from flows.options import RunOptions
from flows.routes import Routes, plan_routes
from providers.errors import SetupError
from providers.registry import PROVIDERS, Provider


def routes_without_keys(graph: Graph, options: RunOptions) -> Routes:
    """Return the routes of a run; where a step has no key at all, as if every key were set.

    Raises:
        UserError: as `plan_routes`, but for keys.
    """
    try:
        return plan_routes(graph, options)
    except SetupError:
        keyed = {name: replace(one, key_variable=None) for name, one in PROVIDERS.items()}
        free = plan_routes(graph, options, providers=keyed)
    return {
        step: tuple(replace(route, is_sendable=_has_key(route.provider)) for route in routes)
        if any(_has_key(route.provider) for route in routes)
        else routes
        for step, routes in free.items()
    }


def missing_keys(routes: Routes) -> list[str]:
    """Return a line for each step that cannot be sent today for want of a key."""
    found = []
    for step, able in routes.items():
        names = dict.fromkeys(route.provider for route in able if route.is_sendable)
        if not any(_has_key(name) for name in names):
            variables = " or ".join(str(PROVIDERS[name].key_variable) for name in names)
            found.append(
                f"step {step!r} needs a key: set {variables}, or add --local (Prefect Secret "
                "blocks of workers are not checked here)"
            )
    return found


def _has_key(name: str) -> bool:
    provider: Provider = PROVIDERS[name]
    return provider.adapter is not None and provider.has_key()
