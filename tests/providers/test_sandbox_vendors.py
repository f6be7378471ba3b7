"""Every binding of the catalog, over real loopback HTTP, against the sandbox's vendors."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from decimal import Decimal
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from providers.adapter import Done, Finder, Job, Material, Order
from providers.catalog import Binding, Model, load_model
from providers.driver import Driver
from providers.errors import RefusedError, SetupError
from providers.http_client import close_client
from providers.kinds import KINDS
from providers.local.audio import speech_tone
from providers.local.probe import decodes
from providers.local.video import clip_from_picture
from providers.registry import PROVIDERS
from tasks.keep import media_of
from tasks.store import Store
from tests.providers.replies import OFFERS, material, offer_name, order_for


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    home = tmp_path_factory.mktemp("sandbox")
    command = [sys.executable, "-m", "providers.sandbox", "--port", "0", "--profile", "fast"]
    running = subprocess.Popen(
        [*command, "--home", str(home), "--json"], stdout=subprocess.PIPE, text=True
    )
    try:
        assert running.stdout is not None
        yield json.loads(running.stdout.readline())
    finally:
        running.terminate()
        running.communicate(timeout=20)


@pytest.fixture
async def keys(
    home: object, sandbox: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[None]:
    for name, facts in sandbox["providers"].items():
        monkeypatch.setenv(f"{name.upper()}_BASE_URL", facts["base_url"])
        monkeypatch.setenv(facts["key_variable"], facts["key"])
    yield
    await close_client()


SIZE = (1024, 576)  # what every one of the vendors takes


@pytest.fixture
def picture() -> bytes:
    file = BytesIO()
    Image.new("RGB", SIZE, (200, 30, 40)).save(file, format="PNG")
    return file.getvalue()


def media_in(folder: Path, picture: bytes) -> dict[str, Material]:
    """One of each kind of file, as an order holds it."""
    files = {
        "image": ("in.png", picture),
        "video": ("in.mp4", clip_from_picture(Image.new("RGB", (320, 180), "red"), 1, 320, 180)),
        "audio": ("in.wav", speech_tone("one two three")),
    }
    return {
        word: Material(media_of(sha256(data).hexdigest(), path, data), path)
        for word, (name, data) in files.items()
        if (path := material(folder / name, data).path)
    }


def driver_of(name: str) -> Driver:
    provider = PROVIDERS[name]
    assert provider.adapter is not None
    assert provider.wire is not None
    return Driver(provider.adapter, provider.wire, first_poll_seconds=0.01)


async def started(order: Order) -> tuple[Driver, Job, str]:
    driver = driver_of(order.binding.provider)
    prepared = await driver.prepare(order)
    call = driver.adapter.submit(prepared)
    job = await driver.submit(prepared, call)
    assert isinstance(job, Job)
    return driver, Job(job.id, json.loads(json.dumps(job.receipt))), call.digest()


async def finished(driver: Driver, job: Job) -> Done:
    return await driver.wait(job, usual_seconds=0.1, deadline_seconds=20)


def invoice(sandbox: dict[str, Any], job: str) -> dict[str, Any]:
    text = httpx.get(sandbox["invoice"], timeout=10).text
    lines = [json.loads(line) for line in text.splitlines()]
    return next(line for line in lines if line["job"] == job)


@pytest.mark.parametrize("offer", OFFERS, ids=offer_name)
async def test_every_binding_runs_from_submit_to_a_stored_picture(
    offer: tuple[Model, Binding],
    picture: bytes,
    tmp_path: Path,
    keys: None,
    sandbox: dict[str, Any],
) -> None:
    model, binding = offer
    extra = {"seed": 0} if "seed" in model.parameters else {}
    order = order_for(model, binding, media_in(tmp_path, picture), **extra)
    driver, job, digest = await started(order)
    done = await finished(driver, job)
    store = Store(tmp_path / "store")
    (output,) = done.outputs
    assert output.url is not None
    name, size = await driver.download(output.url, store.receive)
    assert size > 100
    made = media_of(name, store.verified(name))
    decodes(store.path(name))
    assert made.kind == KINDS[model.kind].outputs[output.port].type.word
    if model.kind == "remove-background":
        assert (made.width, made.height) == SIZE
    line = invoice(sandbox, job.id)
    assert line["body_sha256"] == digest
    if done.amount_usd is not None:
        assert done.amount_usd == Decimal(line["amount"])


@pytest.mark.parametrize("aspect", ["16:9", "4:5"])
@pytest.mark.parametrize("name", ["flux-2-pro", "recraft-v4"])
async def test_a_picture_has_the_shape_that_was_asked_for(
    name: str, aspect: str, tmp_path: Path, keys: None
) -> None:
    model = load_model(name)
    for binding in model.bindings:
        values = {"aspect_ratio": aspect, "output_format": "jpeg", "megapixels": 0.5}
        known = {key: value for key, value in values.items() if key in model.parameters}
        order = order_for(model, binding, material(tmp_path / "x", b""), **known)
        driver, job, _ = await started(order)
        (output,) = (await finished(driver, job)).outputs
        assert output.url is not None
        sha256, _ = await driver.download(output.url, Store(tmp_path / "store").receive)
        with Image.open(Store(tmp_path / "store").path(sha256)) as made:
            width, height = (int(part) for part in aspect.split(":"))
            assert made.width / made.height == pytest.approx(width / height, rel=0.05)


async def test_the_same_bytes_are_uploaded_once(picture: bytes, tmp_path: Path, keys: None) -> None:
    model = load_model("birefnet")
    driver = driver_of("fal")
    files = [material(tmp_path / f"{number}.png", picture) for number in range(3)]
    orders = [await driver.prepare(order_for(model, model.bindings[0], file)) for file in files]
    urls = {order.inputs["image"].url for order in orders}  # type: ignore[union-attr]
    assert len(urls) == 1
    other = material(tmp_path / "other.png", picture + b"x")
    again = await driver.prepare(order_for(model, model.bindings[0], other))
    assert again.inputs["image"].url not in urls  # type: ignore[union-attr]


async def test_a_wrong_key_is_a_setup_error_that_names_the_variable(
    picture: bytes, tmp_path: Path, keys: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for model, binding in OFFERS:
        variable = str(PROVIDERS[binding.provider].key_variable)
        monkeypatch.setenv(variable, "not-the-key-at-all")
        with pytest.raises(SetupError, match=variable) as caught:
            await started(order_for(model, binding, media_in(tmp_path, picture)))
        assert "not-the-key" not in str(caught.value)


@pytest.mark.parametrize("offer", OFFERS, ids=offer_name)
async def test_a_request_that_the_vendor_cannot_take_is_refused(
    offer: tuple[Model, Binding], picture: bytes, tmp_path: Path, keys: None
) -> None:
    model, binding = offer
    if (model.model, binding.provider) == ("sdxl", "replicate"):
        pytest.skip("its prompt has a default: nothing is required there")
    order = order_for(model, binding, media_in(tmp_path, picture))
    ports = KINDS[model.kind].inputs
    fields = {
        key: rule
        for key, rule in binding.fields.items()
        if (rule if isinstance(rule, str) else rule.source) not in ports
    }
    broken = replace(order, binding=binding.model_copy(update={"fields": fields}))
    with pytest.raises(RefusedError):
        driver, job, _ = await started(broken)
        await finished(driver, job)


async def test_a_prediction_whose_answer_was_lost_is_found(
    picture: bytes, tmp_path: Path, keys: None
) -> None:
    for model, binding in OFFERS:
        if binding.provider != "replicate":
            continue
        order = order_for(model, binding, media_in(tmp_path, picture))
        driver, job, digest = await started(order)
        finder = driver.adapter
        assert isinstance(finder, Finder)
        answer = await driver.wire.send(finder.find())
        found = finder.read_find(order, digest, answer)
        assert job.id in {one.id for one, created in found.jobs if created}


async def test_a_running_job_can_be_cancelled_where_the_vendor_can(
    tmp_path: Path, keys: None
) -> None:
    model = load_model("flux-2-pro")
    for binding in model.bindings:
        driver, job, _ = await started(order_for(model, binding, material(tmp_path / "x", b"")))
        taken = await driver.cancel(job)
        assert taken in (True, False)
        if binding.provider == "bfl":
            assert taken is False
