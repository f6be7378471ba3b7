"""What `mediaflows prove` holds against each other: the vendor's invoice, our ledger, the disk."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from tasks.accounts import Span, span_of
from tasks.ledger.attempt import Attempt

Line = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the vendor's invoice and our ledger say at the end, and what is on the disk."""

    lines: Sequence[Line]
    made: Sequence[Attempt]
    states: Counter[str]
    lost: int
    kills: int = 0

    @property
    def billed(self) -> Decimal:
        """What the vendor has billed, USD."""
        amounts = (line["amount"] for line in self.lines)
        return sum((Decimal(amount) for amount in amounts if amount is not None), Decimal(0))

    @property
    def twice(self) -> int:
        """How many requests the vendor has accepted a second time."""
        bodies = Counter((line["provider"], line["body_sha256"]) for line in self.lines)
        return sum(count - 1 for count in bodies.values())

    @property
    def held(self) -> list[Attempt]:
        """The attempts of which nobody knows whether the vendor has accepted them."""
        return [attempt for attempt in self.made if attempt.state == "uncertain"]

    @property
    def jobs(self) -> int:
        """How many jobs the ledger knows."""
        return sum(attempt.job is not None for attempt in self.made)

    @property
    def unknown(self) -> int:
        """How many invoice lines are neither a job of the ledger nor held, one each."""
        jobs = {(attempt.provider, attempt.job) for attempt in self.made if attempt.job}
        others = Counter(
            line["body_sha256"]
            for line in self.lines
            if (line["provider"], line["job"]) not in jobs
        )
        return (others - Counter(attempt.body_digest for attempt in self.held)).total()

    @property
    def _on_invoice(self) -> set[str]:
        return {line["job"] for line in self.lines}

    @property
    def span(self) -> Span:
        """What the ledger says that it has cost."""
        return span_of(self.made)

    def faults(self) -> list[str]:
        """Return what is not as it was promised; nothing, as a rule."""
        found = []
        if self.twice:
            found.append(f"{self.twice} requests were accepted twice")
        if missing := len({one.job for one in self.made if one.job} - self._on_invoice):
            found.append(f"{missing} jobs of the ledger are not on the invoice")
        if self.unknown:
            found.append(f"{self.unknown} lines of the invoice are not in the ledger")
        if self.lost:
            found.append(f"{self.lost} results that were paid for are not on the disk")
        if not self.span.low <= self.billed <= self.span.high:
            low, high = self.span.low, self.span.high
            found.append(f"the invoice says ${self.billed}, the ledger ${low} to ${high}")
        if undone := {
            state: n for state, n in self.states.items() if state not in ("done", "parked")
        }:
            found.append(f"rows ended as {undone}")
        if self.states["parked"] > len(self.held):
            found.append(f"{self.states['parked']} rows are parked and {len(self.held)} are held")
        return found


@dataclass(frozen=True, slots=True)
class Standing:
    """What the ledger knows when a process is dead: attempts, by how they stand."""

    by_id: dict[str, str]

    @staticmethod
    def of(made: Sequence[Attempt]) -> Standing:
        """Return how these attempts stand."""
        return Standing({attempt.id: attempt.outcome or attempt.state for attempt in made})

    def at(self, word: str) -> set[str]:
        """Return the attempts that stand so."""
        return {name for name, state in self.by_id.items() if state == word}

    def since(self, before: Standing) -> str:
        """Return what a process has made of what the one before it had left."""
        new = _many(len(self.by_id) - len(before.by_id), "new request")
        if not before.by_id:
            return f"started: {new}"
        known, left = len(before.at("accepted")), len(before.at("submitted"))
        words = [f"went on: {_many(known, 'result')} taken as known"]
        if left:
            brought = len(before.at("submitted") & self.at("accepted"))
            words.append(f"{brought} of {_many(left, 'running job')} brought in")
        return ", ".join([*words, new])

    def dead(self) -> str:
        """Return in the middle of what a process was killed."""
        words = f"while {_many(len(self.at('submitted')), 'job')} ran, "
        if cut := len(self.at("intent")):
            words += f"{_many(cut, 'request')} had no answer yet, "
        return f"{words}{_many(len(self.at('accepted')), 'result')} kept so far"


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
