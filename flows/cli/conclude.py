"""Say what came of a run, and how to go on; the exit code is what scripts read of it."""

from __future__ import annotations

import asyncio

from flows.admission import BUDGET
from flows.cli.tables import print_json, print_summary, tell
from flows.frozen import Work
from flows.interrupt import CANCELLED_CODE
from flows.invoice import compare_with_invoice
from flows.receipt import receipt, still_running
from flows.recorded import missing_words, wait_until_recorded
from flows.results import Totals, finish_run, totals_of
from tasks.home import find_home
from tasks.ledger import Ledger, runs
from tasks.ledger.runs import CANCELLED
from tasks.report import Facts, read_facts, summary_table
from tasks.store import Store

DONE_CODE, INCOMPLETE_CODE, BUDGET_CODE = 0, 3, 4


def close_run(
    work: Work, ledger: Ledger, store: Store, state: str, reason: str, *, as_json: bool
) -> int:
    """End the rows that have not run, write the results anew and conclude."""
    ledger.do_now(runs.close_open_rows, work.run, state, reason)
    finish_run(work, ledger, store)
    return conclude(work, ledger, as_json=as_json)


def conclude(work: Work, ledger: Ledger, *, as_json: bool) -> int:
    """Print what a run gave, the contact sheet last, and its receipt; return the exit code."""
    if missing := asyncio.run(wait_until_recorded()):
        tell(missing_words(missing))
    return tell_results(work, ledger, as_json=as_json)


def tell_results(work: Work, ledger: Ledger, *, as_json: bool) -> int:
    """The same for a run that no Prefect server knows of."""
    facts = ledger.do_now(read_facts, work.run)
    totals, run = totals_of(facts), ledger.do_now(runs.one, work.run)
    if as_json:
        left = [{"provider": one.provider, "job": one.job} for one in still_running(facts)]
        words = {"run": work.run, "folder": work.folder.path, "still_running": left}
        print_json({**words, **totals.to_json()})
    else:
        print_summary(work.folder.path, totals, summary_table(facts))
    if line := compare_with_invoice(work.options, find_home(), facts, run.created_at):
        tell(line)
    return _code(work, run, facts, totals)


def _code(work: Work, run: runs.Run, facts: Facts, totals: Totals) -> int:
    if run.stop_reason == CANCELLED or CANCELLED in totals.states:
        for line in receipt(work.run, facts):
            tell(line)
        return CANCELLED_CODE
    kept_out = [end for end in facts.ends if end and end.error == BUDGET]
    if kept_out:
        tell(
            f"{len(kept_out):,} rows not admitted: {kept_out[0].reason}. Go on with: "
            f"mediaflows resume {work.run} --max-cost USD"
        )
    if totals.is_success(work.options.min_success):
        return DONE_CODE
    undone = [end for end in facts.ends if end is None or end.state not in ("done", "partial")]
    alone = bool(kept_out) and len(undone) == len(kept_out)
    return BUDGET_CODE if alone else INCOMPLETE_CODE
