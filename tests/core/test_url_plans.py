"""Pictures at URLs: what a plan says of them, what is set aside, and what real sizes decide."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from flows.options import RunOptions
from flows.prepare import Request, plan_run, prepare
from tasks.home import find_home
from tasks.store import Store
from tests.core.plain import (
    BIREFNET,
    append,
    start,
    write_table,
    write_template,
)
from tests.core.shop import PAGES, png, table_of
from tests.providers.server import Said, Server
from tests.scripted import Script

UPSCALE = """\
name: upscale
version: 1
about: A picture made larger.
inputs:
  image: {type: image}
steps:
  large: {model: clarity-upscaler, provider: [fal], with: {image: $image, scale: 2}}
outputs: {large: $large}
"""


async def test_the_same_bytes_from_a_file_or_another_url_are_the_same_request(
    script: Script, shop: Server, tmp_path: Path
) -> None:
    (tmp_path / "mug.png").write_bytes(png("red"))
    template = write_template(tmp_path, UPSCALE)
    await start(write_table(tmp_path / "file.csv", {"f": "mug.png"}, "id,image"), template)
    ran = await start(table_of(tmp_path, shop, a="mug.png", b="mug"), template, max_cost="0.01")
    assert ran.totals.states == {"done": 2}  # and nothing had to be set aside for them
    assert (ran.attempts, ran.totals.reused, ran.totals.cost_usd) == ([], 2, 0)
    assert len(script.submits) == 1


async def test_a_plan_prices_what_it_has_not_seen_from_low_to_high(
    script: Script, shop: Server, tmp_path: Path
) -> None:
    request = Request(
        str(write_template(tmp_path, UPSCALE)),
        table_of(tmp_path, shop, r="large.png"),
        RunOptions(),
    )
    plan, _ = await plan_run(prepare(request), None, Store(find_home().store))
    (step,) = plan.steps
    assert (step.low, step.high) == (Decimal("0.03"), 64 * Decimal("0.03"))
    assert plan.unfetched == 1 and shop.asked == []


SUNG = """\
name: sung
version: 1
about: A clip as long as a sound.
inputs:
  image: {type: image}
  sound: {type: audio}
steps:
  clip:
    model: kling-2.5-turbo-pro
    provider: [fal]
    with: {image: $image, prompt: it turns, seconds: $sound.seconds}
outputs: {clip: $clip}
"""


async def test_a_fact_that_is_not_known_is_priced_at_the_dearest_and_not_at_the_default(
    script: Script, shop: Server, tmp_path: Path
) -> None:
    table = tmp_path / "sung.csv"
    table.write_text(f"id,image,sound\nr,{shop.url}/a.png,{shop.url}/a.wav\n", encoding="utf-8")
    request = Request(str(write_template(tmp_path, SUNG)), table, RunOptions())
    plan, _ = await plan_run(prepare(request), None, Store(find_home().store))
    (step,) = plan.steps
    assert (step.low, step.high) == (Decimal("0.35"), Decimal("0.70"))  # it sells 5 s and 10 s


async def test_admission_sets_aside_what_the_real_size_may_cost(
    script: Script, shop: Server, tmp_path: Path
) -> None:
    """4 megapixels at $0.03, three tries: $0.36, where 64 megapixels would be $5.76."""
    template, table = write_template(tmp_path, UPSCALE), table_of(tmp_path, shop, r="large.png")
    ran = await start(table, template, max_cost="0.35")
    assert ran.states == {"r": "not admitted"}
    assert script.submits == []
    ran = await start(table, template, max_cost="0.36")
    assert ran.states == {"r": "done"}


async def test_a_picture_that_no_model_takes_is_told_as_a_plan_would_tell_it(
    script: Script, shop: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    huge = png("red", (9000, 9000))
    monkeypatch.setitem(PAGES, "/huge.png", Said(body=huge))
    (tmp_path / "huge.png").write_bytes(huge)
    template = write_template(tmp_path, UPSCALE)
    table = write_table(tmp_path / "file.csv", {"r": "huge.png"}, "id,image")
    (row,) = prepare(Request(str(template), table, RunOptions())).rows
    ran = await start(table_of(tmp_path, shop, r="huge.png"), template)
    assert ran.states == {"r": "invalid"}
    assert ran.results["r"]["reason"] == row.faults[0].line
    assert "64 megapixels are the most" in row.faults[0].line
    assert script.submits == []


ROUTED = """\
name: routed
version: 1
about: Small pictures are enlarged, large ones are cut out as they are.
inputs:
  image: {type: image}
steps:
  larger: {model: resize, with: {image: $image, width: 200}, when: image.width < 100}
  cutout: {model: birefnet, provider: [fal], with: {image: {first: [$larger, $image]}}}
outputs: {cutout: $cutout}
"""


async def test_a_condition_on_a_fact_is_decided_when_the_file_is_there(
    script: Script, shop: Server, tmp_path: Path
) -> None:
    table = table_of(tmp_path, shop, small="mug.png", large="large.png")
    ran = await start(table, write_template(tmp_path, ROUTED))
    assert ran.totals.states == {"done": 2}
    assert [a.place.row for a in ran.attempts if a.place.step == "larger"] == ["small"]


async def test_a_run_from_a_step_knows_what_the_ledger_has_of_the_others(
    script: Script, shop: Server, tmp_path: Path
) -> None:
    template = write_template(tmp_path, ROUTED)
    table = table_of(tmp_path, shop, small="mug.png")
    script.turns = {BIREFNET: ["refuse"]}
    first = await start(table, template)
    assert first.states == {"small": "refused"}
    append(table, f"never,{shop.url}/vase.png")
    ran = await start(table, template, from_step="cutout", take=2)
    assert ran.states == {"small": "not admitted", "never": "not admitted"}
    ran = await start(table, template, from_step="cutout")
    assert ran.states == {"small": "refused", "never": "not admitted"}
