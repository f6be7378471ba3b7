"""What a run may cost: `--max-cost`, and the caps by provider in the home's settings.yaml.

caps: {fal: "20.00", replicate: "5.00"}     USD that one run may cost at that provider
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from flows.graph import Graph
from flows.options import RunOptions
from flows.pricing import Pricer
from flows.routes import Routes
from flows.rows import ReadyRow
from providers.catalog.schema import Amount
from providers.errors import RequestError, SetupError, near
from providers.registry import PROVIDERS
from providers.yaml_file import line_of, parse_yaml
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
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return Settings()
    except OSError as error:
        raise SetupError(f"{path}: cannot be read: {error.strerror or error}") from None
    try:
        settings = Settings.model_validate(parse_yaml(text, str(path)) or {})
    except RequestError as error:
        raise SetupError(str(error)) from None
    except ValidationError as error:
        first = error.errors()[0]
        place = tuple(str(part) for part in first["loc"])
        problem = first["msg"].removeprefix("Value error, ")
        raise SetupError(f"{path}:{line_of(text, place)}: {'.'.join(place)}: {problem}") from None
    for name, amount in settings.caps.items():
        where = f"{path}:{line_of(text, ('caps', name))}"
        if name not in PROVIDERS:
            raise SetupError(f"{where}: there is no provider {name!r}.{near(name, PROVIDERS)}")
        if not amount.is_finite() or amount < 0:
            raise SetupError(f"{where}: a cap is an amount from 0 upwards, and not {amount}")
    return settings


def require_prices(
    graph: Graph, routes: Routes, rows: Sequence[ReadyRow], options: RunOptions, home: Home
) -> None:
    """Do nothing when every call of a run that is capped has a price, or none is needed.

    Raises:
        RequestError: a model has no price, and what to do.
        SetupError: settings.yaml is wrong.
    """
    capped = caps_for(options, home)
    if options.allow_unpriced or not (capped or options.is_capped):
        return
    pricer = Pricer(graph, routes)
    everywhere = ALL in capped or options.max_cost_per_row is not None
    for row in rows:
        for step in graph.steps if not row.faults else ():
            for route in pricer.unpriced(step, row):
                if everywhere or route.provider in capped:
                    raise RequestError(
                        f"step {step.name!r}: {route.model.model}@{route.provider} has no known "
                        "price, and the run has a cap: use another model with "
                        f"--use {step.name}=MODEL, state its ceiling_usd in prices.yaml, or count "
                        "it as free with --allow-unpriced."
                    )
