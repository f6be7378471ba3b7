"""Commands that plan and run: plan, run, batch, resume."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from flows.cli.choices import run_choices, term_choices
from flows.cli.tables import print_json, table, tell
from flows.options import RunOptions
from flows.prefect_ready import prefect_ready
from flows.sandboxed import sandboxed
from tasks.home import find_home

JSON = click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output.")
YES = click.option("-y", "--yes", is_flag=True, help="Answer every question with yes.")
OUT = click.option("--out", type=click.Path(), help="Where run folders go [default: ./runs].")


@click.command()
@click.argument("template")
@click.argument("rows", type=click.Path())
@click.option("-o", "--output", type=click.Path(), help="Write the plan as JSON to this file.")
@JSON
@run_choices
def plan(template: str, rows: str, output: str | None, as_json: bool, options: RunOptions) -> None:
    """Check everything, price it and time it; no call is made, nothing is written."""
    from flows.ahead import look_ahead, tell_faults, tell_lints
    from flows.keys import missing_keys, routes_without_keys
    from flows.plan_file import plan_document, write_plan
    from flows.prepare import Request, refuse_lints
    from flows.run_plan import price_words

    with sandboxed(options, find_home()):
        ahead = look_ahead(Request(template, Path(rows), options), routes_without_keys)
        missing = missing_keys(ahead.prepared.routes)  # a sandbox's keys are set here alone
    planned = ahead.plan
    document = plan_document(planned, ahead.prepared)
    if output:
        write_plan(document, Path(output))
    if as_json:
        print_json(document)
    else:
        click.echo(planned.line())
        click.echo(
            table(
                ("step", "model", "calls", "known", "price", "seconds"),
                [
                    (s.step, s.route, s.calls, s.reused, price_words(s), round(s.seconds))
                    for s in planned.steps
                ],
            )
        )
        if line := planned.unfetched_line():
            click.echo(line)
        if ahead.unused_columns:
            click.echo(f"carried through, not used: {', '.join(ahead.unused_columns)}")
    tell_lints(planned)
    if planned.faults:
        tell_faults(planned)
    for one in missing:
        tell(f"  {one}")
    if planned.faults or missing:
        sys.exit(2)
    refuse_lints(planned, ahead.prepared)


@click.command()
@click.argument("template")
@YES
@OUT
@JSON
@run_choices
def run(template: str, yes: bool, out: str | None, as_json: bool, options: RunOptions) -> None:
    """Run a template once: --set prompt="a red mug" for each input."""
    from flows.ahead import announce, look_ahead
    from flows.cli.before import may_go_on
    from flows.prepare import Request, refuse_lints

    with sandboxed(options, find_home()):
        ahead = look_ahead(Request(template, None, options))
        announce(ahead)
        refuse_lints(ahead.plan, ahead.prepared)
        may_go_on(ahead.plan, yes=yes)
        with prefect_ready():
            from flows.cli.execute import execute_one

            code = execute_one(ahead, out, as_json=as_json)
    sys.exit(code)


@click.command()
@click.argument("template")
@click.argument("rows", type=click.Path())
@click.option("-n", "--pilot", type=click.IntRange(min=1), help="First only so many valid rows.")
@click.option(
    "--plan", "plan_file", type=click.Path(), help="Refuse when this plan no longer holds."
)
@YES
@OUT
@JSON
@run_choices
def batch(
    template: str,
    rows: str,
    pilot: int | None,
    plan_file: str | None,
    yes: bool,
    out: str | None,
    as_json: bool,
    options: RunOptions,
) -> None:
    """Run a template over every row of a CSV."""
    from flows.ahead import announce, look_ahead
    from flows.cli.before import may_go_on
    from flows.plan_file import require_plan
    from flows.prepare import Request, refuse_faults

    with sandboxed(options, find_home()):
        ahead = look_ahead(Request(template, Path(rows), options))
        if plan_file:
            require_plan(Path(plan_file), ahead.prepared)
        announce(ahead)
        refuse_faults(ahead.plan, ahead.prepared)
        if pilot is None or pilot >= ahead.plan.rows - ahead.plan.invalid:
            may_go_on(ahead.plan, yes=yes or plan_file is not None)  # a plan was agreed to
        with prefect_ready():
            from flows.cli.execute import execute_batch

            code = execute_batch(ahead, pilot, out, yes=yes, as_json=as_json)
    sys.exit(code)


@click.command()
@click.argument("run")
@JSON
@term_choices
def resume(run: str, as_json: bool, terms: dict[str, Any]) -> None:
    """Go on with a run from its frozen copies; what it has is kept."""
    from flows.cli.find_run import require_run

    require_run(run)
    with prefect_ready():
        from flows.cli.go_on import execute_resume

        code = execute_resume(run, terms, as_json=as_json)
    sys.exit(code)


@click.command()
@click.argument("run")
@click.option(
    "--only",
    type=click.Choice(["failed", "refused", "rejected", "parked"]),
    multiple=True,
    required=True,
    help="Rows in this state; may be given more than once.",
)
@YES
@JSON
@term_choices
def retry(run: str, only: tuple[str, ...], yes: bool, as_json: bool, terms: dict[str, Any]) -> None:
    """Try rows of a run anew that did not work out, each with a new budget of submits."""
    from flows.cli.find_run import require_run

    require_run(run)
    with prefect_ready():
        from flows.cli.go_on import execute_retry

        code = execute_retry(run, only, terms, yes=yes, as_json=as_json)
    sys.exit(code)


@click.command()
@click.argument("run")
def cancel(run: str) -> None:
    """Stop a run: nothing more is sent, what is paid for is taken, and a receipt says the rest."""
    from flows.cli.stop import execute_cancel

    sys.exit(execute_cancel(run))


COMMANDS = (plan, run, batch, resume, retry, cancel)
