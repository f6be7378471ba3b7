"""Our pytest plugin: `sandbox`, `no_spend`, `recorded` and `mediaflows_home` for everyone's tests.

It stands here and imports nothing else of ours at the top, since every pytest of a machine loads
it: importing `flows` would set Prefect's settings for tests that have nothing to do with us.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from providers.sandbox.process import RunningSandbox

MARKERS = (
    "sandbox(profile='fast', seed=0): which day the sandbox of this test has",
    "recorded(folder='recorded'): whose results the fixture `recorded` plays, from the test's folder",
)
PLACES = ("MEDIAFLOWS_HOME", "MEDIAFLOWS_LEDGER_URL", "MEDIAFLOWS_STORE_URL", "MEDIAFLOWS_RUNS_URL")
NO_KEY = "made-up: nothing is sent"

_notes = pytest.StashKey[Path]()


def pytest_configure(config: pytest.Config) -> None:
    """Make the markers known."""
    for marker in MARKERS:
        config.addinivalue_line("markers", marker)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    """Fail a test under `no_spend` that was about to pay, in one line, whatever else went wrong."""
    try:
        return (yield)
    finally:
        if line := _would_be_paid(item):
            raise pytest.fail.Exception(f"no_spend: {line}", pytrace=False) from None


def _would_be_paid(item: pytest.Item) -> str:
    notes = item.stash.get(_notes, None)
    if notes is None or not notes.exists():
        return ""
    first, *others = dict.fromkeys(notes.read_text(encoding="utf-8").splitlines())
    return f"{first} (and {len(others)} more)" if others else first


@pytest.fixture
def mediaflows_home(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A ledger, store and runs folder of the test's own, so that it begins with nothing known."""
    folder = tmp_path_factory.mktemp("mediaflows")
    for name in PLACES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MEDIAFLOWS_HOME", str(folder / "home"))
    monkeypatch.setenv("MEDIAFLOWS_RUNS_URL", str(folder / "runs"))
    return folder / "home"


@pytest.fixture
def no_spend(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A submit to a vendor itself is not sent and fails the test; local and sandbox go through."""
    from providers.no_spend import NO_SPEND_VARIABLE

    notes = tmp_path_factory.mktemp("no-spend") / "would-be-paid.txt"
    request.node.stash[_notes] = notes
    monkeypatch.setenv(NO_SPEND_VARIABLE, str(notes))


@dataclass(frozen=True)
class Sandbox:
    """A vendor of all vendors on this machine, for one test: it costs nothing and keeps an invoice."""

    running: RunningSandbox

    @property
    def invoice(self) -> list[dict[str, Any]]:
        """A line for each accepted job: provider, endpoint, job, amount (USD, or None) and more."""
        return [
            {**line, "amount": None if line["amount"] is None else Decimal(line["amount"])}
            for line in self.running.invoice()
        ]

    @property
    def total(self) -> Decimal:
        """What the vendors bill, over the lines that have a price."""
        return sum((line["amount"] or Decimal(0) for line in self.invoice), Decimal(0))


@pytest.fixture
def sandbox(
    request: pytest.FixtureRequest, mediaflows_home: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Sandbox]:
    """A sandbox server for this test, its keys and addresses in the environment."""
    from providers.registry import SANDBOX_VARIABLE
    from providers.sandbox.process import start_sandbox

    profile, seed = _day(request.node.get_closest_marker("sandbox"))
    running = start_sandbox(mediaflows_home / "sandbox" / Path(profile).stem, profile, seed)
    try:
        for name, value in {**running.environment(), SANDBOX_VARIABLE: running.id}.items():
            monkeypatch.setenv(name, value)
        yield Sandbox(running)
    finally:
        running.stop()


def _day(marker: pytest.Mark | None) -> tuple[str, int]:
    def read(profile: str = "fast", seed: int = 0) -> tuple[str, int]:
        return profile, seed

    try:
        return read(*marker.args, **marker.kwargs) if marker else read()
    except TypeError:
        raise pytest.UsageError("write @pytest.mark.sandbox(profile='flaky', seed=7)") from None


@pytest.fixture
def recorded(
    request: pytest.FixtureRequest,
    no_spend: None,
    mediaflows_home: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Path:
    """Results that were paid for once, in the ledger and store of a folder, and nothing is sent."""
    from providers.registry import PROVIDERS, SANDBOX_VARIABLE

    marker = request.node.get_closest_marker("recorded")
    folder = request.path.parent / (marker.args[0] if marker and marker.args else "recorded")
    if not (folder / "ledger.db").exists():
        pytest.fail(
            f"nothing is recorded in {folder}: run mediaflows once with MEDIAFLOWS_HOME={folder}",
            pytrace=False,
        )
    shutil.copytree(
        folder, mediaflows_home, ignore=shutil.ignore_patterns("sandbox", "prefect", "*.log")
    )
    monkeypatch.delenv(SANDBOX_VARIABLE, raising=False)
    for provider in PROVIDERS.values():
        monkeypatch.delenv(f"{provider.name.upper()}_BASE_URL", raising=False)
        if provider.key_variable and not os.environ.get(provider.key_variable):
            monkeypatch.setenv(provider.key_variable, NO_KEY)
    return mediaflows_home
