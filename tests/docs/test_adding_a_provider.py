"""docs/adding-a-provider.md does what it says: its vendor runs over HTTP, from key to picture."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from providers.adapter import Answer, Done, Job, Order
from providers.catalog import Binding, load_model, quote
from providers.driver import Driver
from providers.errors import BadReplyError, RefusedError, UnavailableError
from providers.http_client import close_client
from providers.registry import Provider, over_http
from providers.trusted_urls import Site
from providers.yaml_file import parse_yaml
from tasks.store import Store
from tests.providers.replies import FILE, Vendor, body_with
from tests.providers.server import Asked, Said, serving

PAGE = Path(__file__).parents[2] / "docs" / "adding-a-provider.md"
BLOCKS = {
    name: code
    for name, code in re.findall(
        r"^```(?:python|yaml) (\w+)\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.M | re.S
    )
}
FLUX = load_model("flux-2-pro")


def names() -> dict[str, Any]:
    """What the page's code sees: the adapter's module, and what the other files import."""
    found: dict[str, Any] = {"__name__": "providers.lumen"}
    exec(compile(BLOCKS["adapter"], "providers/lumen.py", "exec", dont_inherit=True), found)
    given = (over_http, Site, Vendor, Answer, Job, Decimal, RefusedError, pytest)
    return {**found, **{getattr(one, "__name__", ""): one for one in given}}


@pytest.fixture
def provider() -> Provider:
    made = eval(BLOCKS["registry"], names())
    assert isinstance(made, Provider)
    return made


@pytest.fixture
def binding() -> Binding:
    return Binding.model_validate(parse_yaml(BLOCKS["binding"], "lumen.yaml"))


@pytest.fixture
def order(binding: Binding) -> Order:
    parameters = {"aspect_ratio": "16:9", "megapixels": 1, "seed": 0, "output_format": "jpeg"}
    return Order(binding, parameters, {"prompt": "a red mug"})


@pytest.fixture
def vendor() -> Vendor:
    vendors: dict[str, Any] = {}
    exec(BLOCKS["replies"], {**names(), "VENDORS": vendors})
    found = vendors["lumen"]
    assert isinstance(found, Vendor)
    return found


@pytest.fixture(autouse=True)
async def own_client() -> AsyncIterator[None]:
    yield
    await close_client()


def test_every_block_of_the_page_is_run() -> None:
    assert set(BLOCKS) == {"adapter", "registry", "binding", "replies", "tests"}
    assert PAGE.read_text(encoding="utf-8").count("\n```\n") == len(BLOCKS)


def test_the_pages_own_tests_pass() -> None:
    found = names()
    exec(compile(BLOCKS["tests"], "tests", "exec", dont_inherit=True), found)
    tests = [one for name, one in found.items() if name.startswith("test_")]
    assert len(tests) == 1
    for test in tests:
        test()


def test_the_binding_is_one_of_the_catalog(binding: Binding) -> None:
    data = FLUX.model_dump(by_alias=True)
    data["bindings"] = [*data["bindings"], binding.model_dump(by_alias=True)]
    assert type(FLUX).model_validate(data).bindings[-1] == binding
    assert quote(FLUX, binding, {}).expected == Decimal("0.05")


def test_the_replies_are_read_as_the_contract_wants(
    provider: Provider, order: Order, vendor: Vendor
) -> None:
    adapter = provider.adapter
    assert adapter is not None
    job = adapter.read_submit(order, vendor.accepted)
    assert isinstance(job, Job)
    assert Job(job.id, json.loads(json.dumps(job.receipt))) == job
    with pytest.raises(BadReplyError, match="unknown status"):
        adapter.read_poll(job, vendor.unknown)
    with pytest.raises(UnavailableError):
        adapter.read_submit(order, Answer(429, {}))
    done = adapter.read_poll(job, vendor.done[0](body_with("picture.url", FILE)))
    assert isinstance(done, Done)
    assert (done.outputs[0].url, done.amount_usd) == (FILE, vendor.amount_usd)


async def test_the_provider_makes_a_picture_over_http(
    provider: Provider, order: Order, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    states = ["working", "working", "ready"]

    def say(asked: Asked) -> Said:
        if asked.method == "POST":
            return Said(200, {"id": "l1", "poll": "https://api.lumen.example/v1/jobs/l1"})
        if asked.path.endswith("/l1"):
            state = states.pop(0)
            return Said(200, {"state": state, "picture": {"url": f"{server.url}/files/1.png"}})
        return Said(200, b"the picture", {"content-type": "image/png"})

    assert provider.adapter is not None
    assert provider.wire is not None
    driver = Driver(provider.adapter, provider.wire, first_poll_seconds=0.01)
    store = Store(tmp_path)
    async with serving(say) as server:
        monkeypatch.setenv("LUMEN_BASE_URL", f"{server.url}/lumen")
        monkeypatch.setenv("LUMEN_API_KEY", "made-up-key")
        prepared = await driver.prepare(order)
        job = await driver.submit(prepared, driver.adapter.submit(prepared))
        assert isinstance(job, Job)
        done = await driver.wait(job, usual_seconds=1, deadline_seconds=10)
        sha256, size = await driver.download(str(done.outputs[0].url), store.receive)
    assert size == len(b"the picture")
    assert store.verified(sha256)
    submit = server.asked[0]
    assert submit.path == "/lumen/v1/pictures"
    assert submit.headers["x-lumen-key"] == "made-up-key"
    assert submit.json() == {
        "prompt": "a red mug",
        "size": "1280x720",
        "seed": 0,
        "format": "jpg",
        "watermark": False,
    }
