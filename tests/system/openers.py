"""Eight processes open one new ledger at the same moment: python openers.py URL...

Prints one line for each that could not; a process that is forked starts when it is told to.
"""

from __future__ import annotations

import os
import sys

import psycopg  # noqa: F401  (once: eight processes that each import it start one after another)

from tasks.ledger import open_ledger, owners

PROCESSES = 8


def open_at_once(url: str) -> None:
    """Fork the processes, let them go together, and wait for them."""
    hold, go = os.pipe()
    children = []
    for _ in range(PROCESSES):
        child = os.fork()
        if child == 0:
            os.close(go)
            os.read(hold, 1)  # ends when the last other end is closed
            use(url)
            os._exit(0)
        children.append(child)
    os.close(go)
    for child in children:
        os.waitpid(child, 0)
    os.close(hold)


def use(url: str) -> None:
    """Open the ledger and work on it."""
    try:
        ledger = open_ledger(url)
        ledger.do_now(owners.register, owners.this_process())
        ledger.close()
    except BaseException as error:
        print(f"{type(error).__name__}: {error}", flush=True)


if __name__ == "__main__":
    for one in sys.argv[1:]:
        open_at_once(one)
