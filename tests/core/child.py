"""Run a table in a process of its own, with a scripted vendor whose invoice several share.

python child.py TABLE TEMPLATE INVOICE SECONDS local|paid [RUN]

Prints the run's id as soon as there is one, and at the end the states of its rows as JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from flows.frozen import open_work, start_run
from flows.options import RunOptions
from flows.prepare import Request
from flows.shard import Shard
from providers import registry
from tasks import attempt
from tasks.home import find_home
from tasks.ledger import runs
from tasks.services import open_services
from tests.scripted import Script, scripted_providers


async def main(table: str, template: str, invoice: str, seconds: str, how: str, run: str) -> None:
    attempt.JOIN_POLL_SECONDS = 0.02
    script = Script(log=Path(invoice), seconds=float(seconds))
    registry.PROVIDERS.update(scripted_providers(script))
    async with open_services(find_home(), registry.PROVIDERS) as services:
        if run:
            found = await services.ledger.do(runs.one, run)
            work = open_work(found, services.ledger)
            await services.ledger.do(runs.begin, run, owner=services.owner.id, flow_run_id=None)
            await services.ledger.do(runs.reset_rows, run)
        else:
            request = Request(template, Path(table), RunOptions(jobs=8, local=how == "local"))
            work = await start_run(request, services.ledger, services.store)
        print(work.run, flush=True)
        await Shard(services, work).run(work.rows)
        ends = await services.ledger.do(runs.ends_of, work.run)
        print(json.dumps({end.row: [end.state, end.reason] for end in ends if end}), flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:6], sys.argv[6] if len(sys.argv) > 6 else ""))
