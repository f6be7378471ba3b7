"""Money as people read it. Amounts are USD, Decimal, and an unknown one is never shown as 0."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal

NANO = Decimal("0.000000001")


def to_nanos(amount: Decimal | None) -> int | None:
    """Return USD as whole nano-dollars, so that the database adds exactly."""
    if amount is None:
        return None
    return int((amount / NANO).to_integral_value(ROUND_HALF_UP))


def from_nanos(nanos: int | None) -> Decimal | None:
    """Return whole nano-dollars as USD."""
    return None if nanos is None else (Decimal(nanos) * NANO).normalize()


def dollars(amount: Decimal) -> str:
    """Return "$0.03": two decimals, more only where they are not 0."""
    shown = amount.quantize(Decimal("0.0001"), ROUND_HALF_UP)
    if 0 < amount < Decimal("0.0001"):
        return "<$0.0001"
    text = f"{shown:,.4f}"
    while text.endswith("0") and len(text) - text.index(".") > 3:
        text = text[:-1]
    return f"${text}"


def exact_dollars(amount: Decimal) -> str:
    """Return "$0.000975": at least two decimals, and every further one that is not 0."""
    whole, _, decimals = f"{amount:,f}".partition(".")
    return f"${whole}.{decimals.rstrip('0').ljust(2, '0')}"


def total(amounts: Iterable[Decimal | None]) -> str:
    """Return the sum as people read it: ">= $1.20, 3 unpriced" where some are not known."""
    known, unknown = Decimal(0), 0
    for amount in amounts:
        if amount is None:
            unknown += 1
        else:
            known += amount
    return with_unpriced(known, unknown)


def with_unpriced(known: Decimal, unpriced: int) -> str:
    """Return `known` as dollars, marked as a lower bound when some amounts are not known."""
    if unpriced and not known:
        return f"{unpriced} unpriced"
    return f">= {dollars(known)}, {unpriced} unpriced" if unpriced else dollars(known)
