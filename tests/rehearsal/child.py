"""Run a table against a sandbox in a process of its own, which waits to be told to begin.

python child.py TABLE PROFILE

It stops itself when its sandbox runs, so that a crash point can be set for it.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

from flows.frozen import start_run
from flows.options import RunOptions
from flows.prepare import Request
from flows.sandboxed import sandboxed
from flows.shard import Shard
from tasks.home import find_home
from tasks.services import open_services


async def run(table: str, options: RunOptions) -> None:
    async with open_services(find_home()) as services:
        request = Request("product-photo", Path(table), options)
        work = await start_run(request, services.ledger, services.store)
        await Shard(services, work).run(work.rows)


def main(table: str, profile: str) -> None:
    options = RunOptions(sandbox=profile)
    with sandboxed(options, find_home()):
        os.kill(os.getpid(), signal.SIGSTOP)
        asyncio.run(run(table, options))


if __name__ == "__main__":
    main(*sys.argv[1:])
