"""A Prefect server, a project folder, and the command line as people start it."""

from __future__ import annotations

import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil
import pytest
from prefect.settings import PREFECT_API_URL, PREFECT_HOME, temporary_settings

import flows  # noqa: F401  (sets Prefect's settings before Prefect is imported)
from providers.registry import PROVIDERS

REPOSITORY = Path(__file__).parents[2]
PRODUCTS = REPOSITORY / "examples" / "products.csv"
LIMIT_SECONDS = 180  # for one command; a hang ends there

SMALL = """\
name: small
version: 1
about: A small picture and its cut-out.
inputs:
  prompt: {type: text, about: What to photograph}
steps:
  photo: {model: flux-2-pro, with: {prompt: $prompt, megapixels: 0.5}}
  cutout: {model: birefnet, with: {image: $photo}}
outputs: {photo: $photo, cutout: $cutout}
"""

_left_out: list[str] = []


def program(name: str) -> str | None:
    """Return where a program is: beside this Python, on the PATH, or where Debian puts servers."""
    beside = Path(sys.executable).parent / name
    servers = map(str, Path("/usr/lib/postgresql").glob("*/bin"))
    return (
        str(beside)
        if beside.exists()
        else shutil.which(name)
        or next(filter(None, (shutil.which(name, path=folder) for folder in servers)), None)
    )


def _missing(item: pytest.Item) -> list[str]:
    marker = item.get_closest_marker("system")
    return [name for name in marker.args if program(name) is None] if marker else []


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out, away from CI, what needs a program that is not here."""
    if os.environ.get("CI"):
        return
    lacking = {item: names for item in items if (names := _missing(item))}
    if not lacking:
        return
    config.hook.pytest_deselected(items=list(lacking))
    items[:] = [item for item in items if item not in lacking]
    names = sorted({name for missing in lacking.values() for name in missing})
    _left_out.append(f"{len(lacking)} system tests left out: no {', '.join(names)} here")


def pytest_report_collectionfinish() -> list[str]:
    """Say in one line what was left out."""
    return _left_out


def pytest_runtest_setup(item: pytest.Item) -> None:
    """In CI a missing program is a failure."""
    if missing := _missing(item):
        pytest.fail(f"this test needs {', '.join(missing)}, and CI runs every test")


@dataclass(frozen=True)
class Cli:
    """`mediaflows` and `prefect` as subprocesses in a project folder."""

    project: Path
    environment: dict[str, str]
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    def run(self, *words: object, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Run one command to its end."""
        process = self.start(*words, folder=folder)
        out, err = process.communicate(timeout=LIMIT_SECONDS)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def start(self, *words: object, folder: Path | None = None) -> subprocess.Popen[str]:
        """Start one command; it is ended with the test."""
        first, *rest = map(str, words)
        name, words_left = (
            ("prefect", rest) if first == "prefect" else ("mediaflows", [first, *rest])
        )
        process = subprocess.Popen(
            [str(program(name)), *words_left],
            cwd=folder or self.project,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,  # a group of its own, as a terminal gives a command
        )
        self.started.append(process)
        return process

    def ask(self, query: str) -> list[tuple[object, ...]]:
        """Return the answer of the project's ledger; nothing while there is none."""
        path = self.project / ".mediaflows" / "ledger.db"
        if not path.exists():
            return []
        with (
            suppress(sqlite3.OperationalError),
            closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)) as connection,
        ):
            return connection.execute(query).fetchall()
        return []

    def wait_for_results(self, count: int, process: subprocess.Popen[str]) -> None:
        """Wait until the ledger has so many results, made by a command that is still running."""
        deadline = time.monotonic() + LIMIT_SECONDS
        while time.monotonic() < deadline:
            found = self.ask("SELECT count(*) FROM attempts WHERE outcome = 'accepted'")
            if found and int(str(found[0][0])) >= count:
                return
            assert process.poll() is None, process.communicate()
            time.sleep(0.05)
        raise AssertionError(f"there were never {count} results")

    def keys_accepted_twice(self) -> list[tuple[object, ...]]:
        """Return the requests that have more than one accepted attempt."""
        return self.ask(
            "SELECT key FROM attempts WHERE outcome = 'accepted' GROUP BY key HAVING count(*) > 1"
        )

    def run_folders(self) -> list[Path]:
        """Return the run folders, oldest first."""
        return sorted((self.project / "runs").glob("*/*"))


