"""Commands that show what there is: templates, models, providers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from flows.cli.tables import print_json, table

if TYPE_CHECKING:
    from providers.catalog import Binding, Model


@click.group(invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output.")
@click.pass_context
def templates(context: click.Context, as_json: bool) -> None:
    """List the templates, yours and ours."""
    if context.invoked_subcommand:
        return
    from flows.load import read_template, template_names

    found = [
        (name, path, read_template(path.read_text(encoding="utf-8"), path.name))
        for name, path in template_names()
    ]
    if as_json:
        print_json([{"name": name, "file": path, "about": t.about} for name, path, t in found])
        return
    click.echo(
        table(
            ("template", "needs", "about"),
            [
                (name, ", ".join(n for n, given in t.inputs.items() if given.required), t.about)
                for name, _, t in found
            ],
        )
    )


@templates.command("show")
@click.argument("name")
def show_template(name: str) -> None:
    """Show a template's inputs, steps and outputs."""
    from flows.load import load_template

    graph = load_template(name)
    click.echo(f"{graph.name}, version {graph.template.version}: {graph.template.about}\n")
    click.echo(
        table(
            ("input", "type", "default", "about"),
            [
                (
                    key,
                    " | ".join(map(str, given.options)) or given.type,
                    "required" if given.required else given.default,
                    given.about,
                )
                for key, given in graph.inputs.items()
            ],
        )
    )
    click.echo()
    click.echo(
        table(
            ("step", "kind", "model", "fallback", "after"),
            [
                (
                    step.name,
                    step.kind.name,
                    step.use,
                    ", ".join(map(str, step.fallback)) or "-",
                    ", ".join(sorted(step.needs)) or "-",
                )
                for step in graph.steps
            ],
        )
    )
    click.echo(f"\noutputs: {', '.join(graph.outputs)}")


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
@click.option("--kind", help="Only models of this kind.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output.")
@click.pass_context
def models(context: click.Context, kind: str | None, as_json: bool) -> None:
    """List the models of the catalog."""
    if context.invoked_subcommand:
        return
    from flows.prices import catalog_with_prices
    from providers.catalog import model_names
    from providers.kinds import kind_named
    from tasks.home import find_home

    if kind:
        kind_named(kind)
    everything = map(catalog_with_prices(find_home()), model_names())
    found = [model for model in everything if kind in (None, model.kind)]
    if as_json:
        print_json([model.model_dump(mode="json", by_alias=True) for model in found])
        return
    click.echo(
        table(
            ("model", "kind", "at", "price of one call", "best for"),
            [
                (
                    model.model,
                    model.kind,
                    ", ".join(binding.provider for binding in model.bindings),
                    _prices(model),
                    model.best_for,
                )
                for model in found
            ],
        )
    )


@models.command("show")
@click.argument("name")
def show_model(name: str) -> None:
    """Show a model's parameters, and its price and source at every provider."""
    from flows.prices import catalog_with_prices
    from tasks.home import find_home

    model = catalog_with_prices(find_home())(name)
    click.echo(f"{model.model} ({model.title}), {model.kind}\n{model.about}")
    click.echo(f"Best for {model.best_for}.\n")
    click.echo(
        table(
            ("parameter", "type", "default", "range", "about"),
            [
                (
                    key,
                    given.type,
                    "-" if given.default is None else given.default,
                    " | ".join(map(str, given.options)) or _range(given.minimum, given.maximum),
                    given.about,
                )
                for key, given in model.parameters.items()
            ],
        )
    )
    for binding in model.bindings:
        click.echo(f"\n{binding.provider} · {binding.endpoint} · {binding.status}")
        click.echo(f"  price: {_price(model, binding)}")
        if binding.price:
            click.echo(f"  price source: {binding.price.source} (as of {binding.price.as_of})")
        click.echo(f"  takes about {binding.latency.usual_seconds:g} s ({binding.latency.source})")
        click.echo(f"  source: {binding.source}")
        if binding.notes:
            click.echo(f"  note: {binding.notes}")


def _range(minimum: float | None, maximum: float | None) -> str:
    if minimum is None and maximum is None:
        return "-"
    low = "" if minimum is None else f"{minimum:.15g}"
    high = "" if maximum is None else f"{maximum:.15g}"
    return f"{low}..{high}"


def _prices(model: Model) -> str:
    return ", ".join(dict.fromkeys(_price(model, binding) for binding in model.bindings))


def _price(model: Model, binding: Binding) -> str:
    """The price with every parameter at its default."""
    from providers.catalog import quote
    from tasks.money import dollars

    defaults = {
        key: given.default for key, given in model.parameters.items() if given.default is not None
    }
    price = quote(model, binding, defaults)
    if price.expected is None:
        most = binding.ceiling_usd
        return "unpriced" if most is None else f"unpriced, at most {dollars(most)}"
    return "free" if price.expected == 0 else f"{dollars(price.expected)} ({price.grade})"


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
