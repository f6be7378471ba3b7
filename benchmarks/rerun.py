"""What a finished run costs when it is run again: CPU per row beyond process and server start.

    uv run python benchmarks/rerun.py [--rows 1000]

Three steps a row, every result known; the whole command `batch`, against a running Prefect server.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path

from _common import Line, child, install_vendor, middle, prefect_server, report, scratch

BOUND_MS = 3.0
TEMPLATE = """\
name: three-steps
version: 1
about: Three pictures a row.
inputs:
  prompt: {type: text}
steps:
  one: {model: flux-2-pro, with: {prompt: $prompt}}
  two: {model: recraft-v4, with: {prompt: $prompt}}
  three: {model: birefnet, with: {image: $one}}
outputs: {one: $one, two: $two, three: $three}
"""


def _batch(folder: Path, table: str) -> dict[str, float]:
    """Run the command once in this process; return its CPU seconds and its task runs."""
    os.environ["MEDIAFLOWS_HOME"] = str(folder / "home")
    os.environ["MEDIAFLOWS_RUNS_URL"] = str(folder / "runs")
    install_vendor()
    from flows.cli import cli

    words = ["batch", str(folder / "three-steps.yaml"), str(folder / table), "--provider", "fal"]
    sys.stdout, out = sys.stderr, sys.stdout  # the figures alone go to standard output
    begun = time.process_time()
    try:
        cli([*words, "--yes", "-j", "40"], standalone_mode=False)
    except SystemExit as end:
        if end.code:
            raise
    sys.stdout = out
    from flows.task_runs import task_runs_made

    return {"cpu_seconds": time.process_time() - begun, "task_runs": task_runs_made.total()}


def main() -> int:
    """Measure and print; return 1 when the bound is missed."""
    options = _options()
    if options.child:
        folder, table = options.child
        print(json.dumps(_batch(Path(folder), table)))
        return 0
    with scratch() as folder, prefect_server(folder) as url:
        (folder / "three-steps.yaml").write_text(TEMPLATE, encoding="utf-8")
        for name, rows in (("many.csv", options.rows), ("one.csv", 1)):
            lines = ["id,prompt", *(f"r{number:05},thing {number}" for number in range(rows))]
            (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
        figures: dict[str, list[float]] = {"many.csv": [], "one.csv": []}
        first = child(__file__, [str(folder), "many.csv"], {"PREFECT_API_URL": url})
        print(f"  first: {first}", flush=True)
        for _ in range(options.rounds):
            for name, found in figures.items():
                again = child(__file__, [str(folder), name], {"PREFECT_API_URL": url})
                print(f"  again, {name}: {again}", flush=True)
                if again["task_runs"] > 2:
                    raise SystemExit(f"{again['task_runs']} task runs for rows that are finished")
                found.append(again["cpu_seconds"])
    many, one = middle(figures["many.csv"]), middle(figures["one.csv"])
    each = (many - one) / (options.rows - 1) * 1000
    return report(
        [
            Line(f"again, {options.rows:,} finished rows", many, "s"),
            Line("again, one finished row", one, "s"),
            Line("each finished row", each, "ms", BOUND_MS),
        ]
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
