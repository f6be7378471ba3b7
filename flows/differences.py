"""Why a result was not reused: what differs between its request and the nearest earlier one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tasks.ledger import Ledger, lookup
from tasks.ledger.attempt import Attempt

LOOKED_AT = 200  # earlier requests; the nearest of them is shown


def why_not_reused(ledger: Ledger, attempt: Attempt) -> list[str]:
    """Return lines that name each field that differs from the nearest earlier request.

    The nearest is of the same row and step where there is one, else of the same model, and of
    these the one with the fewest differences.
    """
    own = _flat(ledger.do_now(lookup.fields_of, attempt.key))
    near = [
        (other, _differences(own, _flat(ledger.do_now(lookup.fields_of, other.key))))
        for other in ledger.do_now(lookup.like, attempt, LOOKED_AT)
    ]
    if not near:
        return ["  not reused: nothing like it was made before"]
    same = [pair for pair in near if _is_same_place(pair[0], attempt)]
    other, found = min(same or near, key=lambda pair: len(pair[1]))
    place = other.place
    lines = [f"  not reused; run {place.run}, row {place.row}, step {place.step} had:"]
    return lines + [
        f"    {name} = {_shown(before)}, now {_shown(now)}" for name, now, before in found
    ]


def _is_same_place(other: Attempt, attempt: Attempt) -> bool:
    return (other.place.row, other.place.step) == (attempt.place.row, attempt.place.step)


def _differences(own: Mapping[str, Any], other: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    return [
        (name, own.get(name), other.get(name))
        for name in dict.fromkeys((*own, *other))
        if own.get(name) != other.get(name)
    ]


def _flat(fields: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    return dict(_leaves(fields, prefix))


def _leaves(fields: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for name, value in fields.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _shown(value: Any) -> str:
    if value is None:
        return "nothing"
    text = f'"{value}"' if isinstance(value, str) else str(value)
    return text if len(text) <= 80 else f"{text[:79]}…"
