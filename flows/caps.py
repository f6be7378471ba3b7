"""What a run may cost: `--max-cost`, and the caps by provider in the home's settings.yaml.

caps: {fal: "20.00", replicate: "5.00"}     USD that one run may cost at that provider
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from flows.graph import Graph
from flows.graph_step import GraphStep
from flows.options import RunOptions
from flows.own_file import read_own_file, wrong_entry
from flows.routes import Route, Routes
from providers.catalog.schema import Amount
from providers.errors import RequestError, SetupError, near
from providers.registry import PROVIDERS
from providers.yaml_file import line_of
from tasks.home import Home
from tasks.ledger.schema import ALL

SETTINGS = "settings.yaml"


class Settings(BaseModel):
    """What holds for every run of a home."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    caps: dict[str, Amount] = Field(default_factory=dict)


def caps_for(options: RunOptions, home: Home) -> dict[str, Decimal]:
    """Return what a run may cost in USD, by provider and with ALL in all; {} without a cap.

    Raises:
        SetupError: settings.yaml is wrong.
    """
    caps = dict(read_settings(home.folder / SETTINGS).caps)
    if options.max_cost is not None:
        caps[ALL] = options.max_cost
    return caps


def read_settings(path: Path) -> Settings:
    """Return the settings in a file, or none of them when it is not there.

    Raises:
        SetupError: `file:line: problem`.
    """
    data, text = read_own_file(path)
    try:
        settings = Settings.model_validate(data)
    except ValidationError as error:
        raise wrong_entry(path, text, error) from None
    for name, amount in settings.caps.items():
        where = f"{path}:{line_of(text, ('caps', name))}"
        if name not in PROVIDERS:
            raise SetupError(f"{where}: there is no provider {name!r}.{near(name, PROVIDERS)}")
        if not amount.is_finite() or amount < 0:
            raise SetupError(f"{where}: a cap is an amount from 0 upwards, and not {amount}")
    return settings


def with_known_prices(graph: Graph, routes: Routes, options: RunOptions, home: Home) -> Routes:
    """Return the routes; under a cap those without a price cannot be used, unless that is allowed.

    Raises:
        RequestError: a step's own model has no price anywhere, and what to do.
        SetupError: settings.yaml is wrong.
    """
    caps = caps_for(options, home)
    if options.allow_unpriced or not (caps or options.is_capped):
        return routes
    capped = Capped(ALL in caps or options.max_cost_per_row is not None, frozenset(caps))
    found = {name: tuple(map(capped.priced, step)) for name, step in routes.items()}
    for step in graph.steps:
        own = [route for route in found[step.name] if route.model == step.model]
        if not any(route.is_sendable for route in own):
            raise RequestError(_unpriced(step, own))
    return found


@dataclass(frozen=True, slots=True)
class Capped:
    """Where a run may not cost more than a stated amount."""

    everywhere: bool
    providers: frozenset[str]

    def priced(self, route: Route) -> Route:
        """Return the route as it can be used."""
        binding = route.binding
        is_known = route.provider == "local" or binding.price or binding.ceiling_usd is not None
        if is_known or not (self.everywhere or route.provider in self.providers):
            return route
        return replace(route, is_sendable=False)


def _unpriced(step: GraphStep, routes: Sequence[Route]) -> str:
    labels = ", ".join(f"{route.model.model}@{route.provider}" for route in routes)
    return (
        f"step {step.name!r}: no price is known of {labels or step.model.model}, and the run has a "
        f"cap: use another model with --use {step.name}=MODEL, state its ceiling_usd in "
        "prices.yaml, or count it as free with --allow-unpriced."
    )
