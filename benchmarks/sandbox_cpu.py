"""CPU time of the sandbox per cycle beside that of a bare httpx client that drives it.

A cycle is a submit, two polls, the fetch of the result and the download of 1 MB. The sandbox
must not cost more than half of the client, or a benchmark against it would measure the sandbox.

    uv run python benchmarks/sandbox_cpu.py [--cycles 200] [--rounds 5]
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import tempfile
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import httpx  # noqa: E402
import psutil  # noqa: E402

from providers.sandbox.process import RunningSandbox, start_sandbox  # noqa: E402

BOUND = 0.5
PROFILE = {
    "time_scale": 0,
    "pictures": "plain",
    "picture_bytes": 1 << 20,
}


def cycle(http: httpx.Client, url: str, number: int) -> int:
    """Run one cycle and return the bytes downloaded."""
    job = http.post(url, json={"prompt": f"a red mug, number {number}"}).json()
    for _ in range(2):
        http.get(job["status_url"])
    picture = http.get(job["response_url"]).json()["images"][0]
    return len(http.get(picture["url"]).content)


def own_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def sandbox_seconds(running: RunningSandbox) -> float:
    times = psutil.Process(running.pid).cpu_times()
    return times.user + times.system


def measure(running: RunningSandbox, cycles: int) -> tuple[float, float]:
    """Return CPU milliseconds per cycle: (client, sandbox)."""
    headers = {"Authorization": f"Key {running.keys['fal']}"}
    url = f"{running.base_urls['fal']}/fal-ai/flux-2-pro"
    with httpx.Client(headers=headers, trust_env=False) as http:
        for number in range(20):  # the pictures' bases are made and everything is imported
            cycle(http, url, number)
        client, server = own_seconds(), sandbox_seconds(running)
        fetched = sum(cycle(http, url, number) for number in range(cycles))
        client, server = own_seconds() - client, sandbox_seconds(running) - server
    if fetched < cycles << 20:
        raise RuntimeError(f"only {fetched} bytes came for {cycles} cycles")
    return client / cycles * 1000, server / cycles * 1000


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cycles", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        profile = Path(folder) / "cpu.json"
        profile.write_text(json.dumps(PROFILE), encoding="utf-8")
        running = start_sandbox(Path(folder) / "home", str(profile), 0)
        try:
            rounds = [measure(running, options.cycles) for _ in range(options.rounds)]
        finally:
            running.stop()
    for client, server in rounds:
        print(f"client {client:.2f} ms, sandbox {server:.2f} ms, ratio {server / client:.2f}")
    ratio = median(server / client for client, server in rounds)
    client, server = (median(values) for values in zip(*rounds, strict=True))
    print(f"median: client {client:.2f} ms, sandbox {server:.2f} ms per cycle, ratio {ratio:.2f}")
    print(f"bound {BOUND}: {'kept' if ratio <= BOUND else 'BROKEN'}")
    return 0 if ratio <= BOUND else 1


if __name__ == "__main__":
    sys.exit(main())
