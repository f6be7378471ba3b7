"""Hold the ledger against the sandbox's invoice: what a run added to both."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from flows.options import RunOptions
from flows.sandboxed import sandbox_folder
from tasks.home import Home
from tasks.money import with_unpriced
from tasks.report import Facts


def compare_with_invoice(
    options: RunOptions, home: Home, facts: Facts, begun_at: float
) -> str | None:
    """Return "invoice $4.18 = ledger $4.18" for what this run added, or None outside a sandbox.

    The invoice's lines of a run are those of its jobs, and those accepted since it began whose
    answer was lost: their body is that of one of its uncertain attempts.
    """
    if options.sandbox is None:
        return None
    from providers.sandbox.process import find_sandbox

    sandbox = find_sandbox(sandbox_folder(home, options.sandbox))
    if sandbox is None:
        return None
    jobs = {(attempt.provider, attempt.job) for attempt in facts.made if attempt.job}
    held = {attempt.body_digest for attempt in facts.made if attempt.state == "uncertain"}
    lines = [
        line
        for line in sandbox.invoice()
        if (line["provider"], line["job"]) in jobs
        or (line["accepted_at"] >= begun_at and line["body_sha256"] in held)
    ]
    lost = len(lines) - len(jobs)
    invoice, ledger = _sum_lines(lines), _sum_attempts(facts)
    words = f"invoice {invoice} {'=' if invoice == ledger else 'is not'} ledger {ledger}"
    return f"{words} ({lost} lost answers held as uncertain)" if lost else words


def _sum_lines(lines: Iterable[Mapping[str, Any]]) -> str:
    amounts = [line["amount"] for line in lines]
    known = sum((Decimal(amount) for amount in amounts if amount is not None), Decimal(0))
    return with_unpriced(known, amounts.count(None))


def _sum_attempts(facts: Facts) -> str:
    accepted = [attempt for attempt in facts.made if attempt.job and attempt.provider != "local"]
    known = sum((attempt.amount or Decimal(0) for attempt in accepted), Decimal(0))
    return with_unpriced(known, sum(attempt.amount is None for attempt in accepted))
