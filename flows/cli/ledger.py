"""The ledger, read and put right: ledger [RUN], ledger reconcile, ledger reprice."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from flows.cli.tables import print_json, table, tell

if TYPE_CHECKING:
    from tasks.ledger import Ledger
    from tasks.ledger.attempt import Attempt

JSON = click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output.")


class RunOrCommand(click.Group):
    """A group whose first word is one of its commands, or else the name of a run."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that is meant; `show` when a run is."""
        if args and args[0] not in self.commands:
            args = ["show", *args]
        return super().resolve_command(ctx, args)


@click.group(
    cls=RunOrCommand, invoke_without_command=True, subcommand_metavar="[RUN | reconcile | reprice]"
)
@click.pass_context
def ledger(context: click.Context) -> None:
    """Show what was paid, by step and model, and what was for nothing; or put it right."""
    if context.invoked_subcommand is None:
        _overview()


def _overview() -> None:
    from flows.ahead import shown_ledger
    from flows.cli.find_run import open_existing_ledger
    from flows.ledger_report import overview
    from tasks.home import find_home

    home = find_home()
    opened = open_existing_ledger(home)
    try:
        click.echo(f"ledger {shown_ledger(home)}")
        for line in overview(opened):
            click.echo(line)
    finally:
        opened.close()


@ledger.command(hidden=True)
@click.argument("run")
@JSON
def show(run: str, as_json: bool) -> None:
    """Show one run's attempts by step, model and outcome, from low to high."""
    from flows.cli.find_run import find_run, open_existing_ledger
    from flows.ledger_report import report_of
    from tasks.home import find_home

    opened = open_existing_ledger(find_home())
    try:
        found = find_run(opened, run)
        report = report_of(opened, found)
    finally:
        opened.close()
    if as_json:
        print_json(report.to_json())
        return
    click.echo(f"run {found.id} · {found.template} · {found.state}")
    click.echo(
        table(("step", "model", "outcome", "attempts", "low", "high", "unpriced"), report.lines)
    )
    if report.waste:
        click.echo(
            f"\n{table(('for nothing', 'attempts', 'low', 'high', 'unpriced'), report.waste)}"
        )
    for line in (*report.overruns, report.total):
        click.echo(line)


@ledger.command()
@click.argument("which", required=False, metavar="[RUN | ATTEMPT]")
@click.option(
    "--assume",
    type=click.Choice(["billed", "free"]),
    help="What nobody can find out: settle it as billed at its high price, or as free.",
)
def reconcile(which: str | None, assume: str | None) -> None:
    """Ask the vendors again about what has not ended; with --assume, settle what stays unknown."""
    from flows.cli.find_run import open_existing_ledger
    from flows.reconciling import ask_again, assume_all
    from tasks.home import find_home

    home = find_home()
    opened = open_existing_ledger(home)
    try:
        is_meant = _meaning(opened, which)
        for line in ask_again(opened, home, is_meant):
            tell(line)
        if assume is not None:
            tell(assume_all(opened, is_meant, billed=assume == "billed"))
    finally:
        opened.close()


def _meaning(opened: Ledger, which: str | None) -> Callable[[Attempt], bool]:
    """Return whether an attempt is meant: it, its run, or any."""
    from flows.cli.find_run import find_run
    from tasks.ledger import lookup

    if which is None:
        return lambda attempt: True
    if any(one.id == which for one in opened.do_now(lookup.all_attempts)):
        return lambda attempt: attempt.id == which
    run = find_run(opened, which).id
    return lambda attempt: attempt.place.run == run


@ledger.command()
@click.argument("run", required=False)
def reprice(run: str | None) -> None:
    """Work amounts out anew after a price fix: all but those that are the vendor's own word."""
    from flows.cli.find_run import find_run, open_existing_ledger
    from flows.repricing import reprice_all
    from tasks.home import find_home

    home = find_home()
    opened = open_existing_ledger(home)
    try:
        name = find_run(opened, run).id if run else None
        lines = reprice_all(opened, home, name)
    finally:
        opened.close()
    if not lines:
        click.echo("nothing to reprice: every amount is what today's prices say")
        return
    click.echo(table(("model", "attempts", "before", "after"), lines))


COMMANDS = (ledger,)
