"""Explain a result: which request it was, who made it, what was tried before."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path

from flows.differences import why_not_reused
from providers.errors import InputError, RequestError, near
from tasks.fit_words import fit_words
from tasks.ledger import Ledger, lookup, runs
from tasks.ledger.attempt import Attempt, Place
from tasks.ledger.runs import Run
from tasks.money import dollars


def explain_step(ledger: Ledger, run: Run, row: str, step: str) -> list[str]:
    """Return lines on one step of one row: its request, its result, its attempts.

    Raises:
        RequestError: the run has no such row, or the row has nothing at that step.
    """
    rows = [end for end in ledger.do_now(runs.row_ids, run.id)]
    if row not in rows:
        raise RequestError(f"Run {run.id} has no row {row!r}.{near(row, rows)}")
    uses = ledger.do_now(lookup.uses_of, run.id)
    used = {
        item: attempt for (of, name, item), attempt in uses.items() if (of, name) == (row, step)
    }
    here = [
        attempt
        for attempt in ledger.do_now(lookup.made_by, run.id)
        if (attempt.place.row, attempt.place.step) == (row, step)
    ]
    if not used and not here:
        raise RequestError(
            f"Row {row!r} of run {run.id} has nothing at step {step!r}: {_why(ledger, run, row)}"
        )
    lines = []
    for item, attempt in sorted(used.items()):
        own = attempt.place == Place(run.id, row, step, item)
        whose = "made by this row" if own else f"reused, $0.00: {_maker(attempt)}"
        lines.append(f"{row} · {step}{f'[{item}]' if item else ''}: {whose}")
        lines += _request(ledger, attempt)
        lines += why_not_reused(ledger, attempt) if own else []
    lines += ["attempts of this row:"] if here else []
    for attempt in here:
        lines.append(f"  {_attempt(attempt)}")
        lines += [f"    fitted {words}" for words in fit_words(attempt.fitted)]
    states = {attempt.state for attempt in here}
    if "submitted" in states:
        lines.append(f"its job runs on: mediaflows resume {run.id} takes its result")
    if "uncertain" in states:
        lines.append(
            "nobody here knows whether it was accepted: mediaflows ledger reconcile, or resume "
            f"{run.id} --on-uncertain resubmit"
        )
    return lines


def _why(ledger: Ledger, run: Run, row: str) -> str:
    end = next((end for end in ledger.do_now(runs.ends_of, run.id) if end and end.row == row), None)
    if end is None:
        return "the row has not ended yet, or the template has no such step."
    reason = f" ({end.reason})" if end.reason else ""
    return f"the row ended as {end.state}{reason}, or the template has no such step."


def explain_file(ledger: Ledger, path: Path) -> list[str]:
    """Return lines on the attempt that made a file's bytes.

    Raises:
        InputError: the file cannot be read, or no attempt made these bytes.
    """
    try:
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from None
    found = ledger.do_now(lookup.made_bytes, sha256)
    if found is None:
        raise InputError(f"{path}: no result in the ledger has these bytes; was it edited since?")
    return [f"{path}: {_maker(found)}", *_request(ledger, found), f"  {_attempt(found)}"]


def _maker(attempt: Attempt) -> str:
    place = attempt.place
    return f"made by run {place.run}, row {place.row}, step {place.step}, {_when(attempt)}"


def _request(ledger: Ledger, attempt: Attempt) -> list[str]:
    fields = ledger.do_now(lookup.fields_of, attempt.key)
    lines = [f"  request key {attempt.key}"]
    for name, value in fields.items():
        if isinstance(value, dict):
            lines += [f"    {name}.{key} = {item}" for key, item in value.items()]
        else:
            lines.append(f"    {name} = {value}")
    return lines


def _attempt(attempt: Attempt) -> str:
    price = "unpriced" if attempt.amount is None else dollars(attempt.amount)
    state = attempt.outcome or attempt.state
    error = f": {attempt.error}" if attempt.error else ""
    return f"{attempt.model}@{attempt.provider} {state}, {price}, {_when(attempt)}{error}"


def _when(attempt: Attempt) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(attempt.created_at))
