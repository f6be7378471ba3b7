"""The budget: what is settled, held and reserved, and whether one more row fits under the cap."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.key import RequestFields
from tasks.ledger import Ledger, attempts, budget, open_ledger
from tasks.ledger.attempt import Opening, Place, Settlement
from tasks.ledger.schema import ALL

FIELDS = RequestFields("flux-2-pro", 1, "fal", "fal-ai/flux-2-pro", "live", {}, {"prompt": "a"})


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    opened = open_ledger(f"sqlite:///{tmp_path_factory.mktemp('budget') / 'ledger.db'}")
    yield opened
    opened.close()


def new_run(ledger: Ledger, cap_usd: str | None = None) -> str:
    run = uuid4().hex[:10]
    if cap_usd:
        ledger.do_now(budget.set_caps, run, {ALL: Decimal(cap_usd)})
    return run


def admit(ledger: Ledger, run: str, row: str, usd: str) -> bool:
    worst = {ALL: Decimal(usd)}
    return ledger.do_now(budget.admit, run, row, "owner", worst).admitted


def spend(
    ledger: Ledger, run: str, row: str, *, high: str, settled: Settlement | None, state: str = ""
) -> None:
    fields = replace(FIELDS, inputs={"prompt": uuid4().hex})
    opening = Opening(
        id=uuid4().hex,
        key=fields.key(),
        fields={name: getattr(fields, name) for name in fields.__slots__},
        place=Place(run, row, "photo"),
        owner="owner",
        high=Decimal(high),
    )
    assert ledger.do_now(attempts.open_attempt, opening)
    if settled:
        ledger.do_now(attempts.settle, opening.id, settled)
    elif state == "submitted":
        ledger.do_now(attempts.submitted, opening.id, uuid4().hex, {})
    elif state == "uncertain":
        ledger.do_now(attempts.abandon, opening.id, "reset")


def test_rows_are_admitted_up_to_the_cap_and_not_a_cent_above(ledger: Ledger) -> None:
    run = new_run(ledger, "0.10")
    assert [admit(ledger, run, f"r{number}", "0.03") for number in range(4)] == [
        True,
        True,
        True,
        False,
    ]
    assert admit(ledger, run, "r3", "0.01")


def test_what_a_row_did_not_use_is_given_back(ledger: Ledger) -> None:
    run = new_run(ledger, "0.10")
    assert admit(ledger, run, "r0", "0.09")
    assert not admit(ledger, run, "r1", "0.09")
    spend(ledger, run, "r0", high="0.03", settled=Settlement("accepted", amount=Decimal("0.01")))
    ledger.do_now(budget.release, run, "r0")
    assert admit(ledger, run, "r1", "0.09")
    assert not admit(ledger, run, "r2", "0.01")


@pytest.mark.parametrize("state", ["submitted", "uncertain"])
def test_what_is_held_counts_at_its_high_price(ledger: Ledger, state: str) -> None:
    run = new_run(ledger, "0.10")
    spend(ledger, run, "r0", high="0.06", settled=None, state=state)
    assert not admit(ledger, run, "r1", "0.05")
    assert admit(ledger, run, "r1", "0.04")


def test_given_up_counts_at_its_high_price_and_a_refusal_at_nothing(ledger: Ledger) -> None:
    run = new_run(ledger, "0.10")
    spend(ledger, run, "r0", high="0.06", settled=Settlement("given_up"))
    spend(ledger, run, "r1", high="0.06", settled=Settlement("refused", amount=Decimal(0)))
    assert not admit(ledger, run, "r2", "0.05")
    assert admit(ledger, run, "r2", "0.04")


def test_another_run_does_not_count(ledger: Ledger) -> None:
    other = new_run(ledger, "0.10")
    assert admit(ledger, other, "r0", "0.10")
    assert admit(ledger, new_run(ledger, "0.10"), "r0", "0.10")


def test_without_a_cap_and_at_no_cost_every_row_is_admitted(ledger: Ledger) -> None:
    assert admit(ledger, new_run(ledger), "r0", "1000000")
    run = new_run(ledger, "0.01")
    assert admit(ledger, run, "r0", "0.01")
    assert admit(ledger, run, "r1", "0")


def test_what_a_dead_process_had_reserved_for_a_row_does_not_keep_it_out(ledger: Ledger) -> None:
    run = new_run(ledger, "0.10")
    assert admit(ledger, run, "r0", "0.06")
    assert admit(ledger, run, "r0", "0.06")
    assert not admit(ledger, run, "r1", "0.06")
    free = new_run(ledger)
    assert admit(ledger, free, "r0", "0.06")
    assert admit(ledger, free, "r0", "0.06")


prices = st.integers(1, 40).map(lambda cents: Decimal(cents) / 100)


@settings(max_examples=15, deadline=None)
@given(cap=prices, wishes=st.lists(prices, min_size=1, max_size=8))
def test_reservations_never_pass_the_cap(
    ledger: Ledger, cap: Decimal, wishes: list[Decimal]
) -> None:
    run = new_run(ledger, str(cap))
    left = cap
    for number, wish in enumerate(wishes):
        assert admit(ledger, run, f"r{number}", str(wish)) == (wish <= left)
        left -= wish if wish <= left else 0
