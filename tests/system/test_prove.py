"""`mediaflows prove`: what a newcomer sees, and that it would say so if it were not true."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest

from flows import proving
from flows.proving_evidence import Evidence
from providers.sandbox.process import RunningSandbox
from tasks.ledger.attempt import Attempt, Place
from tests.command import Command, command

pytestmark = [pytest.mark.system("mediaflows"), pytest.mark.timeout(240)]

LINE = {"provider": "fal", "job": "j1", "body_sha256": "b1", "amount": "0.03"}
MADE = Attempt(
    id="a1", key="k1", place=Place("run", "P01", "photo"), take=1, round=0, model="flux-2-pro",
    provider="fal", endpoint="e", realm="r", state="settled", outcome="accepted", owner=None,
    body_digest="b1", job="j1", receipt={}, result={}, low=Decimal("0.03"), high=Decimal("0.03"),
    units=None, amount=Decimal("0.03"), grade="exact", error_class=None, error=None,
    created_at=1.0, submitted_at=2.0, settled_at=3.0,
)  # fmt: skip


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Where nothing but a Python is: no key, no home; and whoever imports Prefect fails."""
    (tmp_path / "prefect.py").write_text("raise RuntimeError('Prefect was imported')")
    names = {"TMPDIR": tmp_path, "HOME": tmp_path / "home", "PYTHONPATH": tmp_path}
    return {"PATH": "/usr/bin:/bin", **{name: str(path) for name, path in names.items()}}


def started(environment: dict[str, str], *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [Path(sys.executable).parent / "mediaflows", "prove", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        start_new_session=True,
    )


def left_behind(folder: Path) -> list[object]:
    """The temporary folders that are still there, and the processes that work in one."""
    found: list[object] = [*folder.glob("mediaflows-prove-*")]
    for process in psutil.process_iter(["cmdline"]):
        if any(str(folder) in word for word in process.info["cmdline"] or ()):
            found.append(process)
    return found


def test_a_run_that_is_killed_ten_times_pays_nothing_twice(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    process = started(environment, "--seed", "7")
    out, err = process.communicate(timeout=220)
    assert process.returncode == 0, out + err
    assert "the run is killed 10 times, seed 7" in err
    assert err.count("kept so far") == err.count("taken as known") >= 5
    assert "none twice, no result lost" in out
    (second,) = (line.split() for line in out.splitlines() if line.startswith("second submits"))
    assert second == ["second", "submits", "0", "-"]
    assert left_behind(tmp_path) == []


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM])
def test_it_leaves_nothing_behind_when_it_is_stopped(
    tmp_path: Path, environment: dict[str, str], by: signal.Signals
) -> None:
    process = started(environment)
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("killed  2"):
            break
    assert len(left_behind(tmp_path)) >= 2  # the folder, and the vendor
    process.send_signal(by)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 5, err
    assert err.splitlines()[-1] == "mediaflows: stopped" and out == ""
    assert left_behind(tmp_path) == []


@pytest.fixture
def run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Iterator[Command]:
    """The command in this process, with two kills of six rows."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(proving, "ROWS", 6)
    monkeypatch.setattr(proving, "MOMENTS", (0.3, 0.6))
    monkeypatch.setattr(proving, "prove", partial(proving.prove, kills=2))
    yield command(monkeypatch, capsys)
    assert left_behind(tmp_path) == []


def test_a_vendor_who_bills_a_job_twice_is_found_out(
    run: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    invoice = RunningSandbox.invoice

    def doctored(sandbox: RunningSandbox) -> list[dict[str, Any]]:
        lines = invoice(sandbox)
        return [*lines, *({**line, "job": "another"} for line in lines[:1])]

    monkeypatch.setattr(RunningSandbox, "invoice", doctored)
    ran = run("prove")
    assert ran.code == 1
    assert "NOT AS PROMISED: 1 requests were accepted twice" in ran.out
    assert "NOT AS PROMISED: 1 lines of the invoice are not in the ledger" in ran.out
    assert "billed once" not in ran.out


def test_a_result_that_is_gone_from_the_disk_is_found_out(
    run: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = proving._evidence

    def without_a_file(folder: Path, *given: Any) -> Evidence:
        picture = next(path for path in (folder / "home" / "store").rglob("*") if _is_media(path))
        os.chmod(picture, 0o600)
        picture.write_bytes(b"something else")
        return found(folder, *given)

    monkeypatch.setattr(proving, "_evidence", without_a_file)
    ran = run("prove")
    assert ran.code == 1
    assert "NOT AS PROMISED: 1 results that were paid for are not on the disk" in ran.out


def _is_media(path: Path) -> bool:
    return path.is_file() and len(path.name) >= 60


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


def test_a_job_that_is_on_no_invoice_is_seen() -> None:
    assert evidence().faults()[0] == "1 jobs of the ledger are not on the invoice"


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


def test_a_signal_during_the_start_of_the_run_leaves_no_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[subprocess.Popen[str]] = []
    popen = subprocess.Popen

    def begin(*words: Any, **options: Any) -> subprocess.Popen[str]:
        begun.append(popen(*words, **options))
        os.kill(os.getpid(), signal.SIGTERM)
        return begun[-1]

    monkeypatch.setattr(subprocess, "Popen", begin)
    table = tmp_path / "products.csv"
    with pytest.raises(KeyboardInterrupt), proving._child(table, dict(os.environ)):
        raise AssertionError("the block is not reached")
    assert begun[0].returncode is not None
