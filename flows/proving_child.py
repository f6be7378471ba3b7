"""One process of `mediaflows prove`: starts a run, or goes on with the newest, until it is killed.

    python -m flows.proving_child TABLE

It runs the plain core: no Prefect and no server, so that nothing but the ledger and the store can
know what was paid. Where it writes and whom it asks is in its environment.
"""

from __future__ import annotations

import asyncio
import sys
from decimal import Decimal
from pathlib import Path

from flows.frozen import Work, open_work, start_run
from flows.options import RunOptions
from flows.prepare import Request
from flows.results import finish_run
from flows.shard import Shard
from tasks.home import find_home
from tasks.ledger import runs
from tasks.services import Services, open_services

TEMPLATE = "product-photo"
OPTIONS = RunOptions(
    jobs=4, provider=("fal",), use={"cutout": "bria-rmbg-2"}, max_cost=Decimal(1000), breaker=False
)


async def _work(services: Services, table: Path) -> Work:
    found = await services.ledger.do(runs.find, "")
    if not found:
        request = Request(TEMPLATE, table, OPTIONS)
        return await start_run(request, services.ledger, services.store)
    await services.ledger.do(runs.reset_rows, found[0].id)
    return open_work(found[0], services.ledger)


async def main(table: Path) -> None:
    """Bring every row to its end."""
    async with open_services(find_home()) as services:
        work = await _work(services, table)
        await services.ledger.do(runs.begin, work.run, owner=services.owner.id, flow_run_id=None)
        print("running", flush=True)
        await Shard(services, work).run(work.rows)
        await asyncio.to_thread(finish_run, work, services.ledger, services.store)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
