"""What `each` goes over: lists side by side, item by item; order is kept, and so are gaps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import TypeVar

from flows.graph_step import INDEX, GraphStep
from providers.errors import InputError

ONLY = 0
"""The number of what a step without `each` does. Items count from 1, as files of outputs do."""

T = TypeVar("T")


def first_item(step: GraphStep) -> int:
    """Return the number of a step's first item."""
    return 1 if step.each else ONLY


def items_of(
    step: GraphStep, lists: Mapping[str, Sequence[T]]
) -> Iterator[tuple[int, Mapping[str, T | int]]]:
    """Yield the number of each item, and what each name of `each`, and `$index`, is there.

    A step without `each` has one item without names. The shortest list counts, and no more
    than the step takes.
    """
    if not step.each:
        yield ONLY, {}
        return
    for number, values in enumerate(islice(zip(*lists.values(), strict=False), step.max_items), 1):
        yield number, {INDEX: number, **dict(zip(lists, values, strict=True))}


def require_lengths(step: GraphStep, lengths: Mapping[str, int]) -> None:
    """Do nothing for lists of one length that the step takes.

    Raises:
        InputError: they are not equally long, or longer than `max`.
    """
    if len(set(lengths.values())) > 1:
        found = ", ".join(f"${step.each[name]} has {length}" for name, length in lengths.items())
        raise InputError(
            f"`each` goes over lists of one length, and {found} items. Give both the same length."
        )
    longest = max(lengths.values(), default=0)
    if step.max_items is not None and longest > step.max_items:
        first = next(iter(step.each.values()))
        raise InputError(
            f"${first} has {longest} items, and the step takes {step.max_items}. Leave some out, "
            "or raise its max."
        )
