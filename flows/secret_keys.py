"""Keys out of Prefect Secret blocks, for flows that a worker runs where no variable is set.

The block of fal's key is named `mediaflows-fal`, and so on for every provider. The command line
plans before it has a server, so there a key is an environment variable.
"""

from __future__ import annotations

import os

from prefect.blocks.system import Secret

from providers.registry import PROVIDERS


async def load_secret_keys() -> list[str]:
    """Set the variable of each provider that has none from its block; return those providers."""
    found = []
    for name, provider in PROVIDERS.items():
        if provider.key_variable is None or provider.has_key():
            continue
        try:
            block: Secret[str] = await Secret.aload(f"mediaflows-{name}")
        except ValueError:  # no block of that name
            continue
        os.environ[provider.key_variable] = str(block.get())
        found.append(name)
    return found
