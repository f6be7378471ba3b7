"""What memory grows with the rows: from 200 to 2,000, against plain Prefect.

Measured: the peak of the resident set after `product-photo` over 200 and over 2,000 rows with an
instant vendor, each in a fresh process, ours (one shard flow) and the same nesting in plain
Prefect. The growth of ours may be at most 20 MB above that of plain Prefect.

Run: uv run python benchmarks/memory.py [--rounds 3]
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from _common import Line, child, middle, prefect_server, report, scratch
from _runs import measure

FEW, MANY = 200, 2_000
JOBS = 50
BOUND_MB = 20.0
WAYS = ("ours", "prefect")


def main() -> int:
    options = _options()
    if options.child:
        way, folder, rows = options.child
        print(json.dumps(measure(way, Path(folder), int(rows), JOBS, 0.0)))
        return 0
    peaks: dict[tuple[str, int], list[float]] = {}
    with scratch() as folder, prefect_server(folder) as url:
        for number in range(options.rounds):
            for rows in (FEW, MANY):
                for way in WAYS:
                    at = folder / f"{way}-{rows}-{number}"
                    at.mkdir()
                    figures = child(__file__, [way, str(at), str(rows)], {"PREFECT_API_URL": url})
                    peaks.setdefault((way, rows), []).append(figures["peak_megabytes"])
                    print(f"  {number + 1}: {way} {rows} rows: {figures}", flush=True)
    at_most = {key: middle(values) for key, values in peaks.items()}
    growth = {way: at_most[way, MANY] - at_most[way, FEW] for way in WAYS}
    return report(
        [
            *(
                Line(f"peak, {rows:,} rows: {way}", at_most[way, rows], "MB")
                for way, rows in at_most
            ),
            *(Line(f"growth: {way}", growth[way], "MB") for way in WAYS),
            Line(
                "growth, ours - plain Prefect", growth["ours"] - growth["prefect"], "MB", BOUND_MB
            ),
        ]
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
