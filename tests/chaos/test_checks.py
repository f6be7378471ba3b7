"""The checks of a bad day would see it, if a promise were broken."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from providers.media import Media, value_to_json
from tasks.ledger.attempt import Attempt, Place
from tasks.ledger.runs import RowEnd
from tasks.store import Store
from tests.chaos import checks
from tests.chaos.checks import Line

PRICE = Decimal("0.03")
LINE: Line = {
    "provider": "fal", "job": "j1", "body_sha256": "b1", "amount": "0.03", "outcome": "succeeded",
    "accepted_at": 1.5,
}  # fmt: skip
GOOD = Attempt(
    id="a1", key="k1", place=Place("run", "r01", "photo"), take=1, round=0, model="flux-2-pro",
    provider="fal", endpoint="e", realm="r", state="settled", outcome="accepted", owner=None,
    body_digest="b1", job="j1", receipt={}, result={}, low=PRICE, high=PRICE, units=None,
    amount=PRICE, grade="exact", error_class=None, error=None, created_at=1.0, submitted_at=2.0,
    settled_at=3.0,
)  # fmt: skip
OPEN = {"outcome": None, "amount": None, "grade": None, "settled_at": None}
HELD = replace(GOOD, state="uncertain", job=None, **OPEN)
RUNNING = replace(GOOD, state="submitted", **OPEN)
FAILED = replace(GOOD, outcome="failed", amount=Decimal(0), grade="estimate")
NEXT = replace(GOOD, id="a2", job="j2", created_at=4.0, settled_at=6.0)
NEXT_LINE: Line = {**LINE, "job": "j2", "accepted_at": 4.5}


def faults(lines: list[Line], made: list[Attempt]) -> list[str]:
    """What all the checks of invoice and ledger say."""
    return [
        *checks.unmatched(lines, made),
        *checks.misjudged(lines, made),
        *checks.out_of_bounds(lines, made),
        *checks.sent_too_soon(made),
        *checks.accepted_too_soon(lines, made),
    ]


@pytest.mark.parametrize(
    ("lines", "made"),
    [
        ([LINE], [GOOD]),
        ([LINE], [HELD]),
        ([], [HELD]),
        ([{**LINE, "outcome": "failed", "amount": "0"}, NEXT_LINE], [FAILED, NEXT]),
        ([{**LINE, "amount": None}], [replace(GOOD, amount=None, grade=None)]),
    ],
    ids=["accepted", "held and taken", "held and not taken", "failed and sent again", "unpriced"],
)
def test_a_day_as_promised_has_no_fault(lines: list[Line], made: list[Attempt]) -> None:
    assert faults(lines, made) == []


@pytest.mark.parametrize(
    ("lines", "made", "words"),
    [
        ([LINE, NEXT_LINE], [GOOD], "job j2 is nobody's"),
        ([LINE, NEXT_LINE], [HELD], "job j2 is nobody's"),
        ([], [GOOD], "is on no invoice line"),
        ([LINE], [GOOD, NEXT, replace(GOOD, id="a3")], "stands at 2 attempts"),
        ([LINE, LINE], [GOOD], "has 2 lines"),
        ([{**LINE, "body_sha256": "b9"}], [GOOD], "was sent with another body"),
        ([LINE], [FAILED], "failed, the vendor says succeeded"),
        ([{**LINE, "outcome": "running"}], [FAILED], "failed, the vendor says running"),
        ([{**LINE, "outcome": "failed", "amount": "0"}], [GOOD], "the vendor says failed"),
        ([{**LINE, "amount": "0.04"}], [GOOD], "0.03, the vendor says 0.04"),
        ([{**LINE, "amount": "0.04"}], [GOOD], "invoice 0.04 is not in 0.03 to 0.03"),
    ],
)
def test_a_line_and_an_attempt_that_do_not_agree_are_named(
    lines: list[Line], made: list[Attempt], words: str
) -> None:
    assert any(words in fault for fault in faults(lines, made))


@pytest.mark.parametrize("earlier", [HELD, RUNNING, GOOD], ids=["uncertain", "submitted", "done"])
def test_a_second_submit_while_the_first_is_undecided_is_named(earlier: Attempt) -> None:
    later = replace(NEXT, body_digest="b2", provider="fal", key="k2")
    lines = [LINE, {**NEXT_LINE, "body_sha256": "b2"}]
    assert any("a2 after a1 was" in fault for fault in checks.sent_too_soon([earlier, later]))
    assert any(
        "a job of a2" in fault for fault in checks.accepted_too_soon(lines, [earlier, later])
    )


def test_a_submit_that_the_vendor_took_before_the_first_had_ended_is_named() -> None:
    too_soon = {**NEXT_LINE, "accepted_at": 2.5}  # by the vendor's clock: the ledger says 4.0
    assert checks.sent_too_soon([FAILED, NEXT]) == []
    assert checks.accepted_too_soon([LINE, too_soon], [FAILED, NEXT])


def test_more_submits_than_a_budget_has_are_named() -> None:
    made = [
        replace(FAILED, id=f"a{n}", job=f"j{n}", created_at=n, settled_at=n + 0.5) for n in range(4)
    ]
    assert [fault.split(": ")[1] for fault in checks.sent_too_soon(made)] == ["4 submits"]


def test_what_a_person_has_settled_is_equal_or_named() -> None:
    assert checks.unequal([LINE], [GOOD]) == []
    assert checks.unequal([LINE], [HELD]) == ["invoice 0.03, ledger 0 to 0.03"]
    assert checks.unequal([LINE], [RUNNING], {"j1"}) == []
    assert checks.unequal([LINE], [RUNNING], {"j2"}) == ["invoice 0.03, ledger 0 to 0.03"]


def test_a_row_without_an_end_or_without_a_reason_to_wait_is_named() -> None:
    parked = RowEnd("r01", "parked", "waits")
    assert checks.not_final([parked], 1) == []
    assert checks.not_final([None], 1) == ["row 0 has no end"]
    assert checks.not_final([parked], 2) == ["1 rows instead of 2"]
    assert checks.not_final([RowEnd("r01", "failed", "internal error: KeyError")], 1)
    assert checks.parked_for_nothing([parked], [HELD]) == []
    assert checks.parked_for_nothing([parked], [RUNNING], {"j1"}) == []
    assert checks.parked_for_nothing([parked], [RUNNING])
    assert checks.parked_for_nothing([parked], [GOOD])


def test_bytes_that_are_gone_or_damaged_are_named(tmp_path: Path) -> None:
    store = Store(tmp_path)
    sha256 = store.put(b"the picture")
    media = Media("image", sha256, "image/png", 11)
    attempt = replace(GOOD, result={"image": value_to_json(media)})
    assert checks.not_on_disk([attempt], store) == []
    store.path(sha256).chmod(0o600)
    store.path(sha256).write_bytes(b"another")
    assert checks.not_on_disk([attempt], store)
    store.path(sha256).unlink()
    assert checks.not_on_disk([attempt], store)
