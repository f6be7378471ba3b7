"""Hold invoice, ledger and disk against each other after a bad day; each check returns its faults."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from flows.runner import STATES
from providers.media import Media
from tasks.accounts import low_high
from tasks.invoke import SUBMITS, result_of
from tasks.ledger.attempt import Attempt
from tasks.ledger.runs import RowEnd
from tasks.store import Store

Line = dict[str, Any]
ENDED_FOR_GOOD = ("failed", "refused", "rejected", "unsent", "cancelled", "lost", "given_up")


def unmatched(lines: Sequence[Line], attempts: Sequence[Attempt]) -> list[str]:
    """Lines and attempts with a job match one to one; other lines are of one held attempt each."""
    jobs = Counter((one.provider, one.job) for one in attempts if one.job)
    faults = [f"job {job} stands at {count} attempts" for job, count in jobs.items() if count > 1]
    known = {(line["provider"], line["job"]): line for line in lines}
    faults += [f"job {job} is on no invoice line" for job in jobs if job not in known]
    held = Counter((a.provider, a.body_digest) for a in attempts if _is_in_doubt(a))
    others = Counter(
        (line["provider"], line["body_sha256"]) for job, line in known.items() if job not in jobs
    )
    return faults + [f"{n} lines of nobody: body {body}" for body, n in (others - held).items()]


def _is_in_doubt(attempt: Attempt) -> bool:
    return not attempt.job and (
        attempt.state in ("uncertain", "intent") or attempt.outcome == "given_up"
    )


def out_of_bounds(lines: Sequence[Line], attempts: Sequence[Attempt]) -> list[str]:
    """Over priced lines: ledger low <= invoice <= ledger high."""
    low, high = _bounds(attempts)
    billed = invoiced(lines)
    return [] if low <= billed <= high else [f"invoice {billed} is not in {low} to {high}"]


def unequal(lines: Sequence[Line], attempts: Sequence[Attempt]) -> list[str]:
    """After a person has settled all that was in doubt: low = invoice = high."""
    low, high = _bounds(attempts)
    billed = invoiced(lines)
    return [] if low == billed == high else [f"invoice {billed}, ledger {low} to {high}"]


def invoiced(lines: Sequence[Line]) -> Decimal:
    """What the priced lines of an invoice add up to, USD."""
    return sum(
        (Decimal(line["amount"]) for line in lines if line["amount"] is not None), Decimal(0)
    )


def _bounds(attempts: Sequence[Attempt]) -> tuple[Decimal, Decimal]:
    spans = [span for span in map(low_high, attempts) if span is not None]
    return sum((low for low, _ in spans), Decimal(0)), sum((high for _, high in spans), Decimal(0))


def sent_too_soon(attempts: Sequence[Attempt]) -> list[str]:
    """No second submit of a row, step and item before the one before it had ended for good."""
    places: defaultdict[Any, list[Attempt]] = defaultdict(list)
    for attempt in attempts:
        if attempt.provider != "local":
            places[attempt.place].append(attempt)
    faults = []
    for place, made in places.items():
        made.sort(key=lambda attempt: attempt.created_at)
        for earlier, later in zip(made, made[1:], strict=False):
            ended = (
                earlier.outcome in ENDED_FOR_GOOD and (earlier.settled_at or 0) <= later.created_at
            )
            if not ended:
                faults.append(f"{place}: {later.id} after {earlier.id} was {earlier.outcome}")
        taken = sum(one.outcome != "unsent" and (bool(one.job) or one.is_open) for one in made)
        if taken > SUBMITS:
            faults.append(f"{place}: {taken} submits")
    return faults


def not_on_disk(attempts: Sequence[Attempt], store: Store) -> list[str]:
    """Every accepted result is in the store, byte by byte."""
    faults = []
    for attempt in attempts:
        if attempt.outcome == "accepted":
            for media in result_of(attempt, reused=False).values.values():
                if isinstance(media, Media) and _digest(store, media) != media.sha256:
                    faults.append(f"{attempt.place}: {media.sha256} is not in the store")
    return faults


def _digest(store: Store, media: Media) -> str:
    path = store.path(media.sha256)
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else "missing"


def still_reserved(amount: Decimal) -> list[str]:
    """When no row is in flight nothing is set aside."""
    return [f"${amount} is still reserved"] if amount else []


def not_final(ends: Sequence[RowEnd | None], rows: int) -> list[str]:
    """Every row has ended, in a state that has a name, and no bug of ours is the reason."""
    faults = [] if len(ends) == rows else [f"{len(ends)} rows instead of {rows}"]
    for number, end in enumerate(ends):
        if end is None or end.state not in STATES:
            faults.append(f"row {number} has no end")
        elif "internal error" in end.reason:
            faults.append(f"row {end.row}: {end.reason}")
    return faults
