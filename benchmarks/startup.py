"""What a command costs that runs no flow: user and system CPU of a fresh process.

Measured: `mediaflows templates`, at most 0.7 s and without importing Prefect; `mediaflows plan` of
10,000 rows of `product-photo`, at most 3 s: played on this machine, at a paid provider, and where
the ledger already knows all of their 20,000 results.

Run: uv run python benchmarks/startup.py [--rows 10000] [--rounds 5]
"""

from __future__ import annotations

import argparse
import sys
from decimal import Decimal
from pathlib import Path
from uuid import uuid4

from _commands import KEYS, cost_of
from _common import Line, middle, picture, report, scratch, write_table

TEMPLATES_SECONDS = 0.7
PLAN_SECONDS = 3.0
NO_PREFECT = (
    "from flows.cli import cli\n"
    "cli(standalone_mode=False)\n"
    "sys.exit(bool({'prefect', 'pandas', 'cv2'} & set(sys.modules)))"
)


def main() -> int:
    options = _options()
    with scratch() as folder:
        table = write_table(folder / "rows.csv", options.rows)
        fresh, full = folder / "fresh", folder / "full"
        known = _fill(full, table)
        plan = ["plan", "product-photo", str(table)]
        local, paid = [*plan, "--local"], [*plan, "--provider", "fal"]
        rows = f"{options.rows:,} rows"
        commands = {
            "templates": (["templates"], fresh, TEMPLATES_SECONDS),
            f"plan --local, {rows}": (local, fresh, PLAN_SECONDS),
            f"plan, paid, {rows}": (paid, fresh, PLAN_SECONDS),
            f"plan --local, {rows}, {known:,} results known": (local, full, PLAN_SECONDS),
        }
        cost_of(["templates"], fresh, code=NO_PREFECT)
        found: dict[str, list[float]] = {what: [] for what in commands}
        for _ in range(options.rounds):
            for what, (arguments, home, _) in commands.items():
                found[what].append(cost_of(arguments, home, KEYS).cpu_seconds)
        said = cost_of(local, full).output
        if f"({known:,} known)" not in said:
            raise SystemExit(f"the plan does not know the {known:,} results: {said}")
    return report([Line(what, middle(found[what]), "s", commands[what][2]) for what in commands])


def _fill(home: Path, table: Path) -> int:
    """Write a ledger and a store that have both results of every row; return how many."""
    from flows.options import RunOptions
    from flows.prepare import Request, prepare
    from flows.resolve import Ready, Skipped, resolve_step
    from flows.routes import candidates
    from providers.media import Media, Value
    from tasks.ledger import attempts, open_ledger
    from tasks.ledger.attempt import Opening, Place, Settlement
    from tasks.store import Store

    prepared = prepare(Request("product-photo", table, RunOptions(local=True)))
    store = Store(home / "store")
    ledger = open_ledger(f"sqlite:///{home / 'ledger.db'}")
    made: list[tuple[Opening, Settlement]] = []
    for row in prepared.rows:
        results: dict[str, dict[str, Value]] = {}
        for step in prepared.graph.steps:
            items = resolve_step(prepared.graph, step, row.inputs, results)
            assert not isinstance(items, Skipped)
            (ready,) = items.values()
            assert isinstance(ready, Ready)
            routes = prepared.routes[step.name]
            first = candidates(step, routes, ready.ports, ready.parameters, 1)[0]
            media = _keep(store, picture(f"{row.id} {step.name}"), Media)
            results[step.name] = {"image": media}
            opening = Opening(
                uuid4().hex, first.key, first.fields, Place("earlier", row.id, step.name), "owner"
            )
            result = {"image": media.to_json()}
            made.append((opening, Settlement("accepted", result, None, Decimal(0), "exact")))
    ledger.do_now(
        lambda connection: [attempts.settle_local(connection, *attempt) for attempt in made]
    )
    ledger.close()
    return len(made)


def _keep(store, data: bytes, media_type):  # type: ignore[no-untyped-def]
    """Put bytes where the store has them, without its care for durability."""
    import hashlib

    sha256 = hashlib.sha256(data).hexdigest()
    path = store.path(sha256)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return media_type("image", sha256, "image/png", len(data), 1, 1, None, True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=5)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
