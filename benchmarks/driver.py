"""What adapter, wire and driver cost beside bare httpx that does the same, and a download's memory.

Measured: 200 jobs, 8 at a time, against a small server in a process of its own: submit, two polls,
the result, a download of 1 MB that is hashed, written and synced. The two ways take turns, each in
a fresh process, after 20 jobs that do not count; CPU is the process's own, user and system.

- CPU per job: at most 1.5 times that of bare httpx, which checks no URL, no size and no shape.
- Memory: a download of 20 MB into the store takes at most 8 MB more than the process has before.

Run: uv run python benchmarks/driver.py [--jobs 200] [--rounds 5]
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
from _common import Line, child, middle, report, scratch

from providers.adapter import Job, Order
from providers.catalog import load_model
from providers.driver import Driver
from providers.http_client import close_client
from providers.registry import PROVIDERS
from tasks.store import Store

CPU_BOUND = 1.5
MEMORY_BOUND_MEGABYTES = 8.0
AT_ONCE = 8
WARM_UP = 20
FILE_BYTES = 1_000_000
LARGE_BYTES = 20_000_000
ENDPOINT = "fal-ai/flux-2-pro"


def main() -> int:
    options = _options()
    if options.serve:
        asyncio.run(_serve())
        return 0
    if options.child:
        way, folder, url, jobs = options.child
        print(json.dumps(asyncio.run(_measure(way, Path(folder), url, int(jobs)))))
        return 0
    found: dict[str, list[dict[str, Any]]] = {"ours": [], "bare": [], "memory": []}
    with scratch() as folder, _server() as url:
        for number in range(options.rounds):
            for way, figures in found.items():
                at = folder / f"{way}-{number}"
                at.mkdir()
                arguments = [way, str(at), url, str(options.jobs)]
                environment = {"FAL_BASE_URL": url, "FAL_KEY": "benchmark-key"}
                figures.append(child(__file__, arguments, environment))
                print(f"  {number + 1}: {way} {figures[-1]}", flush=True)
    return report(_lines(found, options.jobs))


def _lines(found: dict[str, list[dict[str, Any]]], jobs: int) -> list[Line]:
    lines = [
        Line(f"CPU per job: {way}", middle([one["cpu_seconds"] for one in found[way]]) / jobs * 1e3,
             "ms")
        for way in ("ours", "bare")
    ]  # fmt: skip
    ratios = [
        ours["cpu_seconds"] / bare["cpu_seconds"]
        for ours, bare in zip(found["ours"], found["bare"], strict=True)
    ]
    grown = middle([one["megabytes"] for one in found["memory"]])
    return [
        *lines,
        Line("CPU, ours / bare httpx", middle(ratios), "x", CPU_BOUND),
        Line("memory of a download of 20 MB", grown, "MB", MEMORY_BOUND_MEGABYTES),
    ]


async def _measure(way: str, folder: Path, url: str, jobs: int) -> dict[str, Any]:
    if way == "memory":
        return await _memory(folder, url)
    if way == "ours":
        return await _timed(_ours(folder), jobs)
    async with httpx.AsyncClient() as client:
        return await _timed(lambda: _bare(client, folder, url), jobs)


async def _timed(one: Callable[[], Awaitable[None]], jobs: int) -> dict[str, Any]:
    places = asyncio.Semaphore(AT_ONCE)

    async def in_turn() -> None:
        async with places:
            await one()

    await asyncio.gather(*[in_turn() for _ in range(WARM_UP)])
    before, began = time.process_time(), time.perf_counter()
    await asyncio.gather(*[in_turn() for _ in range(jobs)])
    cpu, seconds = time.process_time() - before, time.perf_counter() - began
    await close_client()
    return {"cpu_seconds": cpu, "seconds": seconds}


def _ours(folder: Path) -> Callable[[], Awaitable[None]]:
    driver = _driver()
    binding = load_model("flux-2-pro").bindings[0]
    parameters = {"aspect_ratio": "1:1", "megapixels": 1, "seed": 0, "safety": 2}

    async def one() -> None:
        # A folder for each job: the same bytes would be written once, bare httpx writes them all.
        store = Store(folder / uuid4().hex)
        order = await driver.prepare(Order(binding, parameters, {"prompt": "a red mug"}))
        job = await driver.submit(order, driver.adapter.submit(order))
        assert isinstance(job, Job)
        done = await driver.wait(job, usual_seconds=0.01, deadline_seconds=60)
        await driver.download(str(done.outputs[0].url), store.receive)

    return one


async def _bare(client: httpx.AsyncClient, folder: Path, url: str) -> None:
    headers = {"Authorization": "Key benchmark-key"}
    body = {"prompt": "a red mug", "image_size": {"width": 1024, "height": 1024}, "seed": 0}
    placed = (await client.post(f"{url}/{ENDPOINT}", json=body, headers=headers)).json()
    while True:
        await asyncio.sleep(0.001)
        status = (await client.get(placed["status_url"], headers=headers)).json()
        if status["status"] == "COMPLETED":
            break
    result = (await client.get(placed["response_url"], headers=headers)).json()
    target = folder / uuid4().hex
    digest = hashlib.sha256()
    with target.open("wb") as file:
        async with client.stream("GET", result["images"][0]["url"]) as response:
            response.raise_for_status()
            async for piece in response.aiter_bytes():
                digest.update(piece)
                file.write(piece)
        file.flush()
        os.fsync(file.fileno())
    target.rename(folder / digest.hexdigest())


async def _memory(folder: Path, url: str) -> dict[str, Any]:
    driver, store = _driver(), Store(folder)
    await driver.download(f"{url}/files/{FILE_BYTES}", store.receive)
    _forget_peak()
    before = _held_megabytes("VmRSS")
    _, size = await driver.download(f"{url}/files/{LARGE_BYTES}", store.receive)
    assert size == LARGE_BYTES
    grown = _held_megabytes("VmHWM") - before
    await close_client()
    return {"megabytes": grown}


def _forget_peak() -> None:
    """The peak of the whole process would hide a download: importing takes more."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def _held_megabytes(name: str) -> float:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(name))


