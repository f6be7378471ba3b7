"""A run that is cancelled at some moment, and the next one, which brings in what it left."""

from __future__ import annotations

import random
import time
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

from flows.options import RunOptions
from tasks.ledger import Ledger, lookup, runs
from tasks.ledger.attempt import Attempt
from tests.chaos import checks
from tests.chaos.checks import Line
from tests.chaos.child import Errand
from tests.chaos.day import Day, ledger_of, to_the_end, vendor, write_inputs

SLOW = {"time_scale": 0.06, "queue_seconds": 0.3, "longest_seconds": 2.0, "rules": []}


def cancel_day(folder: Path, seed: int, rows: int) -> Day:
    """Return what is left after a cancel at some moment, another run, and a resume."""
    template, table = write_inputs(folder, rows)
    chance, day = random.Random(seed), Day(folder, rows)
    with vendor(folder, seed, **SLOW) as (sandbox, environment):
        options = RunOptions(
            jobs=10, provider=("fal",), drain=0.2, max_cost=Decimal(100), allow_unpriced=True
        )
        errand = Errand(environment, template, table, options)
        seconds = chance.uniform(0.1, 4.0)
        to_the_end(replace(errand, stop_after_seconds=seconds), day)
        day.said = f"cancelled after {seconds:.2f} s"
        lines = sandbox.invoice()
        with ledger_of(folder) as ledger:
            left, made = _left(ledger), ledger.do_now(lookup.all_attempts)
            (first,) = ledger.do_now(runs.find, "")
        day.held = len(left)
        day.faults += _not_on_the_receipt(lines, left)
        day.faults += checks.unmatched(lines, made)

        time.sleep(2.5)  # longer than any job: nobody polls them meanwhile
        other = folder / "other.csv"
        other.write_text("id,prompt\nother,something else\n", encoding="utf-8")
        to_the_end(replace(errand, table=other), day)
        with ledger_of(folder) as ledger:
            if still := _left(ledger):
                day.faults.append(f"{len(still)} jobs were not taken by the next run")
        if len(sandbox.invoice()) != len(lines) + 3:
            day.faults.append("the next run has sent more than its own three submits")

        to_the_end(replace(errand, run=first.id), day)
        with ledger_of(folder) as ledger:
            day.lines, day.attempts = sandbox.invoice(), ledger.do_now(lookup.all_attempts)
            day.faults += checks.not_final(ledger.do_now(runs.ends_of, first.id), rows)
        day.faults += checks.unmatched(day.lines, day.attempts)
        day.faults += checks.misjudged(day.lines, day.attempts)
        day.faults += checks.out_of_bounds(day.lines, day.attempts)
        day.faults += checks.sent_too_soon(day.attempts)
        day.faults += checks.accepted_too_soon(day.lines, day.attempts)
    return day


def _left(ledger: Ledger) -> list[Attempt]:
    return [one for one in ledger.do_now(lookup.open_attempts) if one.state == "submitted"]


def _not_on_the_receipt(lines: list[Line], left: list[Attempt]) -> list[str]:
    """What the vendor works on is what the receipt says, and the other way round."""
    running = {line["job"] for line in lines if line["outcome"] == "running"}
    told = {attempt.job for attempt in left}
    known = {line["job"] for line in lines}
    faults = [f"job {job} runs on and is not on the receipt" for job in running - told]
    return faults + [f"job {job} of the receipt is unknown" for job in told - known]
