"""The providers: who they are, where their keys stand, and which of them can be used yet."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from providers.adapter import Adapter, Wire
from providers.errors import RequestError, near
from providers.local.adapter import LocalAdapter, LocalWire


@dataclass(frozen=True, slots=True)
class Provider:
    """One provider; without an adapter its catalog entries are data for now."""

    name: str
    key_variable: str | None
    base_url: str
    adapter: Adapter | None = None
    wire: Wire | None = None
    first_poll_seconds: float | None = None
    """When a job is first asked for; None: after half of the binding's usual latency."""

    def has_key(self, environment: Mapping[str, str] = os.environ) -> bool:
        """True when its key is set, or it needs none."""
        return self.key_variable is None or bool(environment.get(self.key_variable))

    def origin(self, environment: Mapping[str, str] = os.environ) -> str:
        """The base URL in force: `<NAME>_BASE_URL`, else the provider's own."""
        return environment.get(f"{self.name.upper()}_BASE_URL") or self.base_url

    def realm(self, environment: Mapping[str, str] = os.environ) -> str:
        """Where results come from: "live" at the provider's own hosts, "local", else the origin.

        Part of every request key, so that a rehearsal is never reused as a paid result.
        """
        if self.name == "local":
            return "local"
        origin = self.origin(environment)
        if origin == self.base_url:
            return "live"
        parts = urlsplit(origin)
        return f"{parts.scheme}://{parts.netloc}"


PROVIDERS: dict[str, Provider] = {
    "bfl": Provider("bfl", "BFL_API_KEY", "https://api.bfl.ai"),
    "bria": Provider("bria", "BRIA_API_TOKEN", "https://engine.prod.bria-api.com"),
    "fal": Provider("fal", "FAL_KEY", "https://queue.fal.run"),
    "local": Provider("local", None, "local:", LocalAdapter(), LocalWire()),
    "replicate": Provider("replicate", "REPLICATE_API_TOKEN", "https://api.replicate.com"),
}


def provider_named(name: str) -> Provider:
    """Return the provider of that name.

    Raises:
        RequestError: no such provider; the message offers the nearest.
    """
    if name not in PROVIDERS:
        raise RequestError(f"There is no provider {name!r}.{near(name, PROVIDERS)}")
    return PROVIDERS[name]