def _driver() -> Driver:
    fal = PROVIDERS["fal"]
    assert fal.adapter is not None
    assert fal.wire is not None
    return Driver(fal.adapter, fal.wire, first_poll_seconds=0.001)


@contextlib.contextmanager
def _server() -> Iterator[str]:
    running = subprocess.Popen(
        [sys.executable, __file__, "--serve"], stdout=subprocess.PIPE, text=True
    )
    try:
        assert running.stdout is not None
        yield running.stdout.readline().strip()
    finally:
        running.terminate()
        running.communicate()


async def _serve() -> None:
    """Be a queue whose jobs are done at their second poll."""
    polls: dict[str, int] = {}
    piece = os.urandom(LARGE_BYTES)

    def say(method: str, path: str) -> bytes:
        if path.startswith("/files/"):
            return piece[: int(path.rpartition("/")[2])]
        if method == "POST":
            job = uuid4().hex
            at = f"{url}/{ENDPOINT}/requests/{job}"
            urls = {"status_url": f"{at}/status", "response_url": at, "cancel_url": f"{at}/cancel"}
            return json.dumps({"request_id": job, "queue_position": 0, **urls}).encode()
        if "/status" not in path:
            return json.dumps({"images": [{"url": f"{url}/files/{FILE_BYTES}"}]}).encode()
        job = path.split("/")[-2]
        polls[job] = polls.get(job, 0) + 1
        word = "IN_PROGRESS" if polls[job] < 2 else "COMPLETED"
        return json.dumps({"status": word, "request_id": job, "logs": None}).encode()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
                method, path, _ = head.split(" ", 2)
                if "content-length: " in head:
                    length = head.split("content-length: ")[1].split("\r\n")[0]
                    await reader.readexactly(int(length))
                data = say(method.upper(), path)
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(data) + data)
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    print(url, flush=True)
    await server.serve_forever()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--jobs", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--child", nargs=4, help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
