"""Commands that read what was done: report, explain."""

from __future__ import annotations

import json
from pathlib import Path

import click

from flows.cli.tables import print_json, print_summary, table

JSON = click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output.")


@click.command()
@click.argument("run")
@JSON
def report(run: str, as_json: bool) -> None:
    """Show what a run gave: its rows by state, its steps by model, its failures."""
    from flows.cli.find_run import find_run, open_existing_ledger
    from flows.results import totals_of
    from tasks.home import find_home
    from tasks.report import read_facts, summary_table

    ledger = open_existing_ledger(find_home())
    try:
        found = find_run(ledger, run)
        facts = ledger.do_now(read_facts, found.id)
    finally:
        ledger.close()
    totals, summary = totals_of(facts), summary_table(facts)
    if as_json:
        steps = json.loads(summary.to_json(orient="records"))
        print_json({"run": found.id, "folder": found.folder, **totals.to_json(), "steps": steps})
        return
    click.echo(f"run {found.id} · {found.template} · {found.state}")
    failures = [end for end in facts.ends if end and end.state != "done"]
    if failures:
        click.echo(
            table(("row", "state", "reason"), [(e.row, e.state, e.reason) for e in failures])
        )
    print_summary(Path(found.folder), totals, summary)


@click.command()
@click.argument("what", nargs=-1, required=True, metavar="RUN ROW STEP | FILE")
def explain(what: tuple[str, ...]) -> None:
    """Say where a result comes from: a step of a row, or a file that a run made."""
    from flows.cli.find_run import find_run, open_existing_ledger
    from flows.explain import explain_file, explain_step
    from tasks.home import find_home

    ledger = open_existing_ledger(find_home())
    try:
        if len(what) == 3:
            run, row, step = what
            lines = explain_step(ledger, find_run(ledger, run), row, step)
        elif len(what) == 1:
            lines = explain_file(ledger, Path(what[0]))
        else:
            raise click.UsageError("give RUN ROW STEP, or one FILE")
    finally:
        ledger.close()
    click.echo("\n".join(lines))


COMMANDS = (report, explain)
