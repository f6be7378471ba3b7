"""`mediaflows prove`: what a newcomer sees, and that it would say so if it were not true."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from flows.proving import Evidence
from tasks.ledger.attempt import Attempt, Place

pytestmark = [pytest.mark.system("mediaflows"), pytest.mark.timeout(240)]

LINE = {"provider": "fal", "job": "j1", "body_sha256": "b1", "amount": "0.03"}
MADE = Attempt(
    id="a1", key="k1", place=Place("run", "P01", "photo"), take=1, round=0, model="flux-2-pro",
    provider="fal", endpoint="e", realm="r", state="settled", outcome="accepted", owner=None,
    body_digest="b1", job="j1", receipt={}, result={}, low=Decimal("0.03"), high=Decimal("0.03"),
    units=None, amount=Decimal("0.03"), grade="exact", error_class=None, error=None,
    created_at=1.0, submitted_at=2.0, settled_at=3.0,
)  # fmt: skip


def test_a_run_that_is_killed_ten_times_pays_nothing_twice(tmp_path: Path) -> None:
    program = Path(sys.executable).parent / "mediaflows"
    done = subprocess.run(
        [program, "prove", "--seed", "7"],
        capture_output=True,
        text=True,
        timeout=220,
        env={"PATH": "/usr/bin:/bin", "TMPDIR": str(tmp_path), "HOME": str(tmp_path / "home")},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "killed 10 times; seed 7" in done.stderr
    assert done.stderr.count("results kept") >= 5
    assert "none twice, none lost" in done.stdout
    assert list(tmp_path.glob("mediaflows-prove-*")) == []


def evidence(*lines: object, made: tuple[Attempt, ...] = (MADE,), lost: int = 0) -> Evidence:
    return Evidence(list(lines), made, Counter({"done": 1}), lost)  # type: ignore[arg-type]


def test_what_is_as_promised_has_no_fault() -> None:
    assert evidence(LINE).faults() == []


def test_a_request_that_was_accepted_twice_is_seen() -> None:
    (twice, *_) = evidence(LINE, {**LINE, "job": "j2"}).faults()
    assert twice == "1 requests were accepted twice"


def test_a_line_that_the_ledger_does_not_know_is_seen() -> None:
    found = evidence(LINE, {**LINE, "job": "j2", "body_sha256": "b2"}).faults()
    assert found[0] == "1 lines of the invoice are not in the ledger"
    assert found[1] == "the invoice says $0.06, the ledger $0.03 to $0.03"


def test_a_lost_result_and_an_unended_row_are_seen() -> None:
    assert evidence(LINE, lost=1).faults() == ["1 results that were paid for are not on the disk"]
    parked = Evidence([LINE], (MADE,), Counter({"parked": 1}), 0)
    assert parked.faults() == ["1 rows are parked and 0 are held"]
    failed = Evidence([LINE], (MADE,), Counter({"failed": 1}), 0)
    assert failed.faults() == ["rows ended as {'failed': 1}"]


def test_a_held_submit_explains_one_line_and_one_parked_row() -> None:
    held = replace(MADE, id="a2", job=None, body_digest="b2", state="uncertain", outcome=None)
    lines = (LINE, {**LINE, "job": "j2", "body_sha256": "b2"})
    found = Evidence(lines, (MADE, held), Counter({"done": 1, "parked": 1}), 0)
    assert found.faults() == []
