"""Put a sandbox in the providers' place: `--sandbox [PROFILE]`, the rehearsal that costs nothing.

The sandbox is a process of its own with its own keys. Its id, jobs, media and invoice lie in
`MEDIAFLOWS_HOME/sandbox/PROFILE/`, so that a command after a killed one finds it again.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flows.options import RunOptions
from tasks.home import Home

SEED = 1  # of the faults; another one is for `mediaflows sandbox --seed`


@contextmanager
def sandboxed(options: RunOptions, home: Home) -> Iterator[None]:
    """Have the block talk to the sandbox that the options name, if they name one.

    A sandbox that this block has started ends with it; one that ran already runs on. In a block
    that is in a sandbox already nothing happens.
    """
    from providers.registry import SANDBOX_VARIABLE

    if options.sandbox is None or SANDBOX_VARIABLE in os.environ:
        yield
        return
    from providers.sandbox.process import start_sandbox

    sandbox = start_sandbox(sandbox_folder(home, options.sandbox), options.sandbox, SEED)
    variables = {**sandbox.environment(), SANDBOX_VARIABLE: sandbox.id}
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
        if sandbox.process is not None:
            sandbox.stop()


def sandbox_folder(home: Home, profile: str) -> Path:
    """Return where the state of that profile's sandbox is kept."""
    return home.folder / "sandbox" / Path(profile).stem
