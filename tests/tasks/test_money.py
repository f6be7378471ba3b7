"""Money: exact inside, short outside, and an unknown amount is never shown as 0."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.money import dollars, exact_dollars, from_nanos, to_nanos, total, with_unpriced

amounts = st.decimals(0, 1_000_000, places=9, allow_nan=False, allow_infinity=False)


@settings(max_examples=80, deadline=None)
@given(amounts)
def test_an_amount_is_equal_after_a_round_trip_through_nanos(amount: Decimal) -> None:
    assert from_nanos(to_nanos(amount)) == amount


@settings(max_examples=60, deadline=None)
@given(st.lists(amounts, max_size=8))
def test_nanos_add_up_exactly(given_amounts: list[Decimal]) -> None:
    nanos = sum(to_nanos(amount) or 0 for amount in given_amounts)
    assert from_nanos(nanos) == sum(given_amounts, Decimal(0))


def test_an_unknown_amount_stays_unknown() -> None:
    assert to_nanos(None) is None
    assert from_nanos(None) is None
    assert from_nanos(0) == 0


@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        ("0", "$0.00"),
        ("0.03", "$0.03"),
        ("0.045", "$0.045"),
        ("0.0001", "$0.0001"),
        ("0.00004", "<$0.0001"),
        ("0.00005", "<$0.0001"),
        ("1234.5", "$1,234.50"),
        ("1E+2", "$100.00"),
        ("0.99996", "$1.00"),
    ],
)
def test_dollars_have_two_decimals_and_more_only_where_they_say_something(
    amount: str, shown: str
) -> None:
    assert dollars(Decimal(amount)) == shown


@pytest.mark.parametrize(
    ("amount", "shown"),
    [("0.03", "$0.03"), ("0.000975", "$0.000975"), ("2.5", "$2.50"), ("1E+3", "$1,000.00")],
)
def test_a_unit_price_keeps_every_decimal(amount: str, shown: str) -> None:
    assert exact_dollars(Decimal(amount)) == shown


def test_a_total_with_unknown_amounts_is_a_lower_bound() -> None:
    assert total([Decimal("1"), None, Decimal("0.20"), None]) == ">= $1.20, 2 unpriced"
    assert total([Decimal("1")]) == "$1.00"
    assert total([]) == "$0.00"
    assert total([None]) == "1 unpriced"
    assert with_unpriced(Decimal("0.5"), 0) == "$0.50"
