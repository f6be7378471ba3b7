"""Work the ledger's amounts out anew from today's prices; what a vendor said itself stays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection

from flows.ledger_report import between
from flows.prices import catalog_with_prices
from providers.catalog import Binding, Model, quote
from providers.catalog.price import amount_of
from providers.catalog.shape import shape_of
from providers.errors import RequestError
from tasks.accounts import Span
from tasks.home import Home
from tasks.ledger import Ledger, attempts, lookup
from tasks.ledger.attempt import Attempt

MADE = ("accepted", "rejected", "lost")


@dataclass(frozen=True, slots=True)
class Repriced:
    """What an attempt costs by today's prices; `amount` is in it only where that changes."""

    attempt: Attempt
    quote: Mapping[str, Decimal | None]
    grade: str | None


def reprice_all(ledger: Ledger, home: Home, run: str | None) -> list[tuple[str, int, str, str]]:
    """Reprice every settled attempt, or those of one run.

    Returns a line for each model@provider where something changed: how many, before, after.
    """
    find_model = catalog_with_prices(home)
    return ledger.do_now(_reprice, find_model, run)


def _reprice(
    connection: Connection, find_model: Any, run: str | None
) -> list[tuple[str, int, str, str]]:
    before: dict[str, Span] = {}
    after: dict[str, Span] = {}
    for attempt in lookup.all_attempts(connection):
        if attempt.provider == "local" or run not in (None, attempt.place.run):
            continue
        fields = lookup.fields_of(connection, attempt.key)
        new = _repriced(attempt, fields, find_model)
        if new is None:
            continue
        attempts.reprice(connection, attempt.id, new.quote, new.grade)
        label = f"{attempt.model}@{attempt.provider}"
        before[label] = before.get(label, Span()).plus(attempt)
        after[label] = after.get(label, Span()).plus(lookup.read(connection, attempt.id))
    return [
        (label, before[label].attempts, between(before[label]), between(after[label]))
        for label in before
    ]


def _repriced(attempt: Attempt, fields: Mapping[str, Any], find_model: Any) -> Repriced | None:
    """Return what is different by today's prices, or None: nothing, or they are not known."""
    model, binding = _offer(attempt, find_model)
    if model is None or binding is None:
        return None
    texts = {port: shape_of(one) for port, one in fields["inputs"].items() if isinstance(one, str)}
    price = quote(model, binding, fields["parameters"], texts)
    if price.expected is None and binding.price is not None:
        return None  # by the size of a picture, of which the ledger has only the digest
    new: dict[str, Decimal | None] = {"low": price.low, "high": price.high}
    grade = attempt.grade
    if attempt.outcome in MADE and (attempt.grade != "exact" or attempt.amount is None):
        has_units = attempt.units is not None and binding.price is not None
        if has_units:
            assert binding.price is not None and attempt.units is not None
            new["amount"], grade = amount_of(binding.price, attempt.units), binding.price.grade
        else:
            new["amount"], grade = price.expected, price.grade
    same = (new["low"], new["high"]) == (attempt.low, attempt.high) and new.get(
        "amount", attempt.amount
    ) == attempt.amount
    return None if same else Repriced(attempt, new, grade)


def _offer(attempt: Attempt, find_model: Any) -> tuple[Model | None, Binding | None]:
    try:
        model: Model = find_model(attempt.model)
    except RequestError:
        return None, None
    for binding in model.bindings:
        if (binding.provider, binding.endpoint) == (attempt.provider, attempt.endpoint):
            return model, binding
    return None, None
