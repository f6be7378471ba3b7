"""What answers mean by HTTP alone: how long to stay away, what is wrong, in how many words."""

from __future__ import annotations

import time
from decimal import Decimal
from email.utils import formatdate
from typing import Any

import pytest

from providers.replies import amount_in, message_in, retry_after_seconds, shortened


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"Retry-After": "0.5"}, 0.5),
        ({"Retry-After-Ms": "250"}, 0.25),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after": "86400"}, 120.0),
        ({"retry-after": "1e400"}, None),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": ""}, None),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0),
        ({"retry-after": "Fri, 31 Dec 9999 23:59:59 GMT"}, 120.0),
    ],
)
def test_how_long_to_stay_away(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after_seconds(headers) == seconds


def test_a_date_is_counted_from_now() -> None:
    asked = retry_after_seconds({"Retry-After": formatdate(time.time() + 30, usegmt=True)})
    assert asked is not None
    assert 27 < asked <= 30


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"detail": "no"}, "no"),
        ({"error": {"message": "no", "code": 1}}, "no"),
        ({"error": {"code": 1, "message": {"deep": 1}}}, ""),
        ({"errors": ["a", "b", "c", "d"]}, "a; b; c"),
        ({"title": "Unprocessable", "detail": "bad seed"}, "bad seed"),
        ({"detail": [{"loc": ["body", "seed"], "msg": "too large"}]}, "body.seed: too large"),
        ("<html>502</html>", ""),
        ("plain words", "plain words"),
        (None, ""),
        (7, ""),
        ([], ""),
        ({}, ""),
    ],
)
def test_the_vendors_own_words_are_found(body: Any, words: str) -> None:
    assert message_in(body) == words


def test_words_are_cut_to_one_printable_line() -> None:
    assert shortened("a\n\tb\x00\ud800c") == "a b c"
    assert len(shortened("x" * 10_000)) == 300


@pytest.mark.parametrize(
    ("value", "amount"),
    [
        ("1.50000000", Decimal("1.5")),
        (4.5, Decimal("4.5")),
        (0, Decimal(0)),
        ("-1", None),
        ("NaN", None),
        ("Infinity", None),
        ("1e99999", None),
        (True, None),
        (None, None),
        ([1], None),
        ("", None),
    ],
)
def test_an_amount_is_a_finite_count_or_nothing(value: Any, amount: Decimal | None) -> None:
    assert amount_in(value) == amount
