"""`mediaflows new`: a commented template of one's own, its schema for editors, an example table."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from flows.graph import Graph

SCHEMA = ".mediaflows.schema.json"
ROWS = 3  # of the example


@dataclass(frozen=True, slots=True)
class Begun:
    """The files of a new template: text by path, and how it is called."""

    files: dict[Path, str]
    template: Path
    table: Path | None
    called: str

    @property
    def trial(self) -> str:
        """The command that runs it as it is, free."""
        table = "ROWS.csv" if self.table is None else shlex.quote(str(self.table))
        return f"mediaflows batch {self.called} {table} --local --yes"


@click.command()
@click.argument("name")
@click.option("--from", "source", required=True, metavar="TEMPLATE", help="Begin as this one.")
@click.option(
    "-o",
    "--out",
    type=click.Path(),
    metavar="FOLDER",
    help="Where it goes [default: $MEDIAFLOWS_TEMPLATES or ./templates].",
)
def new(name: str, source: str, out: str | None) -> None:
    """Write a template of your own: a copy with comments that say what to edit, and how."""
    from flows.load import own_folder, shipped_names
    from flows.save import write_text

    begun = begin(name, source, own_folder() if out is None else Path(out))
    for path, text in begun.files.items():
        write_text(path, text)
    click.echo(f"{begun.template}: begun as {source}; edit it as its comments say")
    if name in shipped_names() and begun.called == name:
        click.echo(f"  {name} now means yours; ours of that name is hidden by it")
    if begun.table:
        click.echo(f"{begun.table}: rows to try it with")
    click.echo(f"try it: {begun.trial}")


def begin(name: str, source: str, folder: Path) -> Begun:
    """Return what `new` writes; nothing is written yet.

    Raises:
        RequestError: a bad name, an unknown or faulty template, or a file that is there already.
    """
    from flows.cli.commented import commented
    from flows.load import load_text, own_folder, template_file, template_text
    from flows.suggest import suggest

    _check_name(name)
    file, table = folder / f"{name}.yaml", folder / f"{name}.csv"
    _refuse_existing(file, folder / f"{name}.yml", table)
    graph = load_text(*template_text(source))
    rows = _rows(graph, template_file(source), folder)
    is_found = folder.absolute() == own_folder().absolute()
    begun = Begun({}, file, table if rows else None, name if is_found else shlex.quote(str(file)))
    named = replace(graph, template=graph.template.model_copy(update={"name": name}))
    head = _head(begun, graph, name)
    text = f"# yaml-language-server: $schema={SCHEMA}\n{commented(named, suggest(graph), head)}"
    schema = json.dumps(_schema(), indent=1, ensure_ascii=False) + "\n"
    begun.files.update({folder / SCHEMA: schema, **({table: rows} if rows else {}), file: text})
    return begun


def _check_name(name: str) -> None:
    from flows.template import checked_template_name
    from providers.errors import RequestError

    try:
        checked_template_name(name)
    except ValueError as error:
        raise RequestError(str(error)) from None


def _refuse_existing(*paths: Path) -> None:
    from providers.errors import RequestError

    for path in paths:
        if path.exists():
            raise RequestError(f"{path} is there already: choose another name, or remove it.")


def _rows(graph: Graph, source: Path, folder: Path) -> str:
    from flows.examples import example_table, first_rows

    path = example_table(source, graph.inputs)
    return first_rows(path, graph.inputs, folder, ROWS) if path else ""


def _head(begun: Begun, graph: Graph, name: str) -> str:
    lines = [
        f"{name}, begun as {graph.name} (version {graph.template.version}). It runs as it is:",
        "",
        f"  {begun.trial}",
        f"  {begun.trial.replace('--local', '--sandbox')}",
        f"  mediaflows templates check {shlex.quote(str(begun.template))}",
        "",
        "--local plays every model on this machine, --sandbox rehearses with vendors that bill",
        "nothing, check names each mistake with its line.",
    ]
    if begun.table is None:
        needed = [key for key, given in graph.inputs.items() if given.required]
        lines.append(
            f"ROWS.csv is yours: a line with the columns id, {', '.join(needed)}; then rows."
        )
    return "\n".join([*lines, ""])


def _schema() -> dict[str, Any]:
    """The schema of a template file, with the models of today for editors to offer."""
    from flows.template import template_schema
    from providers.catalog import model_names

    schema = template_schema()
    step = schema["$defs"]["Step"]["properties"]
    model = {"anyOf": [{"enum": model_names()}, {"type": "string"}]}
    step["model"] = {**step["model"], **model}
    step["model"].pop("type", None)
    step["fallback"]["anyOf"] = [model, {"type": "array", "items": model}]
    return schema


COMMANDS = (new,)
