"""The page of one template, as `templates show` prints it."""

from __future__ import annotations

from flows.cli.price_words import expected, row_words
from flows.cli.tables import table
from flows.duration import duration
from flows.graph import Graph, GraphStep
from flows.row_price import RowPrice, StepPrice, row_price
from flows.yaml_text import inline
from providers.catalog.usual import USUAL_WORDS
from providers.errors import UserError


def template_page(graph: Graph) -> str:
    """Return inputs, steps and outputs of a template, and what a usual row costs live."""
    try:
        row: RowPrice | None = row_price(graph)
        words = _row(row) if row else ""
    except UserError as error:
        row, words = None, f"cannot be run: {error}"
    head = f"{graph.name}, version {graph.template.version}: {graph.template.about}"
    foot = f"{words}\noutputs: {', '.join(graph.outputs)}"
    return "\n\n".join([head, _inputs(graph), _steps(graph, row), _edges(graph), foot])


def _row(row: RowPrice) -> str:
    return (
        f"a usual row, live: {row_words(row)} · about {duration(row.seconds)}\n"
        f"  usual are {USUAL_WORDS}"
    )


def _inputs(graph: Graph) -> str:
    return table(
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


def _steps(graph: Graph, row: RowPrice | None) -> str:
    prices = {step.step: step for step in row.steps} if row else {}
    return table(
        ("step", "kind", "model", "fallback", "after", "price", "seconds"),
        [
            (
                step.name,
                step.kind.name,
                step.use,
                ", ".join(map(str, step.fallback)) or "-",
                ", ".join(sorted(step.needs)) or "-",
                *_price(prices.get(step.name)),
            )
            for step in graph.steps
        ],
    )


def _edges(graph: Graph) -> str:
    return table(
        ("from", "into", "type"),
        [
            (_short(inline(value)), f"{step.name}.{name}", _type(step, name))
            for step in graph.steps
            for name, value in graph.template.steps[step.name].with_.items()
        ],
    )


def _short(text: str) -> str:
    return text if len(text) <= 48 else f"{text[:47]}…"


def _type(step: GraphStep, name: str) -> str:
    return str(
        step.kind.inputs[name].type if name in step.ports else step.model.parameters[name].type
    )


def _price(step: StepPrice | None) -> tuple[str, str]:
    if step is None:
        return "-", "-"
    if step.offer.provider == "local":
        return "free", f"{step.seconds:g}"
    return f"{expected(step.quote)} ({step.offer.provider})", f"{step.seconds:g}"
