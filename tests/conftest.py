"""What every test starts from: a home of its own, no key of the developer's, and no network."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from providers import registry
from providers.registry import PROVIDERS
from tasks.home import Home, find_home
from tasks.services import Services, open_services
from tests.scripted import Script, scripted_providers

LOOPBACK = ("localhost", "127.0.0.1", "::1")
UNSET = (
    "MEDIAFLOWS_LEDGER_URL",
    "MEDIAFLOWS_STORE_URL",
    "MEDIAFLOWS_TEMPLATES",
    "PREFECT__FLOW_RUN_ID",
)


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """The default transports of httpx reach this machine and nothing else."""
    send = httpx.HTTPTransport.handle_request
    send_async = httpx.AsyncHTTPTransport.handle_async_request

    def handle(self: httpx.HTTPTransport, request: httpx.Request) -> httpx.Response:
        _refuse_far(request)
        return send(self, request)

    async def handle_async(
        self: httpx.AsyncHTTPTransport, request: httpx.Request
    ) -> httpx.Response:
        _refuse_far(request)
        return await send_async(self, request)

    monkeypatch.setattr(httpx.HTTPTransport, "handle_request", handle)
    monkeypatch.setattr(httpx.AsyncHTTPTransport, "handle_async_request", handle_async)


def _refuse_far(request: httpx.Request) -> None:
    if request.url.host not in LOOPBACK:
        raise RuntimeError(f"tests may not use the network: {request.method} {request.url}")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A fresh home and runs folder, the working folder beside them, every provider's key unset."""
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    for provider in PROVIDERS.values():
        monkeypatch.delenv(f"{provider.name.upper()}_BASE_URL", raising=False)
        if provider.key_variable:
            monkeypatch.delenv(provider.key_variable, raising=False)
    for name in UNSET:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MEDIAFLOWS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("MEDIAFLOWS_RUNS_URL", str(tmp_path / "runs"))
    return find_home()


@pytest.fixture
def products(tmp_path: Path) -> Path:
    """Three rows for the template product-photo."""
    path = tmp_path / "products.csv"
    path.write_text(
        "id,prompt,aspect\nmug,a red mug,1:1\nvase,a tall vase,4:5\nlamp,a desk lamp,16:9\n",
        encoding="utf-8",
    )
    return path


@pytest.fixture
async def services(home: Home) -> AsyncIterator[Services]:
    """The open ledger and store of `home`, with the providers as they are registered."""
    async with open_services(home, registry.PROVIDERS) as opened:
        yield opened


@pytest.fixture
def script(home: Home, monkeypatch: pytest.MonkeyPatch) -> Script:
    """A paid vendor in process, registered as fal with its key set: say in `turns` what it does."""
    script = Script()
    for name, provider in scripted_providers(script).items():
        monkeypatch.setitem(registry.PROVIDERS, name, provider)
    return script
