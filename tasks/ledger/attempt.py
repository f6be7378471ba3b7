"""One attempt as the ledger knows it: what is written before it, what came of it."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from sqlalchemy import Row

from tasks.ledger.schema import OPEN, attempts
from tasks.money import from_nanos


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a run a request stands; `item` counts within `each`."""

    run: str
    row: str
    step: str
    item: int = 0


@dataclass(frozen=True, slots=True)
class Opening:
    """What is written down before anything is sent.

    `fitted` says port by port what was done to make a value fit, and the digest of what was sent.
    `round` counts how often a person has asked for the row to be tried anew: each has a budget.
    """

    id: str
    key: str
    fields: Mapping[str, Any]
    place: Place
    owner: str
    body_digest: str | None = None
    checks: str | None = None
    fitted: Mapping[str, Any] | None = None
    low: Decimal | None = None
    high: Decimal | None = None
    round: int = 0
    created_at: float = field(default_factory=time.time)


@dataclass(frozen=True, slots=True)
class Settlement:
    """How an attempt ended; `result` maps ports to JSON values when it was accepted."""

    outcome: str
    result: Mapping[str, Any] | None = None
    units: Decimal | None = None
    amount: Decimal | None = None
    grade: str | None = None
    error_class: str | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One row of the ledger's attempts, as much of it as decisions need."""

    id: str
    key: str
    place: Place
    take: int
    round: int
    model: str
    provider: str
    endpoint: str
    realm: str
    state: str
    outcome: str | None
    owner: str | None
    body_digest: str | None
    job: str | None
    receipt: Mapping[str, Any] | None
    result: Mapping[str, Any] | None
    low: Decimal | None
    high: Decimal | None
    units: Decimal | None
    amount: Decimal | None
    grade: str | None
    error_class: str | None
    error: str | None
    created_at: float
    submitted_at: float | None
    settled_at: float | None
    fitted: Mapping[str, Any] | None = None
    checks: str | None = None

    @property
    def is_open(self) -> bool:
        """True while the attempt has not ended: it is the claim on its request."""
        return self.state in OPEN


COLUMNS = [
    attempts.c[name]
    for name in [
        "id",
        "key",
        "run",
        "row",
        "step",
        "item",
        "take",
        "round",
        "model",
        "provider",
        "endpoint",
        "realm",
        "state",
        "outcome",
        "owner",
        "body_digest",
        "job",
        "receipt",
        "result",
        "low_nanos",
        "high_nanos",
        "units",
        "amount_nanos",
        "grade",
        "error_class",
        "error",
        "created_at",
        "submitted_at",
        "settled_at",
        "fitted",
        "checks",
    ]
]


def attempt_of(row: Row[Any]) -> Attempt:
    """Return the attempt of a row of `COLUMNS`."""
    return Attempt(
        id=row.id,
        key=row.key,
        place=Place(row.run, row.row, row.step, row.item),
        take=row.take,
        round=row.round,
        model=row.model,
        provider=row.provider,
        endpoint=row.endpoint,
        realm=row.realm,
        state=row.state,
        outcome=row.outcome,
        owner=row.owner,
        body_digest=row.body_digest,
        job=row.job,
        receipt=json.loads(row.receipt) if row.receipt else None,
        result=json.loads(row.result) if row.result else None,
        low=from_nanos(row.low_nanos),
        high=from_nanos(row.high_nanos),
        units=None if row.units is None else Decimal(row.units),
        amount=from_nanos(row.amount_nanos),
        grade=row.grade,
        error_class=row.error_class,
        error=row.error,
        created_at=row.created_at,
        submitted_at=row.submitted_at,
        settled_at=row.settled_at,
        fitted=json.loads(row.fitted) if row.fitted else None,
        checks=row.checks,
    )
