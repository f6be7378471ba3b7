"""The core against its own sandbox: real processes and sockets, and pauses made short."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from flows.sandboxed import sandbox_folder
from providers.catalog import Model, load_model
from providers.registry import SANDBOX_VARIABLE
from providers.sandbox.process import RunningSandbox, find_sandbox, start_sandbox
from tasks.home import Home
from tests.core.plain import write_table

THINGS = ("mug", "vase", "lamp", "chair", "clock", "kettle", "stool", "bowl", "jug", "tray")
ASPECTS = ("1:1", "4:5", "16:9")

Launch = Callable[..., RunningSandbox]
MakeRows = Callable[[int], Path]


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same steps with shorter waits in between; no variable of the developer's own sandbox."""
    monkeypatch.setattr("tasks.invoke.pause_seconds", lambda number: 0.0)
    monkeypatch.setattr("tasks.joining.JOIN_POLL_SECONDS", 0.01)
    monkeypatch.setattr("tasks.attempt.LONGEST_PAUSE_SECONDS", 0.1)
    monkeypatch.setattr("providers.driver.PAUSE_SECONDS", 0.02)
    monkeypatch.setattr("providers.driver.POLL_LONGEST_SECONDS", 0.3)
    monkeypatch.setattr("providers.registry.SANDBOX_FIRST_POLL_SECONDS", 0.03)
    monkeypatch.delenv(SANDBOX_VARIABLE, raising=False)


@pytest.fixture(autouse=True)
def no_syncs(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test here cuts the power: a process that is killed loses nothing that it has written."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)


@pytest.fixture
def deadline(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Set how long every job is waited for, instead of the minutes of the catalog."""

    def set_to(seconds: float) -> None:
        def load(name: str) -> Model:
            model = load_model(name)
            bindings = [
                binding.model_copy(
                    update={
                        "latency": binding.latency.model_copy(update={"longest_seconds": seconds})
                    }
                )
                for binding in model.bindings
            ]
            return model.model_copy(update={"bindings": tuple(bindings)})

        monkeypatch.setattr("flows.prepare.load_model", load)

    return set_to


@pytest.fixture
def make_rows(tmp_path: Path) -> MakeRows:
    """Write a table for product-photo with so many rows; all of them differ."""

    def make(count: int) -> Path:
        rows = {
            f"p{number:02}": f"a {THINGS[number % 10]} number {number},{ASPECTS[number % 3]}"
            for number in range(count)
        }
        return write_table(tmp_path / f"{count}.csv", rows, "id,prompt,aspect")

    return make


@pytest.fixture
def write_profile(tmp_path: Path) -> Callable[..., str]:
    """Write a profile of the test's own; return what `--sandbox` takes for it."""

    def write(name: str, **data: Any) -> str:
        path = tmp_path / f"{name}.json"
        path.write_text(json.dumps(data), encoding="utf-8")
        return str(path)

    return write


@pytest.fixture
def launch(home: Home, monkeypatch: pytest.MonkeyPatch) -> Iterator[Launch]:
    """Start a sandbox with a seed where `--sandbox` would look for it, and be its client."""
    started: list[RunningSandbox] = []

    def start(profile: str, seed: int) -> RunningSandbox:
        sandbox = start_sandbox(sandbox_folder(home, profile), profile, seed)
        started.append(sandbox)
        for name, value in {**sandbox.environment(), SANDBOX_VARIABLE: sandbox.id}.items():
            monkeypatch.setenv(name, value)
        return sandbox

    yield start
    for sandbox in started:
        sandbox.stop()


@pytest.fixture
def no_sandbox_is_left(home: Home) -> Iterator[None]:
    """End what a killed command has left running."""
    yield
    for folder in (home.folder / "sandbox").glob("*"):
        left = find_sandbox(folder)
        if left is not None:
            os.kill(left.pid, signal.SIGTERM)
            until = time.monotonic() + 10
            while find_sandbox(folder) and time.monotonic() < until:
                time.sleep(0.02)
