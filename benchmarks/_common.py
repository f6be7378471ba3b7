"""What the benchmarks share: an instant vendor, tables, a Prefect server, fresh child processes.

Every measurement runs in a fresh child process; the variants to be compared take turns, and the
median of several rounds counts. CPU time is the process's own, user and system, all threads.
"""

from __future__ import annotations

import asyncio
import contextlib
import csv
import json
import os
import resource
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import urllib.request
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from providers.adapter import (  # noqa: E402
    Answer,
    Call,
    Done,
    Job,
    Material,
    Order,
    Output,
    Part,
    Upload,
)
from providers.errors import BadReplyError  # noqa: E402
from providers.registry import PROVIDERS, Provider  # noqa: E402

SERVER_START_SECONDS = 120.0
AMOUNT = Decimal("0.03")


@dataclass
class Calls:
    """When calls to the vendor began and ended, by `time.perf_counter`."""

    seconds: float = 0.0
    count: int = 0
    first: float = field(default=float("inf"))
    last: float = 0.0

    async def call(self) -> None:
        """Be one call of `seconds`."""
        self.first = min(self.first, time.perf_counter())
        if self.seconds:
            await asyncio.sleep(self.seconds)
        self.count += 1
        self.last = max(self.last, time.perf_counter())

    @property
    def span(self) -> float:
        """Seconds from the first call's beginning to the last call's end."""
        return self.last - self.first

    def reset(self) -> None:
        """Forget the calls so far."""
        self.count, self.first, self.last = 0, float("inf"), 0.0


class InstantAdapter:
    """A synchronous vendor: the answer to a submit is the picture itself."""

    def submit(self, order: Order) -> Call:
        body = {
            "parameters": dict(order.parameters),
            "inputs": {port: _plain(part) for port, part in order.inputs.items()},
        }
        return Call("POST", f"instant:/{order.binding.endpoint}", body)

    def read_submit(self, order: Order, answer: Answer) -> Done:
        return Done((Output("image", data=answer.body),), amount_usd=AMOUNT, grade="exact")

    def poll(self, job: Job) -> Call:
        raise BadReplyError("a synchronous vendor has no jobs")

    def read_poll(self, job: Job, answer: Answer) -> Done:
        raise BadReplyError("a synchronous vendor has no jobs")

    def cancel(self, job: Job) -> Call | None:
        return None

    def upload(self, material: Material) -> Upload | None:
        return None


class InstantWire:
    """The vendor's side: waits, and gives a picture of its own for every body."""

    def __init__(self, calls: Calls) -> None:
        self.calls = calls

    async def send(self, call: Call) -> Answer:
        await self.calls.call()
        return Answer(200, picture(call.url + call.digest()))


def _plain(part: Part) -> Any:
    if isinstance(part, Material):
        return part.media.sha256
    return [_plain(item) for item in part] if isinstance(part, tuple) else part


def picture(note: str) -> bytes:
    """Return a PNG of 1 x 1 pixel that carries `note`, so that its bytes are its own."""
    header = struct.pack(">IIBBBBB", 1, 1, 8, 6, 0, 0, 0)
    chunks = (
        (b"IHDR", header),
        (b"tEXt", b"note\0" + note.encode("latin-1", "replace")),
        (b"IDAT", zlib.compress(b"\0\x80\x40\x20\xff")),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


def install_vendor(seconds: float = 0.0) -> Calls:
    """Let the instant vendor stand for fal, at realm `live` and without a key."""
    calls = Calls(seconds)
    PROVIDERS["fal"] = Provider(
        "fal", None, "https://queue.fal.run", InstantAdapter(), InstantWire(calls)
    )
    return calls


def write_table(path: Path, rows: int, word: str = "mug") -> Path:
    """Write a table for product-photo; every row's prompt is its own."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["sku", "prompt", "aspect", "category"])
        for number in range(rows):
            prompt = f"a red ceramic {word} number {number} on a wooden table"
            aspect = ("1:1", "4:5", "16:9")[number % 3]
            writer.writerow([f"{word.upper()}-{number:05}", prompt, aspect, "kitchen"])
    return path


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    """Give a temporary folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="mediaflows-bench-", ignore_cleanup_errors=True) as at:
        yield Path(at)


@contextlib.contextmanager
def prefect_server(folder: Path) -> Iterator[str]:
    """Run a Prefect server of our own on a free loopback port; give its API's URL."""
    from flows.settings import apply_defaults

    apply_defaults()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}/api"
    with (folder / "server.log").open("wb") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "prefect", "server", "start", "--port", str(port)]
            + ["--host", "127.0.0.1"],
            env={**os.environ, "PREFECT_HOME": str(folder / "prefect"), "PREFECT_API_URL": url},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        _wait_for(f"{url}/health", server, folder / "server.log")
        yield url
    finally:
        # The server has a child of its own: the session that was started for it is ended.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGTERM)
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(server.pid, signal.SIGKILL)
            server.wait()


def _wait_for(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + SERVER_START_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=5) as answer:
            if answer.status == 200:
                return
        time.sleep(0.25)
    raise SystemExit(f"the Prefect server did not start:\n{log.read_text()[-2000:]}")


def child(script: str, arguments: Sequence[str], environment: dict[str, str]) -> dict[str, Any]:
    """Run `script --child ...` in a fresh process and return the JSON of its last line."""
    done = subprocess.run(
        [sys.executable, script, "--child", *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(arguments)} failed:\n{done.stdout}{done.stderr[-4000:]}")
    return dict(json.loads(done.stdout.strip().splitlines()[-1]))


def peak_megabytes() -> float:
    """Return the most memory that this process has held at once."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def middle(values: Sequence[float]) -> float:
    """Return the median."""
    return float(median(values))


@dataclass(frozen=True)
class Line:
    """One line of the table; `bound` is the most that `value` may be, None for a peer's figure."""

    what: str
    value: float
    unit: str = ""
    bound: float | None = None
    note: str = ""

    @property
    def is_met(self) -> bool:
        return self.bound is None or self.value <= self.bound


def report(lines: Sequence[Line]) -> int:
    """Print the table; return 1 when a bound is missed."""
    wide = max(len(line.what) for line in lines)
    print(f"{'':{wide}}  {'measured':>12}  {'at most':>8}")
    for line in lines:
        bound = "" if line.bound is None else f"{line.bound:g}"
        verdict = "" if line.bound is None else ("ok" if line.is_met else "MISSED")
        shown = f"{line.value:.3f} {line.unit}".strip()
        print(f"{line.what:{wide}}  {shown:>12}  {bound:>8}  {verdict:6}  {line.note}".rstrip())
    return 0 if all(line.is_met for line in lines) else 1
