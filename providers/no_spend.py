"""Nothing is submitted to a vendor itself while MEDIAFLOWS_NO_SPEND names a file.

What would have been is noted there, a line each, whichever thread or process was about to send it.
The fixture `no_spend` of our pytest plugin sets it; local work, sandboxes and servers of a test's
own on this machine go through.
"""

from __future__ import annotations

import os
from urllib.parse import urlsplit

from providers.errors import SetupError

NO_SPEND_VARIABLE = "MEDIAFLOWS_NO_SPEND"
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


def refuse_to_spend(provider: str, what: str) -> None:
    """Return when `what` may be sent to a provider.

    Raises:
        SetupError: it would be paid for, and nothing may be.
    """
    notes = os.environ.get(NO_SPEND_VARIABLE)
    if not notes or not _is_far(provider):
        return
    line = f"{what} would be submitted to {provider} and paid for, and nothing may be spent here"
    with open(notes, "a", encoding="utf-8") as file:
        file.write(f"{line}\n")
    raise SetupError(f"{line}.")


def _is_far(provider: str) -> bool:
    from providers.registry import PROVIDERS

    found = PROVIDERS.get(provider)
    if found is None:
        return True
    realm = found.realm()
    if realm == "local" or realm.startswith("sandbox-"):
        return False
    return realm == "live" or urlsplit(realm).hostname not in _LOOPBACK
