"""The cap: never passed, used up to the last row that fits, and no row is half made for want of it."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from pathlib import Path

import pytest

from providers.errors import RequestError, SetupError
from tasks.home import Home
from tasks.ledger import budget
from tasks.services import open_services
from tests.core.plain import (
    FLUX,
    RECRAFT,
    Ran,
    opened,
    resume,
    start,
    write_table,
    write_template,
)
from tests.scripted import PRICE, Script

PHOTO = (
    "name: photo-alone\nversion: 1\nabout: A photograph.\n"
    "inputs:\n  prompt: {type: text}\n"
    "steps:\n  photo: {model: flux-2-pro, with: {prompt: $prompt}}\n"
    "outputs: {photo: $photo}\n"
)
TWO = (
    "name: two-photos\nversion: 1\nabout: A photograph, and another after it.\n"
    "inputs:\n  prompt: {type: text}\n"
    "steps:\n"
    "  one: {model: flux-2-pro, with: {prompt: $prompt}}\n"
    "  two: {model: recraft-v4, with: {prompt: $prompt}, when: one.width > 0}\n"
    "outputs: {one: $one, two: $two}\n"
)


@pytest.fixture
def fifty(tmp_path: Path) -> Path:
    rows = {f"r{number:02}": f"product {number}" for number in range(50)}
    return write_table(tmp_path / "fifty.csv", rows)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    return write_template(tmp_path, PHOTO)


def spent(ran: Ran) -> Decimal:
    ledger = opened()
    try:
        return ledger.do_now(budget.spent, ran.run)
    finally:
        ledger.close()


@pytest.mark.parametrize(
    ("submits", "rows"), [(1, 37), (3, 35)], ids=["worst is one price", "worst is three prices"]
)
async def test_as_many_rows_are_made_as_surely_fit(
    script: Script,
    fifty: Path,
    photo: Path,
    monkeypatch: pytest.MonkeyPatch,
    submits: int,
    rows: int,
) -> None:
    monkeypatch.setattr("tasks.invoke.SUBMITS", submits)
    script.seconds = 0.02
    ran = await start(fifty, photo, max_cost=PRICE * Decimal("37.5"), jobs=64)
    assert ran.totals.states == {"done": rows, "not admitted": 50 - rows}
    assert len(script.submits) == rows


async def test_no_row_is_half_made_for_want_of_money(
    script: Script, fifty: Path, tmp_path: Path
) -> None:
    template = write_template(tmp_path, TWO)
    ran = await start(fifty, template, max_cost=Decimal("0.75"), jobs=20)
    assert set(ran.totals.states) == {"done", "not admitted"}
    assert spent(ran) <= Decimal("0.75")
    kept_out = [line for line in ran.results.values() if line["state"] == "not admitted"]
    assert {line["attempts"] for line in kept_out} == {"0"}
    assert "the cap of $0.75 has no room" in kept_out[0]["reason"]


async def test_a_higher_cap_and_running_again_goes_on(
    script: Script, fifty: Path, photo: Path
) -> None:
    first = await start(fifty, photo, max_cost=Decimal("0.30"))
    assert first.totals.states["done"] < 10
    again = await resume(first.run, max_cost=Decimal(100))
    assert again.totals.states == {"done": 50}
    assert len(script.submits) == 50


async def test_a_parked_attempt_holds_its_price_and_blocks_nobody(
    script: Script, fifty: Path, photo: Path
) -> None:
    script.turns = {FLUX: ["lost"]}
    ran = await start(fifty, photo, max_cost=PRICE * 10, jobs=8)
    assert ran.totals.states == {"done": 7, "parked": 1, "not admitted": 42}
    assert spent(ran) == PRICE * 8


async def test_what_a_dead_process_had_reserved_is_given_back(
    script: Script, fifty: Path, photo: Path
) -> None:
    first = await start(fifty, photo, max_cost=PRICE * 3)
    assert first.totals.states["done"] == 1
    ledger = opened()
    try:
        worst = {"": PRICE * 60}
        ledger.do_now(budget.set_caps, first.run, {"": PRICE * 100})
        assert ledger.do_now(budget.admit, first.run, "r40", "nobody", worst).admitted
        ledger.do_now(budget.set_caps, first.run, {"": PRICE * 53})
    finally:
        ledger.close()
    again = await resume(first.run)
    assert again.totals.states == {"done": 50}


async def test_a_row_costs_no_more_than_a_row_may(script: Script, fifty: Path, photo: Path) -> None:
    ran = await start(fifty, photo, max_cost_per_row=Decimal("0.02"), jobs=1)
    assert ran.totals.states == {"not admitted": 50}
    assert script.submits == []
    ran = await start(fifty, photo, max_cost_per_row=PRICE, jobs=1)
    assert ran.totals.states["done"] == 50


async def test_a_retry_that_a_row_cannot_afford_is_not_sent(
    script: Script, tmp_path: Path, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = write_table(tmp_path / "one.csv", {"mug": "a red mug"})
    monkeypatch.setattr("tasks.settling.failed", _billed(monkeypatch))
    script.turns = {FLUX: ["fail"] * 3}
    ran = await start(table, photo, max_cost_per_row=PRICE)
    assert ran.states == {"mug": "failed"}
    assert "--max-cost-per-row is $0.03" in ran.results["mug"]["reason"]
    assert len(script.submits) == 1


def _billed(monkeypatch: pytest.MonkeyPatch) -> object:
    from tasks import harvest, settling
    from tasks.ledger.attempt import Settlement

    def failed(error: Exception, candidate: object) -> Settlement:
        return Settlement("failed", amount=PRICE, grade="exact", error=str(error))

    monkeypatch.setattr(harvest, "failed", failed)
    return settling.failed


async def test_a_vendor_that_bills_more_than_was_thought_stops_the_admission(
    script: Script, fifty: Path, photo: Path
) -> None:
    script.amounts = [PRICE, PRICE * 2]
    first = await start(fifty, photo, max_cost=Decimal(50), jobs=1)
    assert first.totals.states == {"done": 2, "not admitted": 48}
    assert "billed $0.06 for a call of at most $0.03" in first.results["r49"]["reason"]
    again = await resume(first.run)
    assert again.totals.states == {"done": 50}


async def test_without_a_cap_an_overrun_stops_nothing(
    script: Script, fifty: Path, photo: Path
) -> None:
    script.amounts = [PRICE * 2]
    assert (await start(fifty, photo)).totals.states == {"done": 50}


async def test_a_cap_of_one_provider_holds_for_it_alone(
    script: Script, fifty: Path, tmp_path: Path, home: Home
) -> None:
    home.folder.mkdir(parents=True, exist_ok=True)
    (home.folder / "settings.yaml").write_text('caps: {fal: "0.30"}\n', encoding="utf-8")
    ran = await start(fifty, write_template(tmp_path, PHOTO))
    assert ran.totals.states == {"done": 8, "not admitted": 42}
    assert "the cap for fal of $0.30 has no room" in ran.results["r49"]["reason"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            'caps: {fall: "1.00"}',
            r"settings.yaml:1: there is no provider 'fall'. Did you mean 'fal'",
        ),
        ("caps: {fal: 1.5}", r"settings.yaml:1: caps.fal: write the amount as quoted text"),
        ('cap: {fal: "1"}', r"settings.yaml:1: cap: Extra inputs are not permitted"),
        ('caps: {fal: "-1"}', r"settings.yaml:1: a cap is an amount from 0 upwards"),
    ],
)
async def test_wrong_settings_are_one_line(
    script: Script, fifty: Path, photo: Path, home: Home, text: str, problem: str
) -> None:
    home.folder.mkdir(parents=True, exist_ok=True)
    (home.folder / "settings.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(SetupError, match=problem):
        await start(fifty, photo)


async def test_under_a_cap_a_model_needs_a_price_or_leave_to_have_none(
    script: Script, products: Path
) -> None:
    with pytest.raises(
        RequestError, match="no price is known of birefnet@fal, birefnet@replicate, and"
    ):
        await start(products, max_cost=Decimal(5))
    ran = await start(products, max_cost=Decimal(5), allow_unpriced=True)
    assert ran.totals.states == {"done": 3}


async def test_a_free_row_is_admitted_under_any_cap(
    script: Script, fifty: Path, photo: Path
) -> None:
    await start(fifty, photo)
    again = await start(fifty, photo, max_cost=Decimal(0))
    assert again.totals.states == {"done": 50}
    assert len(script.submits) == 50


async def test_two_processes_share_one_cap(
    script: Script, fifty: Path, photo: Path, home: Home
) -> None:
    """Two shards of one run, each with its own services, as two workers have."""
    from flows.frozen import open_work, start_run
    from flows.options import RunOptions
    from flows.prepare import Request
    from flows.shard import Shard
    from providers import registry

    script.seconds = 0.02
    options = RunOptions(max_cost=PRICE * 20, jobs=16)
    async with (
        open_services(home, registry.PROVIDERS) as one,
        open_services(home, registry.PROVIDERS) as two,
    ):
        work = await start_run(Request(str(photo), fifty, options), one.ledger, one.store)
        from tasks.ledger import runs

        found = await one.ledger.do(runs.one, work.run)
        halves = [
            open_work(found, one.ledger, range(25)),
            open_work(found, one.ledger, range(25, 50)),
        ]
        await asyncio.gather(
            Shard(one, halves[0]).run(halves[0].rows), Shard(two, halves[1]).run(halves[1].rows)
        )
    assert len(script.submits) == 18
    assert RECRAFT not in script.endpoints()


async def test_terms_that_cannot_hold_leave_a_run_as_it_was(script: Script, products: Path) -> None:
    first = await start(products)
    with pytest.raises(RequestError, match="no price is known of birefnet@fal"):
        await resume(first.run, max_cost=Decimal(5))
    assert (await resume(first.run)).totals.states == {"done": 3}
