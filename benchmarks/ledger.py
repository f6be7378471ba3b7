"""What the ledger costs in CPU per attempt: three transactions for a job, one for local work.

Measured: 2,000 attempts by 50 concurrent waiters on a fresh SQLite file, process CPU with the
ledger's own thread: open, submitted, settle; and one whole local attempt. At most 1 ms each.

Run: uv run python benchmarks/ledger.py [--attempts 2000] [--rounds 5]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from decimal import Decimal
from uuid import uuid4

from _common import AMOUNT, Line, child, middle, report, scratch

AT_ONCE = 50
BOUND_MS = 1.0
RESULT = {
    "image": {
        "media": {
            "kind": "image",
            "sha256": "0" * 64,
            "media_type": "image/png",
            "size_bytes": 1_000,
            "width": 1024,
            "height": 1024,
            "seconds": None,
            "alpha": False,
        }
    }
}
FIELDS = {
    "model": "flux-2-pro",
    "revision": 1,
    "provider": "fal",
    "endpoint": "fal-ai/flux-2-pro",
    "realm": "live",
    "parameters": {"aspect_ratio": "1:1", "megapixels": 1, "safety": 2, "output_format": "png"},
    "inputs": {"prompt": "a red ceramic mug on a wooden table"},
    "fit": {},
    "take": 1,
}


def main() -> int:
    options = _options()
    if options.child:
        print(json.dumps(asyncio.run(_measure(options.child, options.attempts))))
        return 0
    ways = {"job": "three transactions (a job)", "local": "one transaction (local work)"}
    found: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(options.rounds):
        for way, figures in found.items():
            arguments = [way, "--attempts", str(options.attempts)]
            figures.append(child(__file__, arguments, {})["milliseconds"])
    return report(
        [
            Line(f"CPU per attempt, {what}", middle(found[way]), "ms", BOUND_MS)
            for way, what in ways.items()
        ]
    )


async def _measure(way: str, attempts: int) -> dict[str, float]:
    from tasks.ledger import open_ledger

    with scratch() as folder:
        ledger = open_ledger(f"sqlite:///{folder / 'ledger.db'}")
        one = {"job": _job, "local": _local}[way]
        await _all(AT_ONCE, lambda number: one(ledger, f"warm-{number}"))
        cpu = time.process_time()
        await _all(attempts, lambda number: one(ledger, f"row-{number}"))
        spent = time.process_time() - cpu
        ledger.close()
    return {"milliseconds": spent / attempts * 1000}


async def _all(count: int, one: Callable[[int], Awaitable[None]]) -> None:
    waiting = iter(range(count))

    async def worker() -> None:
        for number in waiting:
            await one(number)

    async with asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(worker())


async def _job(ledger, row: str) -> None:  # type: ignore[no-untyped-def]
    from tasks.ledger import attempts
    from tasks.ledger.attempt import Settlement

    opening = _opening(row)
    if not await ledger.do(attempts.open_attempt, opening):
        raise SystemExit(f"{row} was not opened")
    await ledger.do(attempts.submitted, opening.id, f"job-{opening.id}", {"poll": "https://host/x"})
    settlement = Settlement("accepted", RESULT, Decimal(1), AMOUNT, "exact")
    if not await ledger.do(attempts.settle, opening.id, settlement):
        raise SystemExit(f"{row} was not settled")


async def _local(ledger, row: str) -> None:  # type: ignore[no-untyped-def]
    from tasks.ledger import attempts
    from tasks.ledger.attempt import Settlement

    settlement = Settlement("accepted", RESULT, None, Decimal(0), "exact")
    await ledger.do(attempts.settle_local, _opening(row), settlement)


def _opening(row: str):  # type: ignore[no-untyped-def]
    from tasks.ledger.attempt import Opening, Place

    return Opening(
        id=uuid4().hex,
        key=uuid4().hex * 2,
        fields=FIELDS,
        place=Place("run", row, "photo"),
        owner="owner",
        body_digest="0" * 64,
        low=AMOUNT,
        high=AMOUNT,
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--attempts", type=int, default=2_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--child", choices=["job", "local"], help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
