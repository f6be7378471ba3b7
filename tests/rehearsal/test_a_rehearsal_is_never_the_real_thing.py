"""What was made on this machine or by a sandbox is never taken for what a vendor made."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from flows.options import RunOptions
from flows.sandboxed import sandboxed
from providers import registry
from providers.registry import SANDBOX_VARIABLE
from tasks.home import Home
from tasks.ledger.lookup import fields_of
from tests.core.plain import BIREFNET, FLUX, Ran, opened, start
from tests.rehearsal.conftest import MakeRows
from tests.scripted import Script, scripted_providers

pytestmark = pytest.mark.system  # the sandbox is a server

FAST = RunOptions(sandbox="fast")


def realms(ran: Ran) -> set[str]:
    """Where the results of a run's attempts come from."""
    ledger = opened()
    try:
        return {ledger.do_now(fields_of, attempt.key)["realm"] for attempt in ran.attempts}
    finally:
        ledger.close()


async def test_a_live_run_reuses_nothing_of_a_rehearsal_and_a_rehearsal_nothing_of_it(
    home: Home, make_rows: MakeRows, monkeypatch: pytest.MonkeyPatch
) -> None:
    table, script = make_rows(1), Script()
    local = await start(table, local=True)
    with sandboxed(FAST, home):
        rehearsed = await start(table, sandbox="fast")
        sandbox = f"sandbox-{os.environ[SANDBOX_VARIABLE]}"
    assert not [name for name in os.environ if name.endswith("_BASE_URL") or "FAL_KEY" in name]
    assert SANDBOX_VARIABLE not in os.environ

    with monkeypatch.context() as vendor:
        for name, provider in scripted_providers(script).items():
            vendor.setitem(registry.PROVIDERS, name, provider)
        live = await start(table)
        assert (live.totals.calls, live.totals.reused) == (2, 0)
        assert script.endpoints() == {FLUX: 1, BIREFNET: 1}
        again = await start(table)
        assert (again.totals.calls, again.totals.reused, len(script.submits)) == (0, 2, 2)

    assert (local.totals.calls, rehearsed.totals.calls) == (2, 2)
    assert (rehearsed.totals.reused, local.totals.reused) == (0, 0)
    assert [realms(ran) for ran in (local, rehearsed, live)] == [{"local"}, {sandbox}, {"live"}]
    keys = [{attempt.key for attempt in ran.attempts} for ran in (local, rehearsed, live)]
    assert len(set.union(*keys)) == 6

    with sandboxed(FAST, home):  # the live run has made the first of these rows, too
        rehearsed_more = await start(make_rows(2), sandbox="fast")
    assert (rehearsed_more.totals.calls, rehearsed_more.totals.reused) == (2, 2)
    assert realms(rehearsed_more) == {sandbox}
    local_again = await start(table, local=True)
    assert (local_again.totals.calls, local_again.totals.reused) == (0, 2)
    assert local_again.results["p00"]["models"].count("@local") == 2
    assert len(script.submits) == 2


async def test_another_sandbox_is_another_realm(
    home: Home, make_rows: MakeRows, write_profile: Callable[..., str]
) -> None:
    table = make_rows(1)
    for profile in ("fast", write_profile("as-fast", time_scale=0, pictures="plain")):
        with sandboxed(RunOptions(sandbox=profile), home):
            ran = await start(table, sandbox=profile)
        assert (ran.totals.calls, ran.totals.reused) == (2, 0)
