"""What a ledger holds, in words: of all runs, and of one by step, model and outcome."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from tasks.accounts import Span, is_overrun, span_of, waste
from tasks.ledger import Ledger, lookup, runs
from tasks.ledger.attempt import Attempt
from tasks.ledger.runs import Run
from tasks.money import dollars, with_unpriced
from tasks.orphans import orphans

Line = tuple[str, ...] | tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class LedgerReport:
    """One run's attempts: a line by step, model and outcome, and by class of waste."""

    run: str
    lines: tuple[Line, ...]
    waste: tuple[Line, ...]
    overruns: tuple[str, ...]
    total: str
    span: Span

    def to_json(self) -> dict[str, Any]:
        """Return the report as JSON data; amounts are text."""
        names = ("step", "model", "outcome", "attempts", "low_usd", "high_usd", "unpriced")
        classes = ("class", "attempts", "low_usd", "high_usd", "unpriced")
        return {
            "run": self.run,
            "attempts": [dict(zip(names, line, strict=True)) for line in self.lines],
            "waste": [dict(zip(classes, line, strict=True)) for line in self.waste],
            "overruns": list(self.overruns),
            "low_usd": dollars(self.span.low),
            "high_usd": dollars(self.span.high),
            "unpriced": self.span.unpriced,
        }


def report_of(ledger: Ledger, run: Run) -> LedgerReport:
    """Return what one run has cost."""
    made = ledger.do_now(lookup.made_by, run.id)
    groups: dict[tuple[str, str, str], Span] = {}
    for attempt in made:
        key = (attempt.place.step, _label(attempt), attempt.outcome or attempt.state)
        groups[key] = groups.get(key, Span()).plus(attempt)
    return LedgerReport(
        run=run.id,
        lines=tuple((*key, *_cells(span)) for key, span in groups.items()),
        waste=tuple((name, *_cells(span)) for name, span in waste(made).items()),
        overruns=tuple(map(_overrun, filter(is_overrun, made))),
        total=f"{len(made):,} attempts, {between(span_of(made))}",
        span=span_of(made),
    )


def overview(ledger: Ledger) -> list[str]:
    """Return how a ledger stands, and what waits in it."""
    known = ledger.do_now(lookup.count_accepted)
    found = ledger.do_now(runs.find, "")
    lines = [f"{known:,} results known, {len(found):,} runs"]
    if waiting := ledger.do_now(orphans):
        lines.append(
            f"{len(waiting):,} jobs wait at vendors, {between(span_of(waiting))}: the next run, "
            "whatever it is, takes their results"
        )
    if held := ledger.do_now(_held):
        lines.append(
            f"{len(held):,} submits whose answer was lost are held, {between(span_of(held))}: "
            "mediaflows ledger reconcile"
        )
    return [*lines, f"spent in all {between(ledger.do_now(_everything))}"]


def between(span: Span) -> str:
    """Return "$0.30", or "$0.30 to $0.33" where that is not sure; ">=" where some is unpriced."""
    low = with_unpriced(span.low, span.unpriced)
    return (
        low
        if span.low == span.high
        else f"{dollars(span.low)} to " + with_unpriced(span.high, span.unpriced)
    )


def _held(connection: Connection) -> list[Attempt]:
    return [one for one in lookup.open_attempts(connection) if one.state == "uncertain"]


def _everything(connection: Connection) -> Span:
    return span_of(lookup.all_attempts(connection))


def _cells(span: Span) -> tuple[str | int, ...]:
    return span.attempts, dollars(span.low), dollars(span.high), span.unpriced


def _overrun(attempt: Attempt) -> str:
    place = attempt.place
    return (
        f"overrun: row {place.row}, step {place.step}: {_label(attempt)} billed "
        f"{dollars(attempt.amount or span_of(()).low)} for a call of at most "
        f"{dollars(attempt.high or span_of(()).low)}"
    )


def _label(attempt: Attempt) -> str:
    return f"{attempt.model}@{attempt.provider}"
