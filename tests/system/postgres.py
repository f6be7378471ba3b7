"""A PostgreSQL server of a test's own: in a temporary folder, on a socket there, and gone with it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import psycopg
from psycopg import sql

from tests.system.conftest import program

PROGRAMS = ("postgres", "initdb")
UP_SECONDS = 30
USER = "postgres" if os.geteuid() == 0 else None  # it refuses to run as root


@dataclass
class Postgres:
    """A server that can be stopped and started again."""

    folder: Path
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self) -> None:
        """Start it, and wait until it answers."""
        with (self.folder / "log").open("ab") as log:
            words = [str(program("postgres")), "-D", "data", "-k", str(self.folder), "-h", ""]
            self.processes.append(
                subprocess.Popen(
                    [*words, "-c", "fsync=off"],
                    cwd=self.folder,
                    stdout=log,
                    stderr=log,
                    user=USER,
                    group=USER,
                    extra_groups=[] if USER else None,
                )
            )
        until = time.monotonic() + UP_SECONDS
        while True:
            try:
                return self.execute(sql.SQL("SELECT 1"))
            except psycopg.OperationalError:
                assert time.monotonic() < until, self.log()
                assert self.processes[-1].poll() is None, self.log()
            time.sleep(0.05)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop it; SIGQUIT is a crash."""
        self.processes[-1].send_signal(how)
        self.processes[-1].wait(timeout=20)

    def new_database(self) -> str:
        """Return the URL of a new, empty database."""
        name = f"t{uuid4().hex[:12]}"
        self.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return f"postgresql://mediaflows:secret@/{name}?host={self.folder}"

    def execute(self, statement: sql.Composable) -> None:
        where = f"host={self.folder} user=mediaflows dbname=postgres"
        with psycopg.connect(where, autocommit=True) as connection:
            connection.execute(statement)

    def log(self) -> str:
        return (self.folder / "log").read_text(encoding="utf-8")


@contextmanager
def running() -> Iterator[Postgres]:
    """Make a server and stop it at the end."""
    folder = Path(tempfile.mkdtemp(prefix="mediaflows-postgres-"))  # a socket's path is short
    if USER:
        shutil.chown(folder, USER, USER)
    subprocess.run(
        [str(program("initdb")), "-D", "data", "-U", "mediaflows", "-A", "trust", "--no-sync"],
        check=True,
        capture_output=True,
        cwd=folder,
        user=USER,
        group=USER,
        extra_groups=[] if USER else None,
    )
    server = Postgres(folder)
    try:
        server.start()
        yield server
    finally:
        if server.processes and server.processes[-1].poll() is None:
            server.stop()
        shutil.rmtree(folder, ignore_errors=True)
