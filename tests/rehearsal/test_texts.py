"""Captions and product text at the sandbox's vendors: billed by tokens, checked on arrival."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tasks.home import Home
from tests.core.plain import Ran, resume, start
from tests.rehearsal.accounts import comparison, require_a_line_for_each
from tests.rehearsal.conftest import Launch

pytestmark = pytest.mark.system  # the sandbox is a server

MINI, FLASH, ROUTER = "openai/gpt-4o-mini", "google/gemini-2.5-flash", "openrouter/router"
ONLY_MINI = {"copy": "gpt-4o-mini@replicate"}
SLY = "$caption ${name} $$5 ${attributes}"
FAST: dict[str, Any] = {"about": "x", "time_scale": 0.0005, "longest_seconds": 0.02}


@pytest.fixture
def table(tmp_path: Path) -> Path:
    for name, colour in (("mug", "red"), ("vase", "blue")):
        image = Image.new("RGB", (320, 240), "white")
        image.paste(colour, (100, 60, 200, 200))
        image.save(tmp_path / f"{name}.jpg")
    path = tmp_path / "copy.csv"
    lines = ["sku,image,name,attributes", f"mug,mug.jpg,A mug,{SLY}", "vase,vase.jpg,A vase,"]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def reasons(ran: Ran) -> set[str]:
    return {line["reason"] for line in ran.results.values()}


@pytest.mark.parametrize("provider", ["replicate", "fal"])
async def test_every_row_has_its_text_and_the_invoice_is_the_ledger(
    provider: str, home: Home, launch: Launch, table: Path
) -> None:
    sandbox, begun_at = launch("fast", 1), time.time()
    ran = await start(table, "image-to-copy", provider=(provider,))
    assert ran.states == {"mug": "done", "vase": "done"}, reasons(ran)
    require_a_line_for_each(ran.attempts, sandbox.invoice())
    said = comparison(home, ran, "fast", begun_at)
    invoiced, _, known = said.partition(" = ledger ")
    assert invoiced == f"invoice {known}", said
    for line in ran.results.values():
        assert list(json.loads(line["copy"])) == ["title", "bullets", "alt_text"]
    unpriced = {attempt.amount is None for attempt in ran.attempts}
    assert unpriced == {provider == "fal"}


async def test_what_stands_in_a_cell_reaches_the_vendor_as_it_stands(
    home: Home, launch: Launch, table: Path
) -> None:
    launch("fast", 1)
    await start(table, "image-to-copy", provider=("replicate",))
    journal = "".join(
        path.read_text(encoding="utf-8") for path in home.folder.glob("sandbox/fast/*.jsonl")
    )
    events = [json.loads(line) for line in journal.splitlines()]
    sent = [event["job"]["given"] for event in events if event["event"] == "accepted"]
    prompts = [given["prompt"] for given in sent if "system_prompt" in given]
    assert any(f"Known facts: {SLY}." in prompt for prompt in prompts)


@pytest.mark.parametrize(
    ("fault", "problem"),
    [
        ("truncated", "the text that came is turned down: it is not JSON (Unterminated string"),
        (
            "chatty",
            "it is not JSON (Expecting value at 1); it begins 'Sure! Here is what you asked",
        ),
        ("empty_output", "the text that came is empty"),
    ],
)
async def test_what_is_no_json_is_rejected_paid_and_told_in_one_line(
    fault: str,
    problem: str,
    launch: Launch,
    write_profile: Callable[..., str],
    table: Path,
) -> None:
    rules = [{"fault": fault, "endpoint": MINI}]
    sandbox = launch(write_profile("bad", **FAST, rules=rules), 1)
    ran = await start(table, "image-to-copy", use=ONLY_MINI, provider=("replicate",))
    assert ran.states == {"mug": "rejected", "vase": "rejected"}
    assert ran.outcomes(step="copy") == {"rejected": 2}
    assert all(attempt.amount for attempt in ran.attempts)
    for reason in reasons(ran):
        assert problem in reason
        assert "\n" not in reason
    paid = len(sandbox.invoice())
    again = await start(table, "image-to-copy", use=ONLY_MINI, provider=("replicate",))
    assert again.states == ran.states
    await resume(ran.run)
    assert len(sandbox.invoice()) == paid  # a verdict is remembered


async def test_a_fallback_writes_what_the_first_model_did_not(
    launch: Launch, write_profile: Callable[..., str], table: Path
) -> None:
    launch(write_profile("bad", **FAST, rules=[{"fault": "chatty", "endpoint": MINI}]), 1)
    ran = await start(table, "image-to-copy", provider=("replicate",))
    assert ran.states == {"mug": "done", "vase": "done"}
    assert ran.outcomes(step="copy", model="gpt-4o-mini") == {"rejected": 2}
    assert ran.outcomes(step="copy", model="gemini-2.5-flash") == {"accepted": 2}
