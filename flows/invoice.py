"""Hold the ledger against the sandbox's invoice: what a run added to both."""

from __future__ import annotations

from collections.abc import Iterable
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

    Jobs that have not been settled, and submits whose answer was lost (their body is that of an
    attempt held uncertain), are on the invoice, too; they are named behind.
    """
    if options.sandbox is None:
        return None
    from providers.sandbox.process import find_sandbox

    sandbox = find_sandbox(sandbox_folder(home, options.sandbox))
    if sandbox is None:
        return None
    made = {(attempt.provider, attempt.job): attempt for attempt in facts.made if attempt.job}
    held = {attempt.body_digest for attempt in facts.made if attempt.state == "uncertain"}
    settled: list[dict[str, Any]] = []
    running: list[dict[str, Any]] = []
    lost: list[dict[str, Any]] = []
    others: list[dict[str, Any]] = []
    for line in sandbox.invoice():
        attempt = made.get((line["provider"], line["job"]))
        if attempt is not None:
            (running if attempt.is_open else settled).append(line)
        elif line["accepted_at"] >= begun_at:
            (lost if line["body_sha256"] in held else others).append(line)
    invoice = _sum(line["amount"] for line in settled)
    ledger = _sum(attempt.amount for attempt in made.values() if not attempt.is_open)
    words = [f"invoice {invoice} {'=' if invoice == ledger else 'is not'} ledger {ledger}"]
    kinds = (
        (running, "not settled yet"),
        (lost, "held, the answer was lost"),
        (others, "of no attempt of this run"),
    )
    for lines, name in kinds:
        if lines:
            words.append(f"{len(lines)} more at {_sum(line['amount'] for line in lines)} {name}")
    return "; ".join(words)


def _sum(amounts: Iterable[str | Decimal | None]) -> str:
    known, unpriced = Decimal(0), 0
    for amount in amounts:
        if amount is None:
            unpriced += 1
        else:
            known += Decimal(amount)
    return with_unpriced(known, unpriced)
