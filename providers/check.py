"""Ask a provider whether it takes the key: the cheapest call that is free and authenticated."""

from __future__ import annotations

from collections.abc import Mapping

from providers.adapter import Call
from providers.errors import SetupError, UnavailableError
from providers.http_client import close_client
from providers.http_wire import HttpWire
from providers.registry import provider_named

# Each vendor's API reference, 2026-11-20. Bria has no such call that is known.
CHECKS: Mapping[str, Call] = {
    "bfl": Call("GET", "https://api.bfl.ai/v1/credits"),
    "fal": Call("POST", "https://rest.fal.ai/storage/auth/token?storage_type=fal-cdn-v3", {}),
    "replicate": Call("GET", "https://api.replicate.com/v1/predictions"),
}


async def check_key(name: str) -> str:
    """Return "the key is accepted", or that there is nothing to ask.

    Raises:
        RequestError: no such provider.
        SetupError: the key is not set or not accepted.
        UnavailableError: the provider cannot be reached, or answers something else.
    """
    provider = provider_named(name)
    if provider.key_variable is None:
        return "needs no key"
    if not provider.has_key():
        raise SetupError(f"{name}: no key; set {provider.key_variable}.")
    call = CHECKS.get(name)
    if call is None or not isinstance(provider.wire, HttpWire):
        return "has no free call to check a key with; the first job will tell"
    try:
        answer = await provider.wire.send(call)
    finally:
        await close_client()
    if answer.status in (401, 403):
        raise SetupError(f"{name} does not accept the key in {provider.key_variable}.")
    if not 200 <= answer.status < 300:
        raise UnavailableError(f"{name} answered {answer.status} to a question about the key")
    return "the key is accepted"
