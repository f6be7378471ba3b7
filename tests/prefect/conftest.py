"""One Prefect server for the session, tiny pictures, and runs of the batch flow."""

from __future__ import annotations

import asyncio
import gc
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest
from PIL import Image
from prefect.client.schemas.objects import State
from prefect.settings import PREFECT_HOME, temporary_settings
from prefect.testing.utilities import prefect_test_harness

import flows  # noqa: F401  (sets Prefect's settings before Prefect is imported)
from flows import task_runs
from flows.batch_flow import batch
from flows.options import RunOptions
from flows.recorded import wait_until_recorded
from providers.local import work
from tasks.home import Home
from tasks.ledger import open_ledger, runs
from tasks.report import Facts, read_facts
from tests.command import Command, command
from tests.seen import Seen, see

HERE = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test of this folder."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.prefect)
            # Prefect leaves sockets of event loops that have ended to the garbage collector.
            item.add_marker(pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"))


@pytest.fixture(autouse=True)
def no_sockets_left() -> Iterator[None]:
    """What Prefect leaves unclosed is collected here, not in whichever test comes next."""
    yield
    gc.collect()


@pytest.fixture(scope="session", autouse=True)
def prefect_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A server of this session's own; about ten seconds."""
    home = tmp_path_factory.mktemp("prefect-home")
    with (
        temporary_settings(updates={PREFECT_HOME: home}),
        prefect_test_harness(server_startup_timeout=60),
    ):
        yield


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A retried job waits for hundredths of a second."""
    monkeypatch.setattr(task_runs, "PAUSES_SECONDS", [0.02, 0.02, 0.02])
    task_runs._request_task.cache_clear()
    yield
    task_runs._request_task.cache_clear()


@pytest.fixture
def quick_work(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Local work makes tiny pictures; the list says which work was done."""
    done: list[str] = []

    def draw(parameters: Any, inputs: Any, take: int) -> bytes:
        done.append("draw_photo")
        return _png("RGB", crc32(inputs["prompt"].encode()) % 251)

    def cut_out(parameters: Any, inputs: Any, take: int) -> bytes:
        done.append("cut_out")
        return _png("RGBA", 7)

    monkeypatch.setitem(work.WORK, "draw_photo", work.Work("image", draw))  # type: ignore[arg-type]
    monkeypatch.setitem(work.WORK, "cut_out", work.Work("image", cut_out))  # type: ignore[arg-type]
    return done


def _png(mode: str, shade: int) -> bytes:
    file = io.BytesIO()
    Image.new(mode, (8, 6), (shade, 90, 40, 128)[: len(mode)]).save(file, format="PNG")
    return file.getvalue()


@dataclass(frozen=True)
class Done:
    """One run of the batch flow: how it ended, what the server shows, what the ledger holds."""

    state: State[Any]
    seen: Seen
    facts: Facts
    run: str
    folder: Path

    def states(self) -> dict[str, str]:
        """The state of every input row."""
        return {end.row: end.state for end in self.facts.ends if end}


@pytest.fixture
def mediaflows(
    home: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    """Run `mediaflows` with these words."""
    return command(monkeypatch, capsys)


RunBatch = Callable[..., Done]


@pytest.fixture
def run_batch(home: Home) -> RunBatch:
    """Run the batch flow and wait until the server has recorded it."""

    def run(template: str, table: Path, **options: Any) -> Done:
        chosen = options or {"provider": ("fal",)}
        state: State[Any] = batch(template, str(table), RunOptions(**chosen), return_state=True)
        return look(home, state)

    return run


def look(home: Home, state: State[Any]) -> Done:
    """Return what is known of a flow run that has ended."""
    assert asyncio.run(wait_until_recorded()) == 0
    flow_run = str(state.state_details.flow_run_id)
    ledger = open_ledger(home.ledger_url)
    try:
        found = ledger.do_now(runs.of_flow_run, flow_run)
        assert found is not None
        facts = ledger.do_now(read_facts, found.id)
    finally:
        ledger.close()
    return Done(state, see(flow_run), facts, found.id, Path(found.folder))


@pytest.fixture
def folder(tmp_path: Path) -> Callable[[], Path]:
    """The folder of the one run that was made."""

    def find() -> Path:
        (found,) = (tmp_path / "runs").glob("*/*")
        return found

    return find
