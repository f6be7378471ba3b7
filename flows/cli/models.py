"""The models of the catalog: what there is, and all that is known of one."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import click

from flows.cli.tables import print_json, table

if TYPE_CHECKING:
    from providers.catalog import Model


@click.group(invoke_without_command=True)
@click.option("--kind", help="Only models of this kind.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output.")
@click.pass_context
def models(context: click.Context, kind: str | None, as_json: bool) -> None:
    """List the models by kind and price, each at its cheapest provider.

    The price is that of a usual call with the model's defaults; what it is billed for stands
    behind it. Nobody's price is known where it says unpriced.
    """
    if context.invoked_subcommand:
        return
    from flows.prices import catalog_with_prices
    from providers.catalog import model_names
    from providers.kinds import kind_named
    from tasks.home import find_home

    if kind:
        kind_named(kind)
    everything = map(catalog_with_prices(find_home()), model_names())
    found = sorted((model for model in everything if kind in (None, model.kind)), key=_order)
    if as_json:
        print_json([_entry(model) for model in found])
    elif not found:
        click.echo(f"No model is of kind {kind} yet.")
    else:
        click.echo(
            table(
                ("model", "kind", "does", "price", "providers", "best_for"),
                [_line(model) for model in found],
            )
        )


@models.command("show")
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output.")
def show_model(name: str, as_json: bool) -> None:
    """Show a model's ports and parameters, and price, limits and source at every provider."""
    from flows.cli.model_page import model_page
    from flows.prices import catalog_with_prices
    from tasks.home import find_home

    model = catalog_with_prices(find_home())(name)
    if as_json:
        print_json(model.model_dump(mode="json", by_alias=True))
    else:
        click.echo(model_page(model))


def _order(model: Model) -> tuple[bool, str, bool, Decimal, str]:
    """By kind and price; what nobody has priced follows, and what is retired stands last."""
    from flows.cli.model_page import replaced
    from providers.catalog.usual import cheapest

    found = cheapest(model)
    price = None if found is None else found[1].expected
    return bool(replaced(model)), model.kind, price is None, price or Decimal(0), model.model


def _line(model: Model) -> tuple[str, ...]:
    from flows.cli.model_page import does, replaced
    from flows.cli.price_words import model_price
    from providers.kinds import KINDS

    return (
        model.model,
        model.kind,
        does(KINDS[model.kind]),
        replaced(model) or model_price(model),
        _providers(model),
        model.best_for,
    )


def _entry(model: Model) -> dict[str, Any]:
    from flows.cli.model_page import does, replaced
    from flows.cli.price_words import model_price
    from providers.catalog.usual import cheapest
    from providers.kinds import KINDS

    found = cheapest(model)
    expected = None if found is None else found[1].expected
    return {
        "model": model.model,
        "kind": model.kind,
        "does": does(KINDS[model.kind]),
        "price_usd": None if expected is None else f"{expected:f}",
        "price": replaced(model) or model_price(model),
        "providers": [binding.provider for binding in model.bindings],
        "best_for": model.best_for,
        "is_retired": bool(replaced(model)),
    }


def _providers(model: Model) -> str:
    return ", ".join(binding.provider for binding in model.bindings)
