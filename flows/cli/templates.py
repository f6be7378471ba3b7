"""The templates, ours and one's own: list them, look at one, check a file."""

from __future__ import annotations

import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from flows.cli.tables import print_json, table, tell

if TYPE_CHECKING:
    from flows.check import Checked, Finding
    from flows.prices import FindModel
    from flows.row_price import RowPrice
    from flows.template import Template

JSON = click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output.")


@dataclass(frozen=True, slots=True)
class Listed:
    """A template as the list has it: with the price of a usual row, or what is wrong with it."""

    name: str
    file: Path
    source: str
    hides_ours: bool
    template: Template | None = None
    row: RowPrice | None = None
    problem: str | None = None

    def line(self) -> tuple[str, ...]:
        """Return its line of the list."""
        from flows.cli.price_words import row_words

        given = self.template.inputs if self.template else {}
        return (
            self.name,
            ", ".join(name for name, one in given.items() if one.required) or "-",
            row_words(self.row) if self.row else "cannot be run",
            f"{self.source} (hides ours)" if self.hides_ours else self.source,
            self.template.about if self.template else str(self.problem),
        )

    def to_json(self) -> dict[str, Any]:
        """Return it for machines."""
        return {
            "name": self.name,
            "file": self.file,
            "from": "ours" if self.source == "ours" else "own",
            "hides_ours": self.hides_ours,
            "about": self.template.about if self.template else None,
            "row": _row_json(self.row),
            "problem": self.problem,
        }


@click.group(invoke_without_command=True)
@JSON
@click.pass_context
def templates(context: click.Context, as_json: bool) -> None:
    """List the templates, yours and ours."""
    if context.invoked_subcommand:
        return
    from flows.load import SHIPPED, template_files
    from flows.prices import catalog_with_prices
    from tasks.home import find_home

    find = catalog_with_prices(find_home())
    found = [
        _listed(name, path, "ours" if path.parent == SHIPPED else str(path), hides, find)
        for name, path, hides in template_files()
    ]
    if as_json:
        print_json([one.to_json() for one in found])
        return
    header = ("template", "needs", "price of a row", "from", "about")
    click.echo(table(header, [one.line() for one in found]))


def _listed(name: str, path: Path, source: str, hides: bool, find: FindModel) -> Listed:
    """Read one template; whatever is wrong with it, the list names the others all the same."""
    from flows.load import check_file_name, load_text, read_file, read_template
    from flows.row_price import row_price
    from providers.errors import UserError

    template: Template | None = None
    try:
        text = read_file(path)
        template = read_template(text, str(path))
        check_file_name(template, path, str(path))
    except UserError as error:
        return Listed(name, path, source, hides, None, None, str(error))
    try:
        row = row_price(load_text(text, str(path), find))
    except UserError as error:
        return Listed(name, path, source, hides, template, None, str(error))
    return Listed(name, path, source, hides, template, row)


def _row_json(row: RowPrice | None) -> dict[str, Any] | None:
    if row is None:
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
@click.option("--mermaid", "as_mermaid", is_flag=True, help="Only the graph, as mermaid draws it.")
def show_template(name: str, as_mermaid: bool) -> None:
    """Show a template (NAME or a path): inputs, steps, edges, and what a usual row costs live."""
    from flows.cli.template_page import template_page
    from flows.load import load_text, template_text
    from flows.mermaid import mermaid
    from flows.prices import catalog_with_prices
    from tasks.home import find_home

    text, where = template_text(name)
    graph = load_text(text, where, catalog_with_prices(find_home()))
    click.echo(mermaid(graph) if as_mermaid else template_page(graph))


@templates.command("check")
@click.argument("file")
@click.option("--rows", type=click.Path(), metavar="CSV", help="Plan this table, too; no call.")
@click.option("--strict", is_flag=True, help="What is most likely not meant is a fault, too.")
@JSON
def check_file(file: str, rows: str | None, strict: bool, as_json: bool) -> None:
    """Check a template file, and a table against it: for you, and for CI.

    Needs neither keys nor a network. Ends with 0 and one line, or with 2 and a line for each fault:
    its place, what is wrong, what to do. What is most likely not meant is told on standard error.
    """
    from flows.check import check_template
    from flows.prices import catalog_with_prices
    from providers.errors import RequestError
    from tasks.home import find_home

    checked = check_template(
        file, catalog_with_prices(find_home()), Path(rows) if rows is not None else None
    )
    faults = [*checked.faults, *(checked.lints if strict else ())]
    if as_json:
        print_json(_check_json(checked, faults))
        sys.exit(2 if faults else 0)
    for one in faults:
        click.echo(str(one))
    for one in () if strict else checked.lints:
        tell(f"warning: {one}")
    if faults:
        raise RequestError(f"{file}: {_count(len(faults), 'fault')}.")
    click.echo(_good(checked))


def _good(checked: Checked) -> str:
    graph, plan = checked.graph, checked.plan
    assert graph is not None
    words = (
        f"{graph.name}: {_count(len(graph.inputs), 'input')}, {_count(len(graph.steps), 'step')}"
    )
    if plan is not None:
        words += f", {_count(plan.rows, 'row')}"
    lints = f", {_count(len(checked.lints), 'warning')}" if checked.lints else ""
    cost = f" · {_count(plan.calls, 'call')}, live {plan.expected}" if plan is not None else ""
    return f"{words}: no faults{lints}{cost}"


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}"


def _check_json(checked: Checked, faults: list[Finding]) -> dict[str, Any]:
    return {
        "ok": not faults,
        "template": checked.graph.name if checked.graph else None,
        "digest": checked.graph.digest if checked.graph else None,
        "faults": [asdict(one) for one in checked.faults],
        "lints": [asdict(one) for one in checked.lints],
        "plan": checked.plan.to_json() if checked.plan else None,
    }


COMMANDS = (templates,)
