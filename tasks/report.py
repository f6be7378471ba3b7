"""Tables of a run, as pandas sees it: one line per row, per attempt, per step and model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

import pandas as pd
from sqlalchemy import Connection

from tasks.fit_words import fit_words
from tasks.ledger import lookup, runs
from tasks.ledger.attempt import Attempt
from tasks.ledger.runs import RowEnd

SUMMARY_COLUMNS = (
    "step",
    "model",
    "calls",
    "ok",
    "failed",
    "reused",
    "cost_usd",
    "unpriced",
    "p50_seconds",
    "p90_seconds",
    "p99_seconds",
)


@dataclass(frozen=True, slots=True)
class Facts:
    """What the ledger holds of one run: its rows' ends, its attempts, and what its rows have."""

    ends: Sequence[RowEnd | None]
    made: Sequence[Attempt]
    used: Mapping[tuple[str, str, int], Attempt]


def read_facts(connection: Connection, run: str) -> Facts:
    """Return what the ledger holds of one run."""
    return Facts(
        ends=runs.ends_of(connection, run),
        made=lookup.made_by(connection, run),
        used=lookup.uses_of(connection, run),
    )


def attempts_table(facts: Facts) -> pd.DataFrame:
    """Return one line per attempt that this run made, oldest first; seconds, USD as text."""
    return pd.DataFrame(
        [
            {
                "row": attempt.place.row,
                "step": attempt.place.step,
                "item": attempt.place.item,
                "take": attempt.take,
                "model": attempt.model,
                "provider": attempt.provider,
                "state": attempt.state,
                "outcome": attempt.outcome,
                "amount_usd": _text(attempt.amount),
                "grade": attempt.grade,
                "seconds": _seconds(attempt),
                "job": attempt.job,
                "error_class": attempt.error_class,
                "error": attempt.error,
                "fitted": "; ".join(fit_words(attempt.fitted)),
                "key": attempt.key,
                "attempt": attempt.id,
            }
            for attempt in facts.made
        ],
        columns=[
            "row",
            "step",
            "item",
            "take",
            "model",
            "provider",
            "state",
            "outcome",
            "amount_usd",
            "grade",
            "seconds",
            "job",
            "error_class",
            "error",
            "fitted",
            "key",
            "attempt",
        ],
    )


def summary_table(facts: Facts) -> pd.DataFrame:
    """Return calls, outcomes, cost and latency by step and model@provider.

    `calls` are this run's own attempts; `reused` counts results taken over, which cost nothing.
    Seconds are of accepted attempts, from the intent to the settled result.
    """
    lines = [
        {
            "step": attempt.place.step,
            "model": f"{attempt.model}@{attempt.provider}",
            "calls": 1,
            "ok": int(attempt.outcome == "accepted"),
            "failed": int(attempt.outcome not in (None, "accepted", "cancelled")),
            "reused": 0,
            "nanos": _nanos(attempt),
            "unpriced": int(is_unpriced(attempt)),
            "seconds": _seconds(attempt) if attempt.outcome == "accepted" else None,
        }
        for attempt in facts.made
    ]
    own = {attempt.id for attempt in facts.made}
    lines += [
        {
            "step": step,
            "model": f"{attempt.model}@{attempt.provider}",
            "calls": 0,
            "ok": 0,
            "failed": 0,
            "reused": 1,
            "nanos": 0,
            "unpriced": 0,
            "seconds": None,
        }
        for (row, step, _), attempt in facts.used.items()
        if attempt.id not in own or attempt.place.row != row
    ]
    if not lines:
        return pd.DataFrame(columns=list(SUMMARY_COLUMNS))
    frame = pd.DataFrame(lines).astype({"seconds": "float64"})
    groups = frame.groupby(["step", "model"], sort=False)
    table = groups[["calls", "ok", "failed", "reused", "nanos", "unpriced"]].sum()
    table["cost_usd"] = [_text(Decimal(int(nanos)) / 10**9) for nanos in table.pop("nanos")]
    for name, quantile in (("p50", 0.5), ("p90", 0.9), ("p99", 0.99)):
        table[f"{name}_seconds"] = groups["seconds"].quantile(quantile).round(2)
    return table.reset_index()[list(SUMMARY_COLUMNS)]


def cost_of(facts: Facts) -> tuple[Decimal, int]:
    """Return what the run's attempts cost in USD, and how many settled ones have no price."""
    known = sum((attempt.amount or Decimal(0) for attempt in facts.made), Decimal(0))
    return known, sum(is_unpriced(attempt) for attempt in facts.made)


def is_unpriced(attempt: Attempt) -> bool:
    """True for an attempt that is over and whose price nobody knows."""
    is_free = attempt.outcome in ("cancelled", "unsent")
    return attempt.state == "settled" and not is_free and attempt.amount is None


def reused_count(facts: Facts) -> int:
    """Return how many results the run's rows took over from other attempts than their own."""
    own = {attempt.id: attempt.place.row for attempt in facts.made}
    return sum(own.get(attempt.id) != row for (row, _, _), attempt in facts.used.items())


def _seconds(attempt: Attempt) -> float | None:
    if attempt.settled_at is None:
        return None
    return round(attempt.settled_at - attempt.created_at, 3)


def _nanos(attempt: Attempt) -> int:
    return int((attempt.amount or Decimal(0)) * 10**9)


def _text(amount: Decimal | None) -> str | None:
    return None if amount is None else format(amount.normalize(), "f")
