"""What lies between the steps of a chain: 100 steps of 100 ms, one after the other, take 10 s alone.

Measured: one row of a template with 100 steps, each on the picture of the one before, as a shard
flow against a Prefect server of its own, with a synchronous vendor in the process that takes 100 ms
a call. From the first call's beginning to the last call's end, over 10 s: at most 1.3.

Run: uv run python benchmarks/chain_of_steps.py [--rounds 3]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from pathlib import Path

from _common import Line, child, install_vendor, middle, prefect_server, report, scratch

STEPS, SECONDS, BOUND = 100, 0.1, 1.3


def main() -> int:
    options = _options()
    if options.child:
        print(json.dumps({"span_seconds": measure(Path(options.child))}))
        return 0
    ratios = []
    with scratch() as folder, prefect_server(folder) as url:
        for number in range(options.rounds):
            at = folder / f"round-{number}"
            at.mkdir()
            figures = child(__file__, [str(at)], {"PREFECT_API_URL": url})
            ratios.append(figures["span_seconds"] / (STEPS * SECONDS))
            print(f"  {number + 1}: {figures}", flush=True)
    return report([Line(f"{STEPS} steps of {SECONDS:g} s / ideal", middle(ratios), "x", BOUND)])


def measure(folder: Path) -> float:
    """Run the chain once and return the seconds from its first call to the end of its last."""
    os.environ["MEDIAFLOWS_HOME"] = str(folder / "home")
    os.environ["MEDIAFLOWS_RUNS_URL"] = str(folder / "runs")
    calls = install_vendor(SECONDS)
    from flows.batch_flow import shard
    from flows.frozen import start_run
    from flows.options import RunOptions
    from flows.prepare import Request
    from tasks.home import find_home
    from tasks.ledger import open_ledger
    from tasks.store import Store

    home = find_home()
    (folder / "rows.csv").write_text("id,prompt\nmug,a red mug\n", encoding="utf-8")
    request = Request(
        str(_template(folder)), folder / "rows.csv", RunOptions(provider=("fal",), jobs=1)
    )
    ledger = open_ledger(home.ledger_url)
    run = asyncio.run(start_run(request, ledger, Store(home.store))).run
    ledger.close()
    asyncio.run(shard("chain", run, 0, 1))
    if calls.count != STEPS:
        raise SystemExit(f"{calls.count} calls were made instead of {STEPS}")
    return calls.span


def _template(folder: Path) -> Path:
    lines = ["name: chain", "version: 1", "about: One step after the other."]
    lines += ["inputs: {prompt: {type: text}}", "steps:"]
    lines += ["  step_0: {model: flux-2-pro, with: {prompt: $prompt}}"]
    lines += [
        f"  step_{number}: {{model: birefnet, with: {{image: $step_{number - 1}}}}}"
        for number in range(1, STEPS)
    ]
    lines += [f"outputs: {{last: $step_{STEPS - 1}}}"]
    path = folder / "chain.yaml"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
