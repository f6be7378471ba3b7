"""What a row names by URL and has not fetched: a plan knows that it is there, and nothing else."""

from __future__ import annotations

from flows.conditions import condition_references
from flows.grammar import references
from flows.graph_step import GraphStep
from providers.media import InputUrl, Value


def is_unfetched(value: Value) -> bool:
    """True for a file that is named by a URL and not fetched, and for a list with one in it."""
    items = value if isinstance(value, tuple) else (value,)
    return any(isinstance(item, InputUrl) for item in items)


def names_read(step: GraphStep) -> frozenset[str]:
    """Return the names that a step's values, `when` and `each` refer to."""
    expressions = (*step.ports.values(), *step.parameters.values())
    refs = [ref for expression in expressions for ref in references(expression)]
    if step.when is not None:
        refs += condition_references(step.when, step.name)
    return frozenset(ref.name for ref in (*refs, *step.each.values()))
