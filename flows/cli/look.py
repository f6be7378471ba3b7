"""Commands that show what there is: templates, models, providers."""

from __future__ import annotations

import click

from flows.cli.models import models
from flows.cli.tables import table
from flows.cli.templates import templates


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
