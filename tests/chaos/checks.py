"""Hold invoice, ledger and disk against each other after a bad day; each check returns its faults."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Container, Sequence
from decimal import Decimal
from typing import Any

from flows.runner import STATES
from providers.media import Media
from tasks.accounts import low_high
from tasks.invoke import SUBMITS, result_of
from tasks.ledger.attempt import Attempt, Place
from tasks.ledger.runs import RowEnd
from tasks.store import Store

Line = dict[str, Any]
Pair = tuple[Line, Attempt]
# After one of these, and no other, the same row, step and item may be sent again unasked.
MAY_BE_FOLLOWED = ("failed", "refused", "rejected", "unsent", "cancelled")


def paired(lines: Sequence[Line], attempts: Sequence[Attempt]) -> tuple[list[Pair], list[Line]]:
    """Return each invoice line with its attempt, and the lines that are nobody's.

    A line is the attempt's that has its job, or else of one attempt in doubt that sent its body.
    """
    by_job = {(one.provider, one.job): one for one in attempts if one.job}
    in_doubt: defaultdict[Any, list[Attempt]] = defaultdict(list)
    for one in attempts:
        if _is_in_doubt(one):
            in_doubt[one.provider, one.body_digest].append(one)
    pairs, nobodys = [], []
    for line in lines:
        known = by_job.get((line["provider"], line["job"]))
        held = in_doubt[line["provider"], line["body_sha256"]]
        if known is not None:
            pairs.append((line, known))
        elif held:
            pairs.append((line, held.pop(0)))
        else:
            nobodys.append(line)
    return pairs, nobodys


def _is_in_doubt(attempt: Attempt) -> bool:
    return not attempt.job and (
        attempt.state in ("uncertain", "intent") or attempt.outcome == "given_up"
    )


def unmatched(lines: Sequence[Line], attempts: Sequence[Attempt]) -> list[str]:
    """Lines and attempts with a job match one to one; other lines are of one held attempt each."""
    jobs = Counter((one.provider, one.job) for one in attempts if one.job)
    faults = [f"job {job} stands at {count} attempts" for job, count in jobs.items() if count > 1]
    on_invoice = Counter((line["provider"], line["job"]) for line in lines)
    faults += [f"job {job} is on no invoice line" for job in jobs if job not in on_invoice]
    faults += [f"job {job} has {count} lines" for job, count in on_invoice.items() if count > 1]
    pairs, nobodys = paired(lines, attempts)
    faults += [f"job {line['job']} is nobody's: body {line['body_sha256']}" for line in nobodys]
    for line, attempt in pairs:
        if line["body_sha256"] != attempt.body_digest:
            faults.append(f"{attempt.place}: job {attempt.job} was sent with another body")
    return faults


def misjudged(lines: Sequence[Line], attempts: Sequence[Attempt]) -> list[str]:
    """What the vendor finished and billed is kept or was turned down, at what the vendor says."""
    faults = []
    for line, attempt in paired(lines, attempts)[0]:
        if not attempt.job or attempt.is_open:
            continue
        succeeded = line["outcome"] == "succeeded"
        if line["outcome"] == "running" or succeeded != (
            attempt.outcome in ("accepted", "rejected")
        ):
            faults.append(f"{attempt.place}: {attempt.outcome}, the vendor says {line['outcome']}")
        elif succeeded and line["amount"] is not None and Decimal(line["amount"]) != attempt.amount:
            faults.append(f"{attempt.place}: {attempt.amount}, the vendor says {line['amount']}")
    return faults


def out_of_bounds(lines: Sequence[Line], attempts: Sequence[Attempt]) -> list[str]:
    """Over priced lines: ledger low <= invoice <= ledger high."""
    low, high = _bounds(attempts)
    billed = invoiced(lines)
    return [] if low <= billed <= high else [f"invoice {billed} is not in {low} to {high}"]


def unequal(
    lines: Sequence[Line], attempts: Sequence[Attempt], broken: Container[str | None] = ()
) -> list[str]:
    """After a person has settled all that was in doubt: low = invoice = high.

    But for `broken` jobs that are still waited for: nobody can settle those.
    """
    out = {one.job for one in attempts if is_out(one, broken)}
    low, high = _bounds([one for one in attempts if not is_out(one, broken)])
    billed = invoiced([line for line in lines if line["job"] not in out])
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
    """By the ledger: no second attempt of a row, step and item before the last had ended for good."""
    faults = []
    for place, made in _by_place((one, one.created_at) for one in attempts).items():
        for (earlier, _), (later, at) in zip(made, made[1:], strict=False):
            if not _had_ended(earlier, at):
                faults.append(f"{place}: {later.id} after {earlier.id} was {_standing(earlier)}")
        taken = sum(one.outcome != "unsent" and (bool(one.job) or one.is_open) for one, _ in made)
        if taken > SUBMITS:
            faults.append(f"{place}: {taken} submits")
    return faults


def accepted_too_soon(lines: Sequence[Line], attempts: Sequence[Attempt]) -> list[str]:
    """By the vendor's clock: no job of a row, step and item while an earlier one was undecided."""
    pairs, _ = paired(lines, attempts)
    faults = []
    for place, made in _by_place((one, line["accepted_at"]) for line, one in pairs).items():
        for (earlier, _), (later, at) in zip(made, made[1:], strict=False):
            if not _had_ended(earlier, at):
                faults.append(
                    f"{place}: a job of {later.id} was accepted when {earlier.id} was "
                    f"{_standing(earlier)}"
                )
    return faults


def _by_place(found: Any) -> dict[Place, list[tuple[Attempt, float]]]:
    places: defaultdict[Place, list[tuple[Attempt, float]]] = defaultdict(list)
    for attempt, at in found:
        if attempt.provider != "local":
            places[attempt.place].append((attempt, at))
    for made in places.values():
        made.sort(key=lambda one: one[1])
    return places


def _had_ended(attempt: Attempt, at: float) -> bool:
    return attempt.outcome in MAY_BE_FOLLOWED and (attempt.settled_at or 0) <= at


def _standing(attempt: Attempt) -> str:
    return attempt.outcome or attempt.state


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


def parked_for_nothing(
    ends: Sequence[RowEnd | None], attempts: Sequence[Attempt], broken: Container[str | None] = ()
) -> list[str]:
    """A row waits only while a submit of it is held, or the result of a `broken` job is."""
    held = {one.place.row for one in attempts if one.state == "uncertain" or is_out(one, broken)}
    return [
        f"row {end.row} is parked, and nothing of it is held: {end.reason}"
        for end in ends
        if end is not None and end.state == "parked" and end.row not in held
    ]


def is_out(attempt: Attempt, broken: Container[str | None]) -> bool:
    """True while an attempt waits for a job whose result can never be fetched."""
    return attempt.state == "submitted" and attempt.job in broken
