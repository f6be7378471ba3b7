"""Reading the ledger: what attempts have cost from low to high, and what of it was for nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.ledger_report import LedgerReport, overview, report_of
from flows.prices import read_prices, with_prices
from flows.repricing import reprice_all
from providers.catalog import load_model
from providers.errors import SetupError
from tasks.accounts import low_high, span_of, waste
from tasks.home import Home, find_home
from tasks.ledger import Ledger, runs
from tasks.ledger.attempt import Attempt, Place
from tests.core.plain import FLUX, RECRAFT, opened, resume, start
from tests.scripted import PRICE, Script

MADE = Attempt(
    id="a1", key="k1", place=Place("run", "mug", "photo"), take=1, round=0, model="flux-2-pro",
    provider="fal", endpoint="e", realm="r", state="settled", outcome="accepted", owner=None,
    body_digest="b1", job="j1", receipt={}, result={}, low=PRICE, high=PRICE, units=None,
    amount=PRICE, grade="exact", error_class=None, error=None, created_at=1.0, submitted_at=2.0,
    settled_at=3.0,
)  # fmt: skip
OPEN = replace(MADE, state="submitted", outcome=None, amount=None, grade=None)
FAILED = replace(MADE, outcome="failed", amount=Decimal(0), grade="estimate")
ZERO = Decimal(0)


def reading(work: Callable[[Ledger], object]) -> object:
    ledger = opened()
    try:
        return work(ledger)
    finally:
        ledger.close()


def reported(run: str) -> LedgerReport:
    found = reading(lambda ledger: report_of(ledger, ledger.do_now(runs.one, run)))
    assert isinstance(found, LedgerReport)
    return found


@pytest.mark.parametrize(
    ("attempt", "expected"),
    [
        (MADE, (PRICE, PRICE)),
        (OPEN, (ZERO, PRICE)),
        (replace(OPEN, state="uncertain"), (ZERO, PRICE)),
        (replace(OPEN, state="waiting"), (ZERO, ZERO)),
        (replace(OPEN, high=None), None),
        (FAILED, (ZERO, PRICE)),
        (replace(FAILED, grade="exact"), (ZERO, ZERO)),
        (replace(MADE, amount=None), None),
        (replace(MADE, outcome="unsent", amount=None), (ZERO, ZERO)),
        (replace(MADE, outcome="given_up", amount=None), (ZERO, PRICE)),
        (replace(MADE, grade="estimate", low=PRICE / 2, high=PRICE * 2), (PRICE / 2, PRICE * 2)),
    ],
)
def test_what_an_attempt_has_cost_from_low_to_high(
    attempt: Attempt, expected: tuple[Decimal, Decimal] | None
) -> None:
    assert low_high(attempt) == expected


amounts = st.one_of(st.none(), st.integers(0, 500).map(lambda cents: Decimal(cents) / 100))


@given(
    amount=amounts,
    bounds=st.tuples(amounts, amounts),
    grade=st.sampled_from(["exact", "units", "estimate", None]),
    end=st.sampled_from(
        [("submitted", None), ("uncertain", None), ("waiting", None), ("intent", None)]
        + [
            ("settled", o)
            for o in ("accepted", "failed", "lost", "cancelled", "given_up", "unsent")
        ]
    ),
)
def test_low_is_never_above_high(
    amount: Decimal | None,
    bounds: tuple[Decimal | None, Decimal | None],
    grade: str | None,
    end: tuple[str, str | None],
) -> None:
    low, high = bounds
    if low is not None and high is not None:
        low, high = min(low, high), max(low, high)
    attempt = replace(
        MADE, amount=amount, low=low, high=high, grade=grade, state=end[0], outcome=end[1]
    )
    found = low_high(attempt)
    assert found is None or ZERO <= found[0] <= found[1]
    span = span_of([attempt, MADE])
    assert span.low <= span.high
    assert (span.attempts, span.unpriced) == (2, int(found is None))


def test_waste_is_split_by_class_and_each_attempt_is_in_one_at_most() -> None:
    other = Place("run", "vase", "photo")
    made = [
        FAILED,
        MADE,
        replace(FAILED, place=other),
        replace(MADE, place=other, model="recraft-v4"),
        replace(MADE, outcome="rejected"),
        replace(MADE, outcome="lost"),
        replace(OPEN, state="uncertain"),
        replace(FAILED, outcome="cancelled"),
        replace(FAILED, outcome="refused", grade="exact"),
        OPEN,
    ]
    found = {name: span.attempts for name, span in waste(made).items()}
    assert found == {
        "retry": 1, "fallback": 1, "rejected": 1, "cancelled": 1, "lost": 1, "uncertain": 1
    }  # fmt: skip


async def test_a_run_is_read_by_step_model_and_outcome(script: Script, one: Path) -> None:
    script.turns = {FLUX: ["fail", "fail"]}
    ran = await start(one)
    report = reported(ran.run)
    assert [line[:4] for line in report.lines] == [
        ("photo", "flux-2-pro@fal", "failed", 2),
        ("photo", "recraft-v4@fal", "accepted", 1),
        ("cutout", "birefnet@fal", "accepted", 1),
    ]
    assert report.waste == (("fallback", 2, "$0.00", "$0.06", 0),)
    assert report.total == "4 attempts, $0.06 to $0.12"
    assert report.to_json()["attempts"][0]["high_usd"] == "$0.06"


async def test_the_overview_says_what_waits_and_what_is_held(
    script: Script, two: Path, short_deadlines: None
) -> None:
    script.turns = {FLUX: ["stuck", "lost"]}
    await start(two, jobs=1)
    lines = reading(overview)
    assert isinstance(lines, list)
    assert lines[1].startswith("1 jobs wait at vendors, $0.00 to $0.03: the next run")
    assert lines[2].startswith("1 submits whose answer was lost are held, $0.00 to $0.03")


async def test_after_a_price_fix_amounts_are_worked_out_anew_but_not_the_vendors_own_word(
    script: Script, one: Path, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = await start(one)
    assert reading(lambda ledger: reprice_all(ledger, find_home(), None)) == []
    (home.folder / "prices.yaml").write_text(
        'birefnet@fal: {usd: "0.05", unit: image, source: my contract, as_of: "2026-11-21"}\n',
        encoding="utf-8",
    )
    found = reading(lambda ledger: reprice_all(ledger, find_home(), ran.run))
    assert found == [("birefnet@fal", 1, "$0.03", "$0.03")]  # the vendor said what it billed
    assert (await resume(ran.run)).totals.cost_usd == PRICE * 2
    assert RECRAFT not in script.endpoints()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('flux@fal: {usd: "1"}', r"prices.yaml:1: there is no model 'flux'"),
        ('flux-2-pro@fall: {usd: "1"}', r"flux-2-pro is not offered by 'fall'. Did you mean 'fal'"),
        (
            'flux-2-pro@fal: {usd: "1", unit: image}',
            r"prices.yaml:1: flux-2-pro@fal\.source: Field",
        ),
        ("flux-2-pro@fal: {ceiling_usd: 0.1}", r"write the amount as quoted text"),
        ("- a", r"write it as `model@provider: \{usd: ...\}`"),
    ],
)
def test_wrong_prices_are_one_line(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "prices.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SetupError, match=problem):
        read_prices(path)


def test_a_price_of_ones_own_wins_over_the_catalog(tmp_path: Path) -> None:
    path = tmp_path / "prices.yaml"
    path.write_text('birefnet@fal: {ceiling_usd: "0.01"}\n', encoding="utf-8")
    model = with_prices(load_model("birefnet"), read_prices(path))
    assert model.bindings[0].ceiling_usd == Decimal("0.01")
    assert load_model("birefnet").bindings[0].ceiling_usd is None
    assert read_prices(tmp_path / "none.yaml") == {}
