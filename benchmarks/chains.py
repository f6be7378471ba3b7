"""The seven chains at full size: rows done, refusals, pixels off the aspect, billed and planned.

Each chain runs over its rows against a sandbox process of its own, which refuses what its vendors
refuse and keeps the invoice; every second row begins with a picture of some size, mode and format.
A refusal, a row that is not done, more than a pixel off or an invoice outside of the plan's span
is named, and the exit code is then 1.

Run: uv run python benchmarks/chains.py [--rows 40] [--chain NAME ...]
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import time

from _common import ROOT, scratch

sys.path.insert(0, str(ROOT))

from providers.registry import PROVIDERS
from tasks.home import find_home

# The repository's own tests, of which this is the full size:
from tests.chains.chains import CHAINS
from tests.chains.running import ChainRan, run_chain

HEADER = f"{'':26}{'done':>8}{'refused':>9}{'reused':>8}{'off by':>8}" + "".join(
    f"{name:>12}" for name in ("expected", "billed", "low", "high", "wall")
)


def main() -> int:
    options = _options()
    for provider in PROVIDERS.values():  # a sandbox brings keys of its own
        for name in (provider.key_variable, f"{provider.name.upper()}_BASE_URL"):
            os.environ.pop(name or "", None)
    faults = []
    print(HEADER, flush=True)
    with scratch() as folder:
        for chain in CHAINS:
            if options.chain and chain.name not in options.chain:
                continue
            at = folder / chain.name
            at.mkdir()
            os.environ["MEDIAFLOWS_HOME"] = str(at / "home")
            os.environ["MEDIAFLOWS_RUNS_URL"] = str(at / "runs")
            began = time.monotonic()
            ran = asyncio.run(run_chain(chain, find_home(), at, options.rows))
            print(f"{chain.name:26}{_words(ran)}{time.monotonic() - began:>10.0f} s", flush=True)
            for fault in ran.faults:
                print(f"  {fault}", flush=True)
            faults += ran.faults
    return 1 if faults else 0


def _words(ran: ChainRan) -> str:
    counts = (
        f"{ran.done}/{ran.rows}".rjust(8) + f"{ran.refusals:>9}{ran.reused:>8}{ran.off_by:>8.2f}"
    )
    amounts = (ran.expected, ran.billed, ran.low, ran.high)
    return counts + "".join(f"{f'${amount:.4f}':>12}" for amount in amounts)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rows", type=int, default=40)
    parser.add_argument("--chain", nargs="*", choices=[chain.name for chain in CHAINS])
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
