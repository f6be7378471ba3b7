"""The providers: who they are, where their keys stand, and which of them can be used yet."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from providers.adapter import Adapter, Wire
from providers.bfl import BflAdapter
from providers.bria import BriaAdapter
from providers.errors import RequestError, near
from providers.fal import FalAdapter
from providers.http_wire import HttpWire
from providers.local.adapter import LocalAdapter, LocalWire
from providers.replicate import ReplicateAdapter
from providers.trusted_urls import Site, read_key

SANDBOX_VARIABLE = "MEDIAFLOWS_SANDBOX"
"""The id of the sandbox that the base URLs point at: it outlives the port it listens on."""


SANDBOX_FIRST_POLL_SECONDS = 0.1


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

    def poll_first(self, environment: Mapping[str, str] = os.environ) -> float | None:
        """When a job is first asked for, in seconds; a rehearsal is not made to wait."""
        if self.first_poll_seconds is None and self.realm(environment).startswith("sandbox-"):
            return SANDBOX_FIRST_POLL_SECONDS
        return self.first_poll_seconds

    def key(self, environment: Mapping[str, str] = os.environ) -> str | None:
        """Return the key in force, or None when none is set or needed; as `read_key`."""
        return read_key(self.key_variable, environment) if self.key_variable else None

    def has_key(self, environment: Mapping[str, str] = os.environ) -> bool:
        """True when its key is set, or it needs none."""
        return self.key_variable is None or bool(environment.get(self.key_variable, "").strip())

    def origin(self, environment: Mapping[str, str] = os.environ) -> str:
        """The base URL in force: `<NAME>_BASE_URL`, else the provider's own."""
        return environment.get(f"{self.name.upper()}_BASE_URL", "").rstrip("/") or self.base_url

    def realm(self, environment: Mapping[str, str] = os.environ) -> str:
        """Where results come from, as it stands in every request key.

        "live" at the provider's own hosts, the sandbox's id at a sandbox, "local" on this machine,
        else the origin: what a rehearsal made is never reused as a paid result.
        """
        if self.name == "local":
            return "local"
        origin = self.origin(environment)
        if origin == self.base_url:
            return "live"
        if sandbox := environment.get(SANDBOX_VARIABLE):
            return f"sandbox-{sandbox}"
        parts = urlsplit(origin)
        return f"{parts.scheme}://{parts.netloc}"


def over_http(site: Site, adapter: Adapter) -> Provider:
    """Return the provider that is at `site` and speaks as `adapter` says."""
    return Provider(site.name, site.key_variable, site.base_url, adapter, HttpWire(site))


# Which hosts are a vendor's own, and how the key is shown to them: its docs, 2026-11-20.
_ALL = (
    over_http(
        Site(
            name="bfl",
            key_variable="BFL_API_KEY",
            base_url="https://api.bfl.ai",
            hosts=("api.bfl.ai", "api.*.bfl.ai"),  # a job is asked for on the region that runs it
            file_hosts=("delivery*.bfl.ai",),
            key_header="x-key",
        ),
        BflAdapter(),
    ),
    over_http(
        Site(
            name="bria",
            key_variable="BRIA_API_TOKEN",
            base_url="https://engine.prod.bria-api.com",
            hosts=("engine.prod.bria-api.com",),
            key_header="api_token",
        ),
        BriaAdapter(),
    ),
    over_http(
        Site(
            name="fal",
            key_variable="FAL_KEY",
            base_url="https://queue.fal.run",
            hosts=("queue.fal.run", "fal.run", "rest.fal.ai"),
            file_hosts=("fal.media", "*.fal.media"),  # public, and uploads go to signed URLs
            key_form="Key {key}",
        ),
        FalAdapter(),
    ),
    Provider("local", None, "local:", LocalAdapter(), LocalWire()),
    over_http(
        Site(
            name="replicate",
            key_variable="REPLICATE_API_TOKEN",
            base_url="https://api.replicate.com",
            hosts=("api.replicate.com", "replicate.delivery", "*.replicate.delivery"),
            key_form="Bearer {key}",
        ),
        ReplicateAdapter(),
    ),
)

PROVIDERS: dict[str, Provider] = {provider.name: provider for provider in _ALL}


def provider_named(name: str) -> Provider:
    """Return the provider of that name.

    Raises:
        RequestError: no such provider; the message offers the nearest.
    """
    if name not in PROVIDERS:
        raise RequestError(f"There is no provider {name!r}.{near(name, PROVIDERS)}")
    return PROVIDERS[name]
