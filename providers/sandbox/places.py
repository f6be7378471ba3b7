"""Where a running sandbox is found: base URLs, keys and the variables that name them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

KEY_VARIABLES = {
    "bfl": "BFL_API_KEY",
    "bria": "BRIA_API_TOKEN",
    "fal": "FAL_KEY",
    "replicate": "REPLICATE_API_TOKEN",
}


def base_variables(vendor: str) -> str:
    """Return the variable that moves a vendor."""
    return f"{vendor.upper()}_BASE_URL"


def key_variables(vendor: str) -> str:
    """Return the variable that holds a vendor's key."""
    return KEY_VARIABLES[vendor]


def describe(
    origin: str, id: str, keys: Mapping[str, str], profile: str, seed: int
) -> dict[str, Any]:
    """Return what a client needs to know, as `--json` prints it."""
    return {
        "id": id,
        "port": urlsplit(origin).port,
        "pid": os.getpid(),
        "profile": profile,
        "seed": seed,
        "providers": {
            vendor: {
                "base_url": f"{origin}/{vendor}",
                "key_variable": KEY_VARIABLES[vendor],
                "key": keys[vendor],
            }
            for vendor in sorted(KEY_VARIABLES)
        },
        "invoice": f"{origin}/invoice",
    }