@dataclass(frozen=True)
class Server:
    """A running Prefect server."""

    url: str
    home: Path

    @property
    def variables(self) -> dict[str, str]:
        """What tells a command of it."""
        return {"PREFECT_API_URL": self.url, "PREFECT_HOME": str(self.home)}


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """`prefect server start` as README has it, in the repository, on a free port."""
    home = tmp_path_factory.mktemp("prefect-server")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = home / "server.log"
    with log.open("w", encoding="utf-8") as output:
        process = subprocess.Popen(
            [str(program("prefect")), "server", "start", "--port", str(port), "--no-ui"],
            cwd=REPOSITORY,
            env=_environment(home),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        url = f"http://127.0.0.1:{port}/api"
        try:
            _wait_until_up(url, process, log)
            yield Server(url, home)
        finally:
            end(process)


def _wait_until_up(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text(encoding="utf-8")
        with suppress(httpx.TransportError):
            if httpx.get(f"{url}/health", timeout=5).status_code == 200:
                return
        time.sleep(0.2)
    raise AssertionError(f"the server did not come up: {log.read_text(encoding='utf-8')}")


def end(process: subprocess.Popen[bytes] | subprocess.Popen[str]) -> None:
    """End a process that we started and what it started, each by its id."""
    with suppress(psutil.NoSuchProcess):
        root = psutil.Process(process.pid)
        family = [*root.children(recursive=True), root]
        for one in family:
            with suppress(psutil.NoSuchProcess):
                one.terminate()
        for one in psutil.wait_procs(family, timeout=10)[1]:
            with suppress(psutil.NoSuchProcess):
                one.kill()
    process.wait(timeout=10)


def _environment(prefect_home: Path, **more: str) -> dict[str, str]:
    ours = {provider.key_variable for provider in PROVIDERS.values() if provider.key_variable}
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in ours
        and not name.startswith(("MEDIAFLOWS_", "PREFECT_"))
        and not name.endswith("_BASE_URL")
    }
    return {
        **kept,
        "PREFECT_HOME": str(prefect_home),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        **more,
    }


@pytest.fixture
def api(server: Server) -> Iterator[None]:
    """Clients of this process talk to the server."""
    with temporary_settings(updates={PREFECT_API_URL: server.url, PREFECT_HOME: server.home}):
        yield


MakeCli = Callable[[Path], Cli]


def make_cli(project: Path, server: Server) -> Cli:
    """Return the command line of a new project: a folder that a repository's mark makes one."""
    project.mkdir(parents=True)
    (project / ".git").mkdir()
    (project / "small.yaml").write_text(SMALL, encoding="utf-8")
    return Cli(project, _environment(server.home, PREFECT_API_URL=server.url))


def end_all(processes: Sequence[subprocess.Popen[str]]) -> None:
    """End what is still running and close what was read from it."""
    for process in processes:
        end(process)
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()


@pytest.fixture
def cli(tmp_path: Path, server: Server) -> Iterator[Cli]:
    """The command line in a project of the test's own."""
    made = make_cli(tmp_path / "project", server)
    try:
        yield made
    finally:
        end_all(made.started)


@pytest.fixture
def table(cli: Cli) -> Callable[[int], Path]:
    """Write a table of so many rows for the template small.yaml."""

    def write(rows: int) -> Path:
        path = cli.project / "rows.csv"
        lines = [f"r{number},a mug with the number {number}" for number in range(1, rows + 1)]
        path.write_text("\n".join(["id,prompt", *lines, ""]), encoding="utf-8")
        return path

    return write
