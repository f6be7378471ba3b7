"""The vendors' official Python SDKs, unchanged, against the sandbox.

fal-client speaks https only and reads its hosts when it is imported, so it runs in a process of
its own against a sandbox with a certificate, where `localhost` is the queue's host and
`127.0.0.1` the direct one. Its upload hosts are constants and are set in the module.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
import trustme

from providers.sandbox.process import RunningSandbox, start_sandbox
from tests.sandbox.conftest import png


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[str, str, str]:
    """A certificate for this machine: (authority, certificate, key)."""
    authority = trustme.CA()
    issued = authority.issue_cert("localhost", "127.0.0.1")
    paths = [str(tmp_path / name) for name in ("ca.pem", "cert.pem", "key.pem")]
    authority.cert_pem.write_to_path(paths[0])
    issued.cert_chain_pems[0].write_to_path(paths[1])
    issued.private_key_pem.write_to_path(paths[2])
    return paths[0], paths[1], paths[2]


def profile(tmp_path: Path, *rules: dict[str, Any], **options: Any) -> str:
    """Write a profile and return its path."""
    path = tmp_path / "profile.json"
    data = {"pictures": "plain", "shortest_seconds": 0.2, "longest_seconds": 5, "time_scale": 0}
    path.write_text(json.dumps(data | options | {"rules": rules}))
    return str(path)


def seen(code: str, **variables: str) -> dict[str, Any]:
    """Run `code` in a fresh process and return what it put into `seen`."""
    whole = "import json\nseen = {}\n" + textwrap.dedent(code) + "\nprint(json.dumps(seen))"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", whole],
        env=os.environ | variables | {"NO_PROXY": "*"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


FAL = """
    import fal_client, httpx, time
    from fal_client.client import FalClientHTTPError

    client = fal_client.SyncClient()
    handle = client.submit(
        "fal-ai/flux-2-pro", {"prompt": "a red mug"}, webhook_url="https://example.com/hook?a=b",
        priority="low", hint="runner", start_timeout=30,
    )
    seen["statuses"] = []
    for event in handle.iter_events(with_logs=True, interval=0.02):
        seen["statuses"].append(type(event).__name__)
    seen["logs"] = event.logs
    seen["metrics"] = event.metrics
    seen["result"] = handle.get()
    seen["by_id"] = client.result("fal-ai/flux-2-pro", handle.request_id) == seen["result"]
    seen["run"] = list(client.run("fal-ai/flux-2-pro", {"prompt": "direct"}))
    seen["subscribed"] = list(client.subscribe("fal-ai/flux-2-pro", {"prompt": "waited for"}))

    def error(act):
        try:
            act()
        except FalClientHTTPError as error:
            return [error.status_code, error.message, error.error_type]

    seen["late_cancel"] = error(handle.cancel)
    seen["cancel"] = client.submit("fal-ai/fast-sdxl", {"prompt": "slow"}).cancel()
    seen["invalid"] = error(client.submit("fal-ai/flux-2-pro", {"prompt": "x", "seed": "y"}).get)
    seen["failed"] = error(client.submit("fal-ai/flux/dev", {"prompt": "x"}).get)
    seen["timeout"] = error(client.submit("fal-ai/flux/schnell", {"prompt": "x"}).get)

    fal_client.client.REST_URL = fal_client.client.CDN_URL = BASE
    url = client.upload(PNG, "image/png", "in.png")
    seen["whole"] = httpx.get(url).content == PNG
    cut = client.run("fal-ai/birefnet/v2", {"image_url": url})
    seen["cut"] = [cut["image"]["width"], cut["image"]["height"]]
    url = client.upload(PNG, "image/png", "in.png", repository="fal")
    seen["in_two"] = httpx.get(url).content == PNG
    seen["wrong_key"] = error(
        lambda: fal_client.SyncClient(key="nobody").submit("fal-ai/flux-2-pro", {"prompt": "x"})
    )
