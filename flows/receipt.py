"""The receipt of a run that was stopped: what it has cost and saved, and what still runs."""

from __future__ import annotations

from collections.abc import Sequence

from tasks.ledger.attempt import Attempt
from tasks.money import total
from tasks.report import Facts

SHOWN = 20


def still_running(facts: Facts) -> list[Attempt]:
    """Return the attempts of a run whose jobs the vendors have and that have not ended."""
    return [attempt for attempt in facts.made if attempt.state == "submitted"]


def receipt(run: str, facts: Facts) -> list[str]:
    """Return the receipt as lines for people."""
    spent = total(attempt.amount for attempt in facts.made if attempt.state == "settled")
    saved = sum(attempt.outcome == "accepted" for attempt in facts.made)
    lines = [f"stopped: spent {spent} · {saved:,} results saved"]
    lines += _left(still_running(facts))
    if held := [one for one in facts.made if one.state in ("intent", "uncertain")]:
        lines.append(
            f"{len(held):,} submits whose answer was lost are held, {_up_to(held)}: "
            "mediaflows ledger reconcile"
        )
    return [*lines, f"go on with: mediaflows resume {run}"]


def _left(left: Sequence[Attempt]) -> list[str]:
    if not left:
        return ["nothing of it runs at a vendor any more"]
    lines = [
        f"{len(left):,} jobs still run at vendors, {_up_to(left)}; the next run takes their results:"
    ]
    lines += [
        f"  {one.provider} {one.job}: row {one.place.row}, step {one.place.step}, {one.model}"
        for one in left[:SHOWN]
    ]
    if len(left) > SHOWN:
        lines.append(f"  and {len(left) - SHOWN:,} more; attempts.csv has all")
    return lines


def _up_to(attempts: Sequence[Attempt]) -> str:
    return f"up to {total(attempt.high for attempt in attempts)}"
