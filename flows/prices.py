"""Prices of one's own: MEDIAFLOWS_HOME/prices.yaml wins over the catalog.

birefnet@fal: {ceiling_usd: "0.01"}
flux-2-pro@fal: {usd: "0.03", unit: megapixel, source: "my contract", as_of: "2026-11-21"}
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from flows.own_file import read_own_file, wrong_entry
from providers.catalog import Binding, Model, load_model, model_names
from providers.catalog.limits import Entry
from providers.catalog.schema import Amount, Price
from providers.errors import SetupError, near
from providers.yaml_file import line_of
from tasks.home import Home

PRICES = "prices.yaml"
FindModel = Callable[[str], Model]


class OwnPrice(Entry):
    """What a person states of one binding: its price, or what a call costs at most."""

    price: Price | None = None
    ceiling_usd: Amount | None = None


_FILE: TypeAdapter[dict[str, dict[str, Any]]] = TypeAdapter(dict[str, dict[str, Any]])


def catalog_with_prices(home: Home) -> FindModel:
    """Return how a catalog entry is found, with the prices of the home's own file in it.

    Raises:
        SetupError: the file is wrong: `file:line: problem`.
    """
    own = read_prices(home.folder / PRICES)
    return lambda name: with_prices(load_model(name), own)


def with_prices(model: Model, own: Mapping[str, OwnPrice]) -> Model:
    """Return the model with these prices in its bindings."""
    bindings = tuple(_priced(model, binding, own) for binding in model.bindings)
    return model if bindings == model.bindings else model.model_copy(update={"bindings": bindings})


def _priced(model: Model, binding: Binding, own: Mapping[str, OwnPrice]) -> Binding:
    found = own.get(f"{model.model}@{binding.provider}")
    if found is None:
        return binding
    stated = {"price": found.price, "ceiling_usd": found.ceiling_usd}
    return binding.model_copy(update={k: v for k, v in stated.items() if v is not None})


def read_prices(path: Path) -> dict[str, OwnPrice]:
    """Return the prices in a file by model@provider, or none when it is not there.

    Raises:
        SetupError: as `catalog_with_prices`.
    """
    data, text = read_own_file(path)
    try:
        entries = _FILE.validate_python(data)
    except ValidationError:
        raise SetupError(f"{path}: write it as `model@provider: {{usd: ...}}`.") from None
    return {name: _own(name, entry, path, text) for name, entry in entries.items()}


def _own(name: str, entry: dict[str, Any], path: Path, text: str) -> OwnPrice:
    _require_binding(name, f"{path}:{line_of(text, (name,))}")
    ceiling = {"ceiling_usd": entry.pop("ceiling_usd")} if "ceiling_usd" in entry else {}
    try:
        return OwnPrice.model_validate({**ceiling, **({"price": entry} if entry else {})})
    except ValidationError as error:
        raise wrong_entry(path, text, error, name) from None


def _require_binding(name: str, where: str) -> None:
    model, _, provider = name.partition("@")
    if model not in model_names():
        raise SetupError(f"{where}: there is no model {model!r}.{near(model, model_names())}")
    providers = [binding.provider for binding in load_model(model).bindings]
    if provider not in providers:
        raise SetupError(
            f"{where}: {model} is not offered by {provider!r}.{near(provider, providers)}"
        )
