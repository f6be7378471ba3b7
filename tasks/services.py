"""What every step of this process shares: ledger, store, providers, limits, in-flight work."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from providers.driver import Driver
from providers.errors import MediaflowsError, SetupError
from providers.http_client import close_client
from providers.registry import PROVIDERS, Provider
from tasks.home import Home
from tasks.ledger import Ledger, open_ledger, owners
from tasks.sharing import Sharing
from tasks.store import Store

log = logging.getLogger(__name__)

HEARTBEAT_SECONDS = 5.0
IN_FLIGHT_PER_PROVIDER = 64  # until the adaptive limiter: vendors queue what is above their limit


@dataclass(slots=True)
class Services:
    """The shared parts of one event loop's work on one home."""

    home: Home
    ledger: Ledger
    store: Store
    owner: owners.Owner
    providers: Mapping[str, Provider]
    in_flight: Sharing[object] = field(default_factory=Sharing)
    _slots: dict[str, asyncio.Semaphore] = field(default_factory=dict)
    _drivers: dict[str, Driver] = field(default_factory=dict)

    def slot(self, provider: str) -> asyncio.Semaphore:
        """Return the semaphore that bounds the requests in flight at one provider."""
        if provider not in self._slots:
            most = (os.cpu_count() or 1) if provider == "local" else IN_FLIGHT_PER_PROVIDER
            self._slots[provider] = asyncio.Semaphore(most)
        return self._slots[provider]

    def driver(self, name: str) -> Driver:
        """Return the driver of one provider.

        Raises:
            SetupError: the provider has no adapter yet.
        """
        if name not in self._drivers:  # kept: a driver remembers what it has uploaded
            provider = self.providers[name]
            if provider.adapter is None or provider.wire is None:
                raise SetupError(f"Provider {name!r} has no adapter yet: only its facts are known.")
            self._drivers[name] = Driver(provider.adapter, provider.wire, provider.poll_first())
        return self._drivers[name]


@asynccontextmanager
async def open_services(
    home: Home, providers: Mapping[str, Provider] = PROVIDERS
) -> AsyncIterator[Services]:
    """Open the ledger and the store of `home` for work in this event loop, with a heartbeat."""
    ledger = open_ledger(home.ledger_url)
    owner = owners.this_process()
    try:
        await ledger.do(owners.register, owner)
        heart = asyncio.create_task(_beat(ledger, owner))
        try:
            yield Services(home, ledger, Store(home.store), owner, providers)
        finally:
            heart.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await heart
            await close_client()
            ledger.post(owners.forget, owner)  # last: what it has left open is anybody's now
    finally:
        await asyncio.to_thread(ledger.close)


async def _beat(ledger: Ledger, owner: owners.Owner) -> None:
    while True:
        await asyncio.sleep(HEARTBEAT_SECONDS)
        try:
            await ledger.do(owners.beat, owner)
        except MediaflowsError as error:  # one beat that failed is not the end of the owner
            log.warning("heartbeat: %s", error)
