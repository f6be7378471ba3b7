"""Words for people: on standard error, since standard output is for machines."""

from __future__ import annotations

import sys


def say(line: str) -> None:
    """Print a line for people."""
    print(line, file=sys.stderr, flush=True)
