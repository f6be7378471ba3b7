"""What mediaflows adds to the calls it makes: time with calls of 1 s, CPU with instant ones.

Measured: 500 rows of `product-photo`, two calls each, in one shard flow, against a Prefect server
of its own, with a synchronous vendor in the process. Three ways take turns: mediaflows, the same
nesting in plain Prefect (a row task that awaits two persisted JSON tasks), plain asyncio.

- Time: from the first call's beginning to the last call's end, over rows x 2 x 1 s / in flight:
  at most 1.10 at 50 in flight, 1.05 at 20.
- CPU of the client with instant answers: at most 1.5 times that of plain Prefect, which keeps no
  picture, no ledger and no price. The server's CPU is not the client's.

Run: uv run python benchmarks/overhead.py [--rows 500] [--rounds 3] [--skip-waits]
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from _common import Line, child, middle, prefect_server, report, scratch
from _runs import WAYS, measure

BOUNDS = {50: 1.10, 20: 1.05}
CPU_BOUND = 1.5
INSTANT_JOBS = 50


def main() -> int:
    options = _options()
    if options.child:
        way, folder, rows, jobs, seconds = options.child
        print(json.dumps(measure(way, Path(folder), int(rows), int(jobs), float(seconds))))
        return 0
    cases = [(INSTANT_JOBS, 0.0)]
    if not options.skip_waits:
        cases += [(jobs, 1.0) for jobs in BOUNDS]
    found: dict[tuple[int, float, str], list[dict[str, Any]]] = {}
    with scratch() as folder, prefect_server(folder) as url:
        for number in range(options.rounds):
            for jobs, seconds in cases:
                for way in WAYS:
                    at = folder / f"{way}-{jobs}-{seconds}-{number}"
                    at.mkdir()
                    arguments = [way, str(at), str(options.rows), str(jobs), str(seconds)]
                    figures = child(__file__, arguments, {"PREFECT_API_URL": url})
                    found.setdefault((jobs, seconds, way), []).append(figures)
                    print(f"  {number + 1}: {way} {jobs} x {seconds:g} s: {figures}", flush=True)
    return report(_lines(found, options.rows))


def _lines(found: dict[tuple[int, float, str], list[dict[str, Any]]], rows: int) -> list[Line]:
    lines = []
    for jobs, bound in BOUNDS.items():
        for way in WAYS:
            if figures := found.get((jobs, 1.0, way)):
                ideal = rows * 2 * 1.0 / jobs
                ratio = middle([figure["span_seconds"] / ideal for figure in figures])
                what = f"time / ideal, {jobs} in flight: {way}"
                lines.append(Line(what, ratio, "x", bound if way == "ours" else None))
    cpu = {way: found[INSTANT_JOBS, 0.0, way] for way in WAYS}
    for way, figures in cpu.items():
        per_call = middle([figure["cpu_seconds"] for figure in figures]) / (2 * rows) * 1000
        lines.append(Line(f"client CPU per call: {way}", per_call, "ms"))
    ratios = [
        ours["cpu_seconds"] / peer["cpu_seconds"]
        for ours, peer in zip(cpu["ours"], cpu["prefect"], strict=True)
    ]
    lines.append(Line("client CPU, ours / plain Prefect", middle(ratios), "x", CPU_BOUND))
    return lines


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rows", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--skip-waits", action="store_true", help="only the CPU comparison")
    parser.add_argument("--child", nargs=5, help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
