"""mediaflows in a script or a notebook: the command line's code, with values instead of texts.

from flows import batch, plan, run
print(plan("product-photo", frame, local=True).line())
made = batch("product-photo", frame, local=True)
made.results[["row_id", "state", "cutout"]]
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from flows.ahead import Ahead, announce, look_ahead
from flows.frames import as_table
from flows.graph import Graph
from flows.keywords import options_of, split, words_of_python
from flows.load import load_template
from flows.own_thread import in_own_thread
from flows.prepare import Request, realms_of, refuse_faults
from flows.run_plan import Plan
from flows.sandboxed import sandboxed
from flows.template import Template
from providers.errors import RequestError
from tasks.home import find_home
from tasks.ledger import Ledger, open_ledger

if TYPE_CHECKING:  # a plan needs neither Prefect nor pandas
    import pandas as pd

    from flows.frozen import Work
    from flows.made import Made, MadeBatch

T = TypeVar("T")
AnyTemplate: TypeAlias = str | Path | Template | Graph
AnyTable: TypeAlias = "str | Path | pd.DataFrame"


def plan(template: AnyTemplate, table: AnyTable, /, **options: Any) -> Plan:
    """Return what a run over a table would do and cost; nothing is sent, nothing is written.

    `plan.faults` are the rows that would not run, `plan.missing_keys` what is not set yet.

    Args:
        template: Its name, the path of its YAML file, or the object.
        table: The path of a CSV file, or a DataFrame.
        options: Those of the command line: local=True, provider="fal", set={"aspect": "16:9"}.

    Raises:
        UserError: the template, the table or an option is wrong; one line.
    """

    def work() -> Plan:
        from flows.keys import missing_keys, routes_without_keys

        request = _request(template, table, options)
        with sandboxed(request.options, find_home()):
            ahead = look_ahead(request, routes_without_keys)
            missing = missing_keys(ahead.prepared.routes)  # a sandbox's keys are set here alone
        return replace(ahead.plan, missing_keys=tuple(missing))

    with words_of_python():
        return in_own_thread(work)


def run(
    template: AnyTemplate,
    values: Mapping[str, Any] | None = None,
    /,
    *,
    yes: bool = False,
    **named: Any,
) -> Made:
    """Run a template over one input and return its outputs: `run(...)["cutout"].path`.

    Args:
        template: Its name, the path of its YAML file, or the object.
        values: Inputs by name, for names that keywords cannot have.
        yes: Agree to what it costs; without, only what is free or rehearsed is run.
        named: Inputs of the template (prompt="a red mug") and options (local=True).

    Raises:
        UserError: the request is wrong; one line, and nothing was sent.
        StepError: nothing came of it; its class says how it ended.
    """

    def work() -> Made:
        given, options = split(load_template(_plain(template)), values, named)
        chosen = options_of(options)
        chosen = chosen.model_copy(update={"set": {**chosen.set, **given}})
        request = Request(_plain(template), None, chosen)

        def carry(ahead: Ahead, ledger: Ledger) -> Made:
            from flows.carry_out import run_once
            from flows.made import made_once

            work = run_once(ahead, ledger)
            _say_the_rest(work, ledger)
            return made_once(work, ledger)

        return _carried(request, yes, carry)

    return _stoppable(work, one=True)


def batch(
    template: AnyTemplate,
    table: AnyTable,
    /,
    *,
    yes: bool = False,
    out: str | Path | None = None,
    **options: Any,
) -> MadeBatch:
    """Run a template over every row of a table and return what came of it.

    Args:
        template: Its name, the path of its YAML file, or the object.
        table: The path of a CSV file, or a DataFrame; its paths start in the working folder.
        yes: Agree to what it costs; without, only what is free or rehearsed is run.
        out: Where run folders go instead of ./runs.
        options: Those of the command line: local=True, max_cost=20, use={"photo": "recraft-v4"}.

    Raises:
        UserError: the request is wrong; one line, and nothing was sent.
    """

    def work() -> MadeBatch:
        request = _request(template, table, options)

        def carry(ahead: Ahead, ledger: Ledger) -> MadeBatch:
            from flows.carry_out import run_flow
            from flows.frozen import freeze, runs_folder
            from flows.made import made_by_batch

            work = freeze(ahead.prepared, ahead.plan, ledger, Path(out) if out else runs_folder())
            run_flow(work, None)
            _say_the_rest(work, ledger)
            frame = None if isinstance(table, str | Path) else table
            return made_by_batch(work, ledger, frame)

        return _carried(request, yes, carry)

    return _stoppable(work)


def _plain(template: AnyTemplate) -> str | Template:
    if isinstance(template, Graph):
        return template.template
    return template if isinstance(template, Template) else str(template)


def _request(template: AnyTemplate, table: AnyTable, options: Mapping[str, Any]) -> Request:
    path, data = as_table(table)
    return Request(_plain(template), path, options_of(options), data)


def _stoppable(work: Callable[[], T], *, one: bool = False) -> T:
    from flows.interrupt import stop_on_interrupt
    from flows.shard import stop_asked

    def at_once() -> None:
        raise KeyboardInterrupt

    stop_asked.clear()  # by an earlier run of this process
    with words_of_python(one=one), stop_on_interrupt(at_once):
        return in_own_thread(work)


def _carried(request: Request, yes: bool, carry: Callable[[Ahead, Ledger], T]) -> T:
    """Look ahead, say what will happen, require that it was agreed to, and carry it out."""
    with sandboxed(request.options, find_home()):
        ahead = look_ahead(request)
        announce(ahead)
        refuse_faults(ahead.plan, ahead.prepared)
        _require_yes(ahead, yes)
        from flows.prefect_ready import keep_prefect_ready

        keep_prefect_ready()
        ledger = open_ledger(ahead.home.ledger_url)
        try:
            return carry(ahead, ledger)
        finally:
            ledger.close()


def _require_yes(ahead: Ahead, yes: bool) -> None:
    rehearsed = all(
        realm.startswith(("local", "sandbox-")) for realm in realms_of(ahead.prepared.routes)
    )
    if ahead.plan.may_cost and not yes and not rehearsed:
        raise RequestError(f"This would pay {ahead.plan.expected}: add yes=True to agree.")


def _say_the_rest(work: Work, ledger: Ledger) -> None:
    """Say what the command line says last: what still runs after a stop, and the invoice."""
    import asyncio

    from flows.invoice import compare_with_invoice
    from flows.receipt import receipt
    from flows.recorded import missing_words, wait_until_recorded
    from flows.say import say
    from tasks.ledger.runs import CANCELLED, one
    from tasks.report import read_facts

    if missing := asyncio.run(wait_until_recorded()):
        say(missing_words(missing))
    facts, found = ledger.do_now(read_facts, work.run), ledger.do_now(one, work.run)
    if line := compare_with_invoice(work.options, find_home(), facts, found.created_at):
        say(line)
    if found.stop_reason == CANCELLED:
        for line in receipt(work.run, facts):
            say(line)
