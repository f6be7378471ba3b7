"""The sandbox as a process of its own: started, found again, killed, started again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from providers.errors import RequestError, SetupError
from providers.sandbox import convert
from providers.sandbox.behaviour import load_profile
from providers.sandbox.endpoints import VENDORS, endpoints
from providers.sandbox.process import find_sandbox, start_sandbox
from tests.sandbox.conftest import FLUX


def test_a_sandbox_is_started_found_killed_and_started_again(tmp_path: Path) -> None:
    first = start_sandbox(tmp_path, "fast", 3)
    try:
        assert os.getsid(first.pid) == first.pid  # what kills us does not kill it
        same = start_sandbox(tmp_path, "fast", 3)
        assert (same.pid, same.process) == (first.pid, None)
        with pytest.raises(SetupError, match="profile fast and seed 3 runs"):
            start_sandbox(tmp_path, "fast", 4)
        variables = first.environment()
        assert variables["FAL_BASE_URL"] == f"http://127.0.0.1:{first.port}/fal"
        headers = {"Authorization": f"Key {variables['FAL_KEY']}"}
        url = f"{variables['FAL_BASE_URL']}/{FLUX}"
        httpx.post(url, json={"prompt": "x"}, headers=headers, trust_env=False)
        os.kill(first.pid, signal.SIGKILL)
        first.process.wait()
        assert find_sandbox(tmp_path) is None
        second = start_sandbox(tmp_path, "fast", 3)
        try:
            assert (second.id, second.port, second.keys) == (first.id, first.port, first.keys)
            assert [line["outcome"] for line in second.invoice()] == ["succeeded"]
        finally:
            second.stop()
        assert second.process.returncode == 0
        assert find_sandbox(tmp_path) is None
    finally:
        first.stop()


def test_the_command_prints_what_a_shell_can_read_and_ends_at_sigterm(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "providers.sandbox", "--profile", "fast", "--home"]
    with subprocess.Popen([*command, str(tmp_path)], stdout=subprocess.PIPE, text=True) as one:
        lines = [one.stdout.readline().strip() for _ in range(9)]
        again = subprocess.run([*command, str(tmp_path)], capture_output=True, text=True)
        one.terminate()
        assert one.wait(10) == 0
    assert sum(line.startswith("export ") for line in lines) == 8
    assert lines[0].startswith("export BFL_BASE_URL=http://127.0.0.1:")
    assert lines[-1].startswith("# invoice: http://127.0.0.1:")
    assert again.returncode == 2 and "already running" in again.stderr


def test_a_process_that_does_not_start_says_why(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match=r"no sandbox profile 'clam'. Did you mean 'calm'"):
        start_sandbox(tmp_path, "clam", 0)


def test_a_profile_may_be_a_file_and_its_mistakes_are_named(tmp_path: Path) -> None:
    file = tmp_path / "mine.json"
    file.write_text(json.dumps({"time_scale": 0.5, "rules": [{"fault": "slow", "factor": 3}]}))
    profile = load_profile(str(file))
    assert (profile.name, profile.time_scale) == ("mine", 0.5)
    assert profile.rules[0].options == {"factor": 3}
    for text, said in (
        ('{"rules": [{"fault": "slw"}]}', "no fault 'slw'. Did you mean 'slow'"),
        ('{"time_scal": 1}', "no 'time_scal'. Did you mean 'time_scale'"),
        ("{", "not valid JSON"),
    ):
        file.write_text(text)
        with pytest.raises(RequestError, match=said):
            load_profile(str(file))


def test_the_conversion_of_the_facts_is_deterministic_and_keeps_unknown_prices_null() -> None:
    facts = {
        "status": "active",
        "kind": "text-to-image",
        "bindings": [
            {
                "provider": "bfl",
                "endpoint": "POST https://api.bfl.ai/v1/x",
                "input_map": {},
                "output_path": "result.sample",
                "params": [
                    {"name": "prompt", "type": "string", "required": True},
                    {"name": "width", "type": "integer", "range": "64.., x16, total<=4MP"},
                ],
                "price": {"unit": None, "usd": None},
            },
            {"provider": "somebody else"},
        ],
    }
    gone = facts | {"status": "retired upstream"}
    made = convert.convert([facts, gone])
    assert made == convert.convert([facts, gone])
    (entry,) = made["bfl"]
    assert entry["endpoint"] == "/v1/x"
    assert entry["fields"]["width"] == {"type": "integer", "minimum": 64, "multiple_of": 16}
    assert entry["size"] == {"rule": "sides", "max_megapixels": 4}
    assert entry["price"]["usd"] is None


def test_every_vendor_offers_something_and_every_endpoint_can_be_read() -> None:
    counts = {vendor: len(endpoints(vendor)) for vendor in VENDORS}
    assert counts == {"bfl": 2, "bria": 1, "fal": 31, "replicate": 20}
    for vendor in VENDORS:
        for endpoint in endpoints(vendor).values():
            assert endpoint.price.usd is None or endpoint.price.usd > 0
            assert endpoint.media_fields or not endpoint.needs_picture