"""


def test_the_official_fal_client_works_unchanged(
    tmp_path: Path, certificate: tuple[str, str, str]
) -> None:
    authority, cert, key = certificate
    rules = (
        {"fault": "fail", "endpoint": "fal-ai/flux/dev"},
        {"fault": "fail", "endpoint": "fal-ai/flux/schnell", "error_type": "request_timeout"},
        {"fault": "slow", "endpoint": "fal-ai/fast-sdxl", "seconds": 30},
    )
    options = ["--tls-certificate", cert, "--tls-key", key]
    options += ["--root", "localhost=fal", "--root", "127.0.0.1=fal/run"]
    running = start_sandbox(
        tmp_path / "home", profile(tmp_path, *rules, queue_seconds=0.2), 0, options
    )
    try:
        found = seen(
            FAL.replace("BASE", repr(running.base_urls["fal"])).replace("PNG", repr(png())),
            FAL_KEY=running.keys["fal"],
            FAL_RUN_HOST=f"127.0.0.1:{running.port}",
            FAL_QUEUE_RUN_HOST=f"localhost:{running.port}",
            SSL_CERT_FILE=authority,
        )
    finally:
        running.stop()
    assert list(dict.fromkeys(found["statuses"])) == ["Queued", "InProgress", "Completed"]
    assert found["logs"] and found["metrics"]["inference_time"] >= 0.2
    assert found["result"]["images"][0]["width"] == 1024
    assert found["by_id"] and found["run"] == found["subscribed"] == ["images", "seed"]
    assert found["late_cancel"][0] == 400
    assert found["cancel"] is None
    code, message, kind = found["invalid"]
    assert (code, message[0]["type"], kind) == (422, "int_type", None)
    assert found["failed"][0] == 500 and found["failed"][2] == "runner_server_error"
    assert found["timeout"][0] == 504
    assert found["whole"] and found["in_two"] and found["cut"] == [96, 64]
    assert found["wrong_key"][0] == 401


REPLICATE = """
    import io, httpx, replicate
    from replicate.exceptions import ModelError, ReplicateError

    client = replicate.Client()
    model = "black-forest-labs/flux-2-pro"
    output = client.run(model, input={"prompt": "a red mug", "output_format": "png"})
    seen["picture"] = httpx.get(output).content[:4].hex()
    prediction = client.predictions.create(model=model, input={"prompt": "slow"})
    seen["begun"] = [prediction.status, prediction.model, prediction.version]
    prediction.wait()
    seen["ended"] = prediction.status
    prediction.reload()
    seen["output"] = prediction.output.startswith("http")
    # `predictions.create(model=..., wait=...)` drops the wait on its way, in 1.0.7.
    waited = client.models.predictions.create(model, input={"prompt": "waited for"}, wait=5)
    seen["waited"] = waited.status
    slow = client.predictions.create(version=SDXL, input={"prompt": "cancelled"})
    slow.cancel()
    slow.reload()
    seen["cancelled"] = slow.status
    seen["listed"] = [one.id for one in client.predictions.list().results][0] == slow.id
    file = client.files.create(io.BytesIO(PNG), filename="in.png")
    seen["file"] = [file.name, file.size, file.content_type]
    cut = client.run(BIREFNET, input={"image": io.BytesIO(PNG)})
    seen["cut"] = httpx.get(cut).content[:4].hex()
    seen["schema"] = sorted(
        client.models.get("men1scus/birefnet").latest_version.openapi_schema["components"]["schemas"]
    )
    try:
        client.predictions.create(model=model, input={"seed": "x"})
    except ReplicateError as error:
        seen["invalid"] = [error.status, error.title]
    try:
        client.run("black-forest-labs/flux-dev", input={"prompt": "fails"})
    except ModelError as error:
        seen["failed"] = str(error)
    try:
        replicate.Client(api_token="nobody").predictions.list()
    except ReplicateError as error:
        seen["wrong_key"] = error.status
"""
SDXL = "7762fd07cf82c948538e41f63f77d685e02b063e37e496e96eefd46c929f9bdc"
BIREFNET = "men1scus/birefnet:f3e7ae8430032db9e9923c65f95ddf9f5b7ded8b7780163f18d1db67215dbd6d"


def test_the_official_replicate_client_works_unchanged(tmp_path: Path) -> None:
    rules = (
        {"fault": "fail", "endpoint": "black-forest-labs/flux-dev", "error": "it broke"},
        {"fault": "slow", "endpoint": "stability-ai/*", "seconds": 30},
        {"fault": "server_error", "at": "poll", "endpoint": "black-forest-labs/flux-2-pro"},
    )
    running: RunningSandbox = start_sandbox(tmp_path / "home", profile(tmp_path, *rules), 0)
    code = REPLICATE.replace("PNG", repr(png())).replace("SDXL", repr(SDXL))
    try:
        found = seen(
            code.replace("BIREFNET", repr(BIREFNET)),
            REPLICATE_API_TOKEN=running.keys["replicate"],
            REPLICATE_BASE_URL=running.base_urls["replicate"],
            REPLICATE_POLL_INTERVAL="0.05",
        )
        invoice = running.invoice()
    finally:
        running.stop()
    assert found["picture"] == found["cut"] == "89504e47"
    assert found["begun"] == ["processing", "black-forest-labs/flux-2-pro", "hidden"]
    assert found["ended"] == found["waited"] == "succeeded" and found["output"]
    assert found["cancelled"] == "canceled" and found["listed"]
    assert found["file"] == ["in.png", len(png()), "image/png"]
    assert found["schema"] == ["Input", "Output"]
    assert found["invalid"] == [422, "Input validation failed"]
    assert found["failed"] == "it broke"
    assert found["wrong_key"] == 401
    outcomes = [line["outcome"] for line in invoice]
    assert outcomes == ["succeeded"] * 3 + ["cancelled", "succeeded", "failed"]
