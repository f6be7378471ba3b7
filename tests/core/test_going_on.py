"""Resume, retry, fresh takes and --from: what is paid for again is what a person asked for."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from flows.fresh import fix_takes
from flows.options import RunOptions
from flows.outlook import look_ahead
from flows.prepare import Request, prepare
from providers.errors import RequestError
from tasks.home import find_home
from tasks.ledger import attempts, runs
from tasks.store import Store
from tests.core.plain import BIREFNET, FLUX, RECRAFT, opened, resume, start
from tests.scripted import Script


async def fixed(table: Path, *fresh: str, **options: object) -> dict[str, int]:
    """The takes that `--fresh` fixes for a table."""
    request = Request("product-photo", table, RunOptions(fresh=fresh, **options))  # type: ignore[arg-type]
    ledger = opened()
    try:
        home = find_home()
        return (await fix_takes(prepare(request), ledger, Store(home.store))).options.takes
    finally:
        ledger.close()


async def test_a_retry_has_a_new_budget_and_a_resume_has_not(script: Script, one: Path) -> None:
    script.turns = {FLUX: ["fail"] * 20, RECRAFT: ["fail"] * 20}
    first = await start(one)
    assert first.states == {"mug": "failed"}
    assert len(script.submits) == 3
    assert (await resume(first.run)).states == {"mug": "failed"}
    assert len(script.submits) == 3
    again = await resume(first.run, only=("failed",))
    assert again.states == {"mug": "failed"}
    assert len(script.submits) == 6


async def test_a_retry_asks_anew_what_was_refused(script: Script, two: Path) -> None:
    script.turns = {FLUX: ["refuse"], RECRAFT: ["refuse"]}
    first = await start(two, jobs=1)
    assert first.states == {"mug": "refused", "vase": "done"}
    again = await resume(first.run, only=("refused",))
    assert again.states == {"mug": "done", "vase": "done"}
    assert script.endpoints() == {FLUX: 2, BIREFNET: 2}


async def test_a_retry_leaves_the_rows_of_other_states_alone(script: Script, two: Path) -> None:
    script.turns = {FLUX: ["refuse", "lost"], RECRAFT: ["refuse"]}
    first = await start(two, jobs=1)
    assert first.states == {"mug": "refused", "vase": "parked"}
    again = await resume(first.run, only=("refused",))
    assert again.states == {"mug": "done", "vase": "parked"}


async def test_an_uncertain_submit_is_paid_anew_only_where_that_is_asked_for(
    script: Script, one: Path
) -> None:
    script.turns = {FLUX: ["lost"]}
    first = await start(one)
    assert first.states == {"mug": "parked"}
    again = await resume(first.run, on_uncertain="resubmit")
    assert again.states == {"mug": "done"}
    assert again.outcomes(model="flux-2-pro") == {"given_up": 1, "accepted": 1}
    assert script.endpoints() == {FLUX: 2, BIREFNET: 1}


@pytest.mark.parametrize(("billed", "cost"), [(True, "0.03"), (False, "0")])
async def test_a_person_settles_an_uncertain_submit_and_the_row_goes_on(
    script: Script, one: Path, billed: bool, cost: str
) -> None:
    script.turns = {FLUX: ["lost"]}
    first = await start(one)
    (held,) = [attempt for attempt in first.attempts if attempt.state == "uncertain"]
    ledger = opened()
    try:
        assert ledger.do_now(attempts.assume, held.id, billed=billed)
        assert not ledger.do_now(attempts.assume, held.id, billed=not billed)
    finally:
        ledger.close()
    again = await resume(first.run)
    assert again.states == {"mug": "done"}
    (settled,) = [attempt for attempt in again.attempts if attempt.id == held.id]
    assert settled.amount == Decimal(cost)


async def test_a_fresh_step_is_paid_anew_once_and_a_resume_does_not_climb(
    script: Script, one: Path
) -> None:
    await start(one)
    assert await fixed(one, "photo") == {"photo": 2}
    ran = await start(one, takes={"photo": 2})
    assert script.endpoints() == {FLUX: 2, BIREFNET: 1}  # the vendor draws the same picture again
    assert (await resume(ran.run)).totals.calls == 1
    assert await fixed(one, "photo") == {"photo": 3}
    assert await fixed(one, "cutout") == {"cutout": 2}
    assert await fixed(one, "cutout", takes={"photo": 2}) == {"photo": 2, "cutout": 2}


async def test_a_fresh_start_fixes_its_take_by_itself(script: Script, one: Path) -> None:
    await start(one)
    await start(one, fresh=("cutout",))
    assert script.endpoints() == {FLUX: 1, BIREFNET: 2}
    with pytest.raises(RequestError, match=r"--fresh photos: .* Did you mean 'photo'"):
        await start(one, fresh=("photos",))


async def test_from_a_step_nothing_before_it_is_made(script: Script, one: Path, two: Path) -> None:
    await start(one)
    script.submits.clear()
    ran = await start(two, from_step="cutout", use={"cutout": "bria-rmbg-2"})
    assert ran.states == {"mug": "done", "vase": "not admitted"}
    assert ran.results["vase"]["reason"] == "--from: there is no result yet of photo"
    assert script.endpoints().total() == 1
    with pytest.raises(RequestError, match=r"has no step 'cutouts'\. Did you mean 'cutout'"):
        await start(two, from_step="cutouts")


async def test_an_outlook_says_what_will_be_reused_joined_held_and_paid(
    script: Script, products: Path, short_deadlines: None
) -> None:
    from flows.frozen import open_work

    script.turns = {FLUX: ["stuck", "lost"], BIREFNET: ["refuse"]}
    first = await start(products, jobs=1)
    assert first.states == {"mug": "parked", "vase": "parked", "lamp": "done"}
    ledger = opened()
    try:
        work = open_work(ledger.do_now(runs.one, first.run), ledger)
        outlook = await look_ahead(work, ledger, Store(find_home().store), ("parked",))
    finally:
        ledger.close()
    assert outlook.line() == (
        "2 rows to go · 1 jobs to re-attach to · 1 held, their answers were lost · "
        "2 calls to make, 2 unpriced"
    )
