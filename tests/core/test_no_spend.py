"""Under `no_spend` nothing is submitted to a vendor itself; and the plugin bothers nobody else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from providers import registry
from providers.errors import SetupError
from providers.no_spend import NO_SPEND_VARIABLE, refuse_to_spend
from providers.registry import SANDBOX_VARIABLE
from tests.core.plain import start

LINE = (
    "step 'photo': flux-2-pro@fal would be submitted to fal and paid for, "
    "and nothing may be spent here"
)


@pytest.fixture
def notes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where what would have been paid for is noted; set as the fixture of the plugin does it."""
    path = tmp_path / "notes.txt"
    monkeypatch.setenv(NO_SPEND_VARIABLE, str(path))
    return path


async def test_a_paid_step_is_not_submitted_and_is_named(home, script, products, notes):
    ran = await start(products, provider=("fal",))
    assert script.submits == []
    assert ran.attempts == []  # the ledger knows of no attempt: nothing was claimed
    assert set(ran.states.values()) == {"failed"}
    assert set(notes.read_text(encoding="utf-8").splitlines()) == {LINE}


async def test_what_is_known_is_played_without_a_word(home, script, products, notes, monkeypatch):
    monkeypatch.delenv(NO_SPEND_VARIABLE)
    await start(products, provider=("fal",))
    monkeypatch.setenv(NO_SPEND_VARIABLE, str(notes))
    again = await start(products, provider=("fal",))
    assert (again.totals.reused, set(again.states.values())) == (6, {"done"})
    assert not notes.exists()


async def test_local_work_goes_through(home, products, notes):
    ran = await start(products, local=True)
    assert set(ran.states.values()) == {"done"}
    assert not notes.exists()


@pytest.mark.parametrize(
    ("url", "sandbox", "may"),
    [
        (None, None, False),
        ("https://queue.fal.run", None, False),
        ("https://proxy.example", None, False),
        ("https://127.0.0.1.example", None, False),
        ("http://127.0.0.1:9/fal", None, True),
        ("http://localhost:9/fal", None, True),
        ("http://127.0.0.1:9/fal", "abc", True),
        ("https://queue.fal.run", "abc", False),  # a sandbox's id alone moves nobody
    ],
)
def test_only_this_machine_may_be_submitted_to(home, notes, monkeypatch, url, sandbox, may):
    for name, value in (("FAL_BASE_URL", url), (SANDBOX_VARIABLE, sandbox)):
        monkeypatch.setenv(name, value) if value else monkeypatch.delenv(name, raising=False)
    if may:
        refuse_to_spend("fal", "a picture")
        assert not notes.exists()
        return
    with pytest.raises(SetupError, match="a picture would be submitted to fal and paid for"):
        refuse_to_spend("fal", "a picture")
    assert notes.read_text(encoding="utf-8").count("\n") == 1


def test_a_provider_that_nobody_knows_is_not_submitted_to(notes):
    assert "elsewhere" not in registry.PROVIDERS
    with pytest.raises(SetupError):
        refuse_to_spend("elsewhere", "a picture")


def pytest_of_a_project(folder: Path, test: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run pytest over one file in a folder of its own, as a user's project has it."""
    (folder / "test_own.py").write_text(test, encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        *words,
        "test_own.py",
    ]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=100)


def test_a_pytest_that_uses_none_of_it_loads_none_of_it(tmp_path: Path) -> None:
    test = (
        "import os, sys\n"
        "def test_it(pytestconfig):\n"
        "    assert pytestconfig.pluginmanager.hasplugin('mediaflows')\n"
        "    assert not {'flows', 'tasks', 'prefect', 'pydantic', 'httpx'} & set(sys.modules)\n"
    )
    ran = pytest_of_a_project(tmp_path, test, "--strict-markers")
    assert ran.returncode == 0, ran.stdout


FORGOTTEN = """\
import subprocess, sys
import pytest
from providers.errors import SetupError
from providers.no_spend import refuse_to_spend

def pay():
    refuse_to_spend("fal", "step 'photo': flux-2-pro@fal")

def test_says_nothing(no_spend):
    with pytest.raises(SetupError):
        pay()

def test_says_something_else(no_spend):
    try:
        pay()
    except SetupError:
        assert 1 == 2

def test_in_a_command(no_spend):
    code = "from providers.no_spend import *; refuse_to_spend('fal', 'another')"
    subprocess.run([sys.executable, "-c", code], capture_output=True)

def test_pays_nothing(no_spend):
    refuse_to_spend("local", "a picture")

def test_says_what_went_wrong_itself(no_spend):
    assert 3 == 4

@pytest.mark.recorded("nowhere")
def test_without_a_recording(recorded):
    pass
"""


def test_a_test_that_was_about_to_pay_fails_in_one_line_whatever_it_says(tmp_path: Path) -> None:
    ran = pytest_of_a_project(tmp_path, FORGOTTEN, "--strict-markers", "-rN")
    assert "4 failed, 1 passed, 1 error" in ran.stdout, ran.stdout
    assert ran.stdout.count(f"no_spend: {LINE}\n") == 2
    assert "no_spend: another would be submitted to fal" in ran.stdout
    assert "1 == 2" not in ran.stdout
    assert "assert 3 == 4" in ran.stdout
    assert f"nothing is recorded in {tmp_path / 'nowhere'}: run mediaflows once" in ran.stdout


SANDBOXED = """\
import os
from pathlib import Path
import pytest
from providers.registry import PROVIDERS, SANDBOX_VARIABLE

@pytest.mark.sandbox(profile="flaky", seed=7)
def test_of_a_day(sandbox, no_spend, mediaflows_home):
    assert (sandbox.running.profile, sandbox.running.seed) == ("flaky", 7)
    assert (sandbox.invoice, sandbox.total) == ([], 0)
    assert os.environ["FAL_KEY"] == sandbox.running.keys["fal"]
    assert PROVIDERS["fal"].realm() == f"sandbox-{sandbox.running.id}"
    assert os.environ["MEDIAFLOWS_HOME"] == str(mediaflows_home)

@pytest.mark.sandbox(colour="red")
def test_of_no_day(sandbox):
    pass

def test_after_it():
    assert SANDBOX_VARIABLE not in os.environ
    assert not Path(".mediaflows").exists()
"""


@pytest.mark.system
def test_a_sandbox_is_a_tests_own_and_gone_after_it(tmp_path: Path) -> None:
    ran = pytest_of_a_project(tmp_path, SANDBOXED, "--strict-markers")
    assert "2 passed, 1 error" in ran.stdout, ran.stdout
    assert "write @pytest.mark.sandbox(profile='flaky', seed=7)" in ran.stdout
