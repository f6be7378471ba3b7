"""Write docs/templates/: a page for every template that comes with mediaflows, and their list.

uv run python docs/write_template_pages.py

A test holds the committed pages against what this makes; run it after any change of a template or of
a model that one uses.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from pathlib import Path

from flows.cli.limit_words import allowed
from flows.cli.price_words import expected, row_words
from flows.duration import duration
from flows.examples import example_table
from flows.grammar import references
from flows.graph import Graph, GraphStep
from flows.load import SHIPPED, load_template, shipped_names
from flows.mermaid import edge_type, mermaid
from flows.row_price import RowPrice, StepPrice, row_price
from flows.yaml_text import inline
from providers.catalog import Model
from providers.catalog.retired import is_retired
from providers.catalog.usual import USUAL_WORDS

REPOSITORY = Path(__file__).parents[1]
FOLDER = REPOSITORY / "docs" / "templates"
INDEX = "README.md"
MADE = "<!-- Made by docs/write_template_pages.py: change the template or the catalog, not this page. -->"


def pages(as_of: date) -> dict[str, str]:
    """Return the text of every page by its file's name; a date, since models are switched off."""
    graphs = {name: load_template(SHIPPED / f"{name}.yaml") for name in shipped_names()}
    return {
        INDEX: _index(graphs.values(), as_of),
        **{f"{name}.md": page(graph) for name, graph in graphs.items()},
    }


