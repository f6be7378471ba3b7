"""The core is driven in process, with pauses that a test need not wait for."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from providers.catalog import Model, load_model
from tests.core.plain import write_table
from tests.core.shop import PAGES
from tests.providers.server import Asked, Said, Server, serving


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another attempt follows a failed one at once; whoever joins looks often."""
    monkeypatch.setattr("tasks.invoke.pause_seconds", lambda number: 0.0)
    monkeypatch.setattr("tasks.joining.JOIN_POLL_SECONDS", 0.01)


@pytest.fixture(autouse=True)
def no_syncs(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test here cuts the power; the store's and the ledger's own tests look at their syncs."""

    def prepare(connection: Any, record: Any) -> None:
        connection.isolation_level = None
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=OFF")

    monkeypatch.setattr("tasks.ledger.database._prepare_sqlite", prepare)
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)


@pytest.fixture
def short_deadlines(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every job is waited for 0.1 s at most."""

    def load(name: str) -> Model:
        model = load_model(name)
        latency = model.bindings[0].latency.model_copy(update={"longest_seconds": 0.1})
        bindings = [binding.model_copy(update={"latency": latency}) for binding in model.bindings]
        return model.model_copy(update={"bindings": tuple(bindings)})

    monkeypatch.setattr("flows.prepare.load_model", load)


@pytest.fixture
def two(tmp_path: Path) -> Path:
    """Two rows with prompts of their own."""
    return write_table(tmp_path / "two.csv", {"mug": "a red mug", "vase": "a tall vase"})


@pytest.fixture
def one(tmp_path: Path) -> Path:
    """One row."""
    return write_table(tmp_path / "one.csv", {"mug": "a red mug"})


@pytest.fixture
async def shop(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Server]:
    """A server of pictures on this machine, which this test's run may ask."""
    monkeypatch.setenv("MEDIAFLOWS_LOOPBACK_INPUTS", "1")
    monkeypatch.setattr("providers.driver.PAUSE_SECONDS", 0.01)

    def say(asked: Asked) -> Said:
        return PAGES.get(asked.path.partition("?")[0], Said(404, b""))

    async with serving(say) as server:
        yield server
