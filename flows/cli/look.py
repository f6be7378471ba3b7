"""Commands that show what there is: templates, models, providers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from flows.cli.models import models
from flows.cli.tables import print_json, table

if TYPE_CHECKING:
    from flows.prices import FindModel
    from flows.row_price import RowPrice


@click.group(invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output.")
@click.pass_context
def templates(context: click.Context, as_json: bool) -> None:
    """List the templates, yours and ours."""
    if context.invoked_subcommand:
        return
    from flows.cli.price_words import row_words
    from flows.load import read_template, template_names
    from flows.prices import catalog_with_prices
    from tasks.home import find_home

    find = catalog_with_prices(find_home())
    found = [
        (name, path, read_template(text, path.name), _row_price(text, path.name, find))
        for name, path in template_names()
        for text in [path.read_text(encoding="utf-8")]
    ]
    if as_json:
        print_json(
            [
                {"name": name, "file": path, "about": t.about, "row": _row_json(row)}
                for name, path, t, row in found
            ]
        )
        return
    click.echo(
        table(
            ("template", "needs", "price of a row", "about"),
            [
                (
                    name,
                    ", ".join(n for n, given in t.inputs.items() if given.required),
                    row if isinstance(row, str) else row_words(row),
                    t.about,
                )
                for name, _, t, row in found
            ],
        )
    )


def _row_price(text: str, where: str, find: FindModel) -> RowPrice | str:
    """What a usual row costs, or that the template is faulty: the list names the others all the same."""
    from flows.load import load_text
    from flows.row_price import row_price
    from providers.errors import UserError

    try:
        return row_price(load_text(text, where, find))
    except UserError:
        return "cannot be run"


def _row_json(row: RowPrice | str) -> dict[str, Any] | None:
    if isinstance(row, str):
        return None
    return {
        "expected_usd": f"{row.expected:f}",
        "low_usd": f"{row.low:f}",
        "high_usd": f"{row.high:f}",
        "unpriced": row.unpriced,
        "seconds": row.seconds,
    }


@templates.command("show")
@click.argument("name")
def show_template(name: str) -> None:
    """Show a template's inputs, steps and outputs, and what a usual row of it costs live."""
    from flows.cli.template_page import template_page
    from flows.load import load_text, template_text
    from flows.prices import catalog_with_prices
    from tasks.home import find_home

    text, where = template_text(name)
    click.echo(template_page(load_text(text, where, catalog_with_prices(find_home()))))


@templates.command("check")
@click.argument("file")
@click.option("--rows", type=click.Path(), help="Bind this CSV, too.")
def check_template(file: str, rows: str | None) -> None:
    """Check a template file, and a table against it; exit 2 when something is wrong."""
    from pathlib import Path

    from flows.load import load_template
    from flows.table import bind_table, read_table
    from providers.errors import RequestError

    graph = load_template(file)
    words = f"{graph.name}: {len(graph.inputs)} inputs, {len(graph.steps)} steps"
    if rows:
        bound = bind_table(graph, read_table(Path(rows)))
        for fault in bound.faults:
            click.echo(str(fault))
        if bound.faults:
            raise RequestError(f"{rows}: {len(bound.faults)} faults.")
        words += f", {len(bound.rows):,} rows"
    click.echo(f"{words}: no faults")


@click.group(invoke_without_command=True)
@click.pass_context
def providers(context: click.Context) -> None:
    """List the providers: whose key is set, where they are, and what can be used."""
    if context.invoked_subcommand:
        return
    from providers.registry import PROVIDERS

    def words(name: str) -> str:
        provider = PROVIDERS[name]
        if provider.key_variable is None:
            return "needs none"
        return "set" if provider.has_key() else "not set"

    click.echo(
        table(
            ("provider", "key", "variable", "base URL", "realm", "adapter"),
            [
                (
                    name,
                    words(name),
                    provider.key_variable or "-",
                    provider.origin(),
                    provider.realm(),
                    "yes" if provider.adapter else "not yet",
                )
                for name, provider in PROVIDERS.items()
            ],
        )
    )


@providers.command("check")
@click.argument("name")
def check_provider(name: str) -> None:
    """Ask a provider whether it takes the key, where it has a free call for that."""
    import asyncio

    from providers.check import check_key

    click.echo(f"{name}: {asyncio.run(check_key(name))}")


COMMANDS = (templates, models, providers)