def page(graph: Graph) -> str:
    """Return the page of one template."""
    row = row_price(graph)
    parts = [
        MADE,
        f"# {graph.name}",
        graph.template.about,
        f"```mermaid\n{mermaid(graph)}\n```",
        f"A usual row, live: **{row_words(row)}**, about {duration(row.seconds)}. "
        f"Usual are {USUAL_WORDS}.",
        "## Columns",
        _table(("column", "type", "default", "options", "about"), _columns(graph)),
        "## Steps",
        _table(("step", "does", "model", "price", "seconds"), _steps(graph, row)),
        *(part for step in graph.steps for part in _step(graph, step)),
        "## What it gives",
        _table(("output", "type", "from"), _outputs(graph)),
        "## Run it",
        _commands(graph),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _index(graphs: Iterable[Graph], as_of: date) -> str:
    lines = [
        (
            f"[{graph.name}]({graph.name}.md)",
            ", ".join(name for name, given in graph.inputs.items() if given.required),
            row_words(row_price(graph)),
            graph.template.about,
        )
        for graph in graphs
    ]
    return "\n\n".join(
        [
            MADE,
            "# Templates",
            "What can be run as it is, each over a CSV. [own.md](own.md) makes one of your own.",
            _table(("template", "needs", "a usual row, live", "about"), lines),
            f"Models and prices as of {as_of}; `mediaflows templates` tells today's.\n",
        ]
    )


def _columns(graph: Graph) -> Iterator[Sequence[str]]:
    for name, given in graph.inputs.items():
        most = f"at most {given.max} items" if given.max else ""
        bounds = [
            f"{word} {bound:g}"
            for word, bound in (("from", given.minimum), ("to", given.maximum))
            if bound is not None
        ]
        options = ", ".join(f"`{option}`" for option in given.options) or " ".join(bounds) or most
        default = "required" if given.required else _default(given.default)
        yield f"`{name}`", str(given.port_type), default, options, given.about


def _default(value: object) -> str:
    return "may be empty" if value is None else f"`{inline(value)}`"


def _steps(graph: Graph, row: RowPrice) -> Iterator[Sequence[str]]:
    prices = {step.step: step for step in row.steps}
    for step in graph.steps:
        price, seconds = _price(prices[step.name])
        models = [str(step.use), *(f"or {use}" for use in step.fallback)]
        yield f"[{step.name}](#{step.name})", step.kind.name, ", ".join(models), price, seconds


def _price(step: StepPrice) -> tuple[str, str]:
    is_local = step.offer.provider == "local"
    price = "free" if is_local else f"{expected(step.quote)} ({step.offer.provider})"
    return price, f"{step.seconds:g}"


def _step(graph: Graph, step: GraphStep) -> Iterator[str]:
    yield f"### {step.name}"
    yield f"{step.kind.about} {_models(step)}"
    if rules := list(_rules(graph, step)):
        yield "\n".join(f"- {rule}" for rule in rules)
    yield _table(("takes", "type", "from", "allowed", "about"), _values(graph, step))


def _models(step: GraphStep) -> str:
    first, *others = (_at(model) for model in (step.model, *step.fallback_models))
    return f"{first}{'; else ' + ', '.join(others) if others else ''}."


def _at(model: Model) -> str:
    offered = [one.provider for one in model.bindings if not is_retired(one)]
    where = "on this machine" if model.is_local else f"at {', '.join(offered)}"
    return f"`{model.model}` {where}"


def _rules(graph: Graph, step: GraphStep) -> Iterator[str]:
    if step.when:
        yield f"only when `{step.when}`"
    if step.each:
        over = ", ".join(f"`{name}` of `${ref}`" for name, ref in step.each.items())
        yield f"once for each {over}{f', at most {step.max_items}' if step.max_items else ''}"
    if step.on_error == "skip":
        yield "a failure leaves the row without this result, and the rest goes on"
    if step.fit:
        yield f"fit: `{inline(step.fit.model_dump(exclude_none=True))}`"
    if step.checks:
        yield f"checked: `{inline(list(step.checks))}`"


def _values(graph: Graph, step: GraphStep) -> Iterator[Sequence[str]]:
    written = graph.template.steps[step.name].with_
    for name, port in step.kind.inputs.items():
        if name in written:
            yield f"`{name}`", str(port.type), f"`{inline(written[name])}`", "", port.about
    for name, rule in step.model.parameters.items():
        given = f"`{inline(written[name])}`" if name in written else _unset(rule.default)
        yield f"`{name}`", rule.type, given, allowed(rule), rule.about


def _unset(default: object) -> str:
    return "not set" if default is None else f"`{inline(default)}`, its default"


def _outputs(graph: Graph) -> Iterator[Sequence[str]]:
    for name, value in graph.outputs.items():
        kind = edge_type(graph, references(value)[0])
        yield f"`{name}`", str(kind), f"`{inline(graph.template.outputs[name])}`"


def _commands(graph: Graph) -> str:
    found = example_table(SHIPPED / f"{graph.name}.yaml", graph.inputs)
    needed = ", ".join(["id", *(name for name, one in graph.inputs.items() if one.required)])
    rows = os.path.relpath(found, REPOSITORY) if found else "rows.csv"
    hint = "" if found else f"`rows.csv` is yours, with the columns {needed}.\n\n"
    batch = f"uv run mediaflows batch {graph.name} {rows}"
    return f"""{hint}```sh
{batch} --local --yes      # every model played on this machine, free
{batch} --sandbox --yes    # a rehearsal over the vendors' protocols, with an invoice, free
{batch} -n 3               # live, with a key: three rows, then it asks
uv run mediaflows new my-{graph.name} --from {graph.name}    # one of your own that begins as this
```"""


def _table(header: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    rows = [header, ["---"] * len(header), *lines]
    if len(rows) == 2:
        return ""
    return "\n".join(f"| {' | '.join(map(_cell, row))} |" for row in rows)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def main() -> None:
    """Write the pages, and take away those of templates that are gone."""
    made = pages(date.today())
    FOLDER.mkdir(exist_ok=True)
    for path in FOLDER.glob("*.md"):
        if path.name not in made and MADE in path.read_text(encoding="utf-8"):
            path.unlink()
    for name, text in made.items():
        (FOLDER / name).write_text(text, encoding="utf-8")
    print(f"{len(made)} pages in {FOLDER}")


if __name__ == "__main__":
    main()
