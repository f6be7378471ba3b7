"""Accounts: what attempts have cost, from low to high, and what of it was for nothing.

The promise: over priced attempts, low <= the vendor's invoice <= high. What cannot be known (an
answer that was lost, a job that runs on, a failure that may be billed) lies between.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from tasks.ledger.attempt import Attempt, Place

ZERO = Decimal(0)
FREE = ("unsent", "cancelled")
FAILURES = ("failed", "refused", "cancelled")
CLASSES = ("retry", "fallback", "rejected", "cancelled", "lost", "uncertain")


@dataclass(frozen=True, slots=True)
class Span:
    """So many attempts, what they cost in USD from low to high, and how many have no price."""

    attempts: int = 0
    low: Decimal = ZERO
    high: Decimal = ZERO
    unpriced: int = 0

    def plus(self, attempt: Attempt) -> Span:
        """Return the span with one more attempt in it."""
        found = low_high(attempt)
        if found is None:
            return Span(self.attempts + 1, self.low, self.high, self.unpriced + 1)
        low, high = self.low + found[0], self.high + found[1]
        return Span(self.attempts + 1, low, high, self.unpriced)


def low_high(attempt: Attempt) -> tuple[Decimal, Decimal] | None:
    """Return the least and the most that an attempt has cost in USD; None when nobody knows."""
    if attempt.is_open:
        if attempt.state == "waiting":
            return ZERO, ZERO
        return None if attempt.high is None else (ZERO, attempt.high)
    if attempt.amount is None:
        return _unknown(attempt)
    if attempt.grade != "estimate":
        return attempt.amount, attempt.amount
    if attempt.outcome in FAILURES:  # its amount is 0, and the vendor may charge for it
        return None if attempt.high is None else (ZERO, max(attempt.high, attempt.amount))
    known = [amount for amount in (attempt.amount, attempt.low, attempt.high) if amount is not None]
    return min(known), max(known)


def _unknown(attempt: Attempt) -> tuple[Decimal, Decimal] | None:
    if attempt.outcome in FREE:
        return ZERO, ZERO
    if attempt.outcome == "given_up" and attempt.high is not None:
        return ZERO, attempt.high
    return None


def span_of(attempts: Iterable[Attempt]) -> Span:
    """Return what these attempts have cost together."""
    span = Span()
    for attempt in attempts:
        span = span.plus(attempt)
    return span


def waste(attempts: Sequence[Attempt]) -> dict[str, Span]:
    """Return what was, or may have been, paid for nothing, by class; classes without any left out.

    retry: a failure, and the same candidate was tried again or nothing came of it; fallback: a
    failure, and another candidate gave the result; rejected, cancelled, lost; uncertain: nobody
    knows whether it was accepted.
    """
    makers: dict[Place, str] = {
        attempt.place: _label(attempt) for attempt in attempts if attempt.outcome == "accepted"
    }
    found: dict[str, Span] = {}
    for attempt in attempts:
        name = _class_of(attempt, makers.get(attempt.place))
        if name and low_high(attempt) != (ZERO, ZERO):
            found[name] = found.get(name, Span()).plus(attempt)
    return {name: found[name] for name in CLASSES if name in found}


def _class_of(attempt: Attempt, maker: str | None) -> str | None:
    if attempt.state in ("intent", "uncertain") or attempt.outcome == "given_up":
        return "uncertain"
    if attempt.outcome in ("failed", "refused"):
        return "retry" if maker in (None, _label(attempt)) else "fallback"
    return attempt.outcome if attempt.outcome in ("rejected", "cancelled", "lost") else None


def is_overrun(attempt: Attempt) -> bool:
    """True when its vendor has billed more than the high estimate."""
    return bool(attempt.amount and attempt.high is not None and attempt.amount > attempt.high)


def _label(attempt: Attempt) -> str:
    return f"{attempt.model}@{attempt.provider}"
