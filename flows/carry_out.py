"""Carry a request out through Prefect, until every row of it has ended; Ctrl-C stops it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from prefect.client.schemas.objects import State
from prefect.states import raise_state_exception

from flows.ahead import Ahead
from flows.batch_flow import BAD_REQUEST_STATE, INCOMPLETE_STATE, batch
from flows.frozen import Work, open_work
from flows.interrupt import stop_on_interrupt
from flows.template_flow import template_flow
from providers.errors import RequestError
from tasks.ledger import Ledger, runs


def run_flow(work: Work, pilot: int | None) -> None:
    """Run the batch flow on a run, until every row of it has ended."""
    with stop_on_interrupt():
        state: State[Any] = batch(
            template=work.graph.name,
            table=work.table,
            options=work.options,
            run=work.run,
            pilot=pilot,
            return_state=True,
        )
    _raise_unless_ended(state)


def run_once(ahead: Ahead, ledger: Ledger) -> Work:
    """Run a template's own flow once; return the run that it was."""
    flow = template_flow(ahead.request.template)
    options = ahead.request.options.model_copy(update={"set": {}})
    with stop_on_interrupt():
        state = asyncio.run(_call(flow, {**ahead.prepared.form, "options": options}))
    _raise_unless_ended(state)
    found = ledger.do_now(runs.of_flow_run, str(state.state_details.flow_run_id))
    if found is None:
        raise RuntimeError(f"the flow run ended as {state.name} and left no run")
    return open_work(found, ledger)


async def _call(flow: Callable[..., Any], parameters: dict[str, Any]) -> State[Any]:
    state: State[Any] = await flow(**parameters, return_state=True)
    return state


def _raise_unless_ended(state: State[Any]) -> None:
    """Do nothing for a flow run that came to its end, whatever became of its rows."""
    if state.is_completed() or state.name == INCOMPLETE_STATE:
        return
    if state.name == BAD_REQUEST_STATE:
        raise RequestError(state.message or "")
    raise_state_exception(state)
    raise RuntimeError(f"the flow run ended as {state.name}")
