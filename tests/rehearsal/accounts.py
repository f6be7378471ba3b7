"""Hold the sandbox's invoice, the ledger and the disk against each other."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from flows.invoice import compare_with_invoice
from flows.options import RunOptions
from flows.runner import STATES
from providers.media import Media
from tasks.home import Home, find_home
from tasks.invoke import SUBMITS, result_of
from tasks.ledger.attempt import Attempt
from tasks.report import read_facts
from tasks.store import Store
from tests.core.plain import Ran, opened

Line = dict[str, Any]


def bodies(lines: Sequence[Line]) -> Counter[str]:
    """How often each body was accepted."""
    return Counter(line["body_sha256"] for line in lines)


def require_a_line_for_each(attempts: Sequence[Attempt], lines: Sequence[Line]) -> None:
    """Every job of the ledger is on the invoice and the other way round, one to one.

    What is on the invoice and no job of the ledger has the body of an attempt that is held
    uncertain, one each; an uncertain attempt need not have been accepted.
    """
    by_job = {(line["provider"], line["job"]): line for line in lines}
    assert len(by_job) == len(lines)
    for attempt in attempts:
        if attempt.job is not None:
            line = by_job.pop((attempt.provider, attempt.job))  # once: a job is nobody else's
            assert line["body_sha256"] == attempt.body_digest
            if attempt.outcome in ("accepted", "rejected"):  # what a failure costs, few vendors say
                assert money([line["amount"]]) == money([attempt.amount])
    held = Counter(
        (attempt.provider, attempt.body_digest)
        for attempt in attempts
        if attempt.state == "uncertain"
    )
    lost = Counter((line["provider"], line["body_sha256"]) for line in by_job.values())
    assert lost <= held, "an invoice line that the ledger does not know"


def require_named_ends(ran: Ran, rows: int) -> None:
    """Every row ended, in a state that has a name, and no bug of ours is among the reasons."""
    assert sum(ran.totals.states.values()) == ran.totals.rows == rows
    assert set(ran.totals.states) <= set(STATES)
    assert Counter(ran.states.values()) == Counter(ran.totals.states)
    for line in ran.results.values():
        assert "internal error" not in line["reason"], line
        assert line["state"] == "done" or line["reason"], line


def require_the_budget_kept(attempts: Sequence[Attempt]) -> None:
    """No row and step had more submits accepted than its budget."""
    taken = Counter(attempt.place for attempt in attempts if attempt.job is not None)
    assert not taken or max(taken.values()) <= SUBMITS, taken


def require_media_on_disk(ran: Ran) -> None:
    """What was accepted is in the store, byte by byte; what a done row gives is in its folder."""
    store = Store(find_home().store)
    for attempt in ran.attempts:
        if attempt.outcome == "accepted":
            for media in result_of(attempt, reused=False).values.values():
                assert isinstance(media, Media)
                data = store.path(media.sha256).read_bytes()
                assert hashlib.sha256(data).hexdigest() == media.sha256
    for line in ran.results.values():
        for name in ("photo", "cutout"):
            if line["state"] == "done":
                assert (ran.folder / line[name]).stat().st_size > 0


def comparison(home: Home, ran: Ran, profile: str, begun_at: float) -> str:
    """What a command in the sandbox says last."""
    ledger = opened()
    try:
        facts = ledger.do_now(read_facts, ran.run)
    finally:
        ledger.close()
    return compare_with_invoice(RunOptions(sandbox=profile), home, facts, begun_at) or ""


def money(amounts: Sequence[str | Decimal | None]) -> tuple[Decimal, int]:
    """The sum of what has a price, and how many have none."""
    known = [Decimal(amount) for amount in amounts if amount is not None]
    return sum(known, Decimal(0)), len(amounts) - len(known)
