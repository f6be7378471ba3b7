"""What mediaflows adds to jobs of 1 s at a vendor over HTTP, beside bare httpx doing the same.

Measured: rows of `product-photo` through fal as the sandbox plays it (every job takes 1 s): our core
with its ledger, store and receipts, and a floor of httpx that uploads, submits, polls on the
driver's schedule, fetches and downloads, and keeps nothing. The two take turns. Prefect's part is in
overhead.py.

- From the first submit to the last download over that of the floor: at most 1.15 at 50 in flight,
  1.05 at 20.

Run: uv run python benchmarks/overhead_http.py [--rows 150] [--rounds 3]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import time
from pathlib import Path
from typing import Any

import httpx
from _common import Line, child, middle, picture, report, scratch, write_table

BOUNDS = {50: 1.15, 20: 1.05}
PROFILE = {
    "about": "Every job takes one second.",
    "shortest_seconds": 1.0,
    "longest_seconds": 1.0,
    "pictures": "plain",
}
FIRST_POLL_SECONDS, GROWTH, LONGEST_SECONDS = 0.1, 1.4, 3.0  # as the driver does at a sandbox


def main() -> int:
    options = _options()
    if options.child:
        way, folder, rows, jobs = options.child
        print(json.dumps(_measure(way, Path(folder), int(rows), int(jobs))))
        return 0
    from providers.registry import SANDBOX_VARIABLE
    from providers.sandbox.process import start_sandbox

    found: dict[tuple[int, str], list[float]] = {}
    with scratch() as folder:
        profile = folder / "second.json"
        profile.write_text(json.dumps(PROFILE), encoding="utf-8")
        sandbox = start_sandbox(folder / "sandbox", str(profile), 1)
        variables = {**sandbox.environment(), SANDBOX_VARIABLE: sandbox.id}
        try:
            for number in range(options.rounds):
                for jobs in BOUNDS:
                    for way in ("floor", "ours"):
                        at = folder / f"{way}-{jobs}-{number}"
                        at.mkdir()
                        arguments = [way, str(at), str(options.rows), str(jobs)]
                        seconds = child(__file__, arguments, variables)["seconds"]
                        found.setdefault((jobs, way), []).append(seconds)
                        print(f"  {number + 1}: {way} {jobs}: {seconds:.2f} s", flush=True)
        finally:
            sandbox.stop()
    lines = []
    for jobs, bound in BOUNDS.items():
        pairs = zip(found[jobs, "ours"], found[jobs, "floor"], strict=True)
        ratio = middle([ours / floor for ours, floor in pairs])
        lines.append(Line(f"time / httpx floor, {jobs} in flight", ratio, "x", bound))
    return report(lines)


def _measure(way: str, folder: Path, rows: int, jobs: int) -> dict[str, Any]:
    return {"seconds": asyncio.run({"ours": _ours, "floor": _floor}[way](folder, rows, jobs))}


async def _ours(folder: Path, rows: int, jobs: int) -> float:
    os.environ["MEDIAFLOWS_HOME"] = str(folder / "home")
    os.environ["MEDIAFLOWS_RUNS_URL"] = str(folder / "runs")
    from flows.frozen import start_run
    from flows.options import RunOptions
    from flows.prepare import Request
    from flows.shard import Shard
    from tasks.home import find_home
    from tasks.services import open_services

    table = write_table(folder / "t.csv", rows, folder.name)
    options = RunOptions(jobs=jobs, provider=("fal",))
    async with open_services(find_home()) as services:
        request = Request("product-photo", table, options)
        work = await start_run(request, services.ledger, services.store)
        begun = time.perf_counter()
        await Shard(services, work).run(work.rows)
        return time.perf_counter() - begun


async def _floor(folder: Path, rows: int, jobs: int) -> float:
    base, key = os.environ["FAL_BASE_URL"], os.environ["FAL_KEY"]
    names = iter(range(rows))
    async with httpx.AsyncClient(
        headers={"Authorization": f"Key {key}"},
        limits=httpx.Limits(max_connections=100),
        timeout=60,
    ) as client:

        async def job(endpoint: str, body: dict[str, Any]) -> bytes:
            asked = (await client.post(f"{base}/{endpoint}", json=body)).json()
            pause = FIRST_POLL_SECONDS
            while True:
                await asyncio.sleep(pause)
                if (await client.get(asked["status_url"])).json()["status"] == "COMPLETED":
                    break
                pause = min(pause * GROWTH, LONGEST_SECONDS)
            output = (await client.get(asked["response_url"])).json()
            found = output.get("image") or output["images"][0]
            return (await client.get(found["url"])).content

        async def upload(data: bytes) -> str:
            answer = await client.post(
                f"{base}/storage/upload/initiate?storage_type=fal-cdn-v3",
                json={"file_name": "a.png", "content_type": "image/png"},
            )
            place = answer.json()
            await client.put(place["upload_url"], content=data)
            return str(place["file_url"])

        async def worker() -> None:
            for number in names:
                size = {"width": 1024, "height": 1024}
                prompt = f"{folder.name} {number}"
                made = await job("fal-ai/flux-2-pro", {"prompt": prompt, "image_size": size})
                url = await upload(made or picture(prompt))
                await job("fal-ai/birefnet/v2", {"image_url": url})

        begun = time.perf_counter()
        await asyncio.gather(*(worker() for _ in range(jobs)))
        return time.perf_counter() - begun


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rows", type=int, default=150)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--child", nargs=4, help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
