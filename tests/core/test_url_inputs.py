"""Pictures at URLs: fetched once in a run, refused clearly, and kept for a resume."""

from __future__ import annotations

import asyncio
import hashlib
import time
from pathlib import Path

import pytest

from flows.frozen import open_work, start_run
from flows.options import RunOptions
from flows.outlook import Outlook, look_ahead
from flows.prepare import Request
from flows.results import finish_run
from flows.shard import Shard, stop_asked
from providers import registry
from tasks.home import find_home
from tasks.ledger import runs
from tasks.services import open_services
from tasks.store import Store
from tests.core.plain import (
    BIREFNET,
    BRIA,
    append,
    as_killed,
    resume,
    start,
    write_table,
    write_template,
)
from tests.core.shop import PAGES, asked, png, table_of
from tests.providers.server import Said, Server
from tests.scripted import PRICE, Script


async def test_pictures_at_urls_are_cut_out_and_each_is_fetched_once(
    script: Script, shop: Server, tmp_path: Path
) -> None:
    rows = {"r1": "mug.png?s=1", "r2": "vase.png", "r3": "mug.png?s=1", "r4": "mug.png?s=1"}
    ran = await start(table_of(tmp_path, shop, **rows), "cut-out")
    assert ran.totals.states == {"done": 4}
    assert asked(shop) == ["/mug.png?s=1", "/vase.png"]
    assert script.endpoints() == {BIREFNET: 2}
    assert ran.totals.cost_usd == 2 * PRICE
    assert ran.results["r1"]["image"] == f"{shop.url}/mug.png?s=1"


@pytest.mark.parametrize(
    ("page", "said"),
    [
        ("none.png", "image: '{url}' is not there (404). Mend the URL."),
        ("page.png", "image: '{url}' is a web page. Give the address of the file itself."),
        ("text.png", "image: '{url}' is neither a picture, a clip nor a sound that can be read."),
        ("cut.png", "image: '{url}' is damaged or cut short"),
        ("busy.png", "image: '{url}' could not be fetched: the server answered 503. Go on later"),
    ],
)
async def test_what_is_no_picture_makes_its_row_invalid_and_costs_nothing(
    script: Script, shop: Server, tmp_path: Path, page: str, said: str
) -> None:
    ran = await start(table_of(tmp_path, shop, bad=f"{page}?k=secret", mug="mug.png"), "cut-out")
    assert ran.states == {"bad": "invalid", "mug": "done"}
    reason = ran.results["bad"]["reason"]
    assert reason.startswith(said.format(url=f"{shop.url}/{page}"))
    assert "\n" not in reason and "secret" not in reason
    assert script.endpoints() == {BIREFNET: 1}
    (failure,) = ran.lines("failures.csv")
    assert failure["image"] == f"{shop.url}/{page}?k=secret"  # as it came


async def test_a_dead_url_in_many_rows_is_asked_once(
    script: Script, shop: Server, tmp_path: Path
) -> None:
    rows = {f"r{number}": "none.png" for number in range(12)}
    ran = await start(table_of(tmp_path, shop, **rows), "cut-out", jobs=4)
    assert ran.totals.states == {"invalid": 12}
    assert asked(shop) == ["/none.png"]


async def test_a_file_that_is_too_large_or_too_slow_is_told(
    script: Script, shop: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("providers.fetch_input.MAX_INPUT_BYTES", 20)
    ran = await start(table_of(tmp_path, shop, mug="mug.png"), "cut-out")
    assert "bytes, and 20 are taken. Download it, give the path." in ran.results["mug"]["reason"]
    monkeypatch.setattr("providers.fetch_input.INPUT_SECONDS", 0.0)
    again = await resume(ran.run)
    assert again.states == {"mug": "invalid"}
    assert "did not come within 0 s. Go on later with `resume`" in again.results["mug"]["reason"]
    monkeypatch.undo()
    monkeypatch.setenv("MEDIAFLOWS_LOOPBACK_INPUTS", "1")


async def test_a_clip_where_a_picture_is_taken_and_a_private_address(
    script: Script, shop: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.local.clips import a_sound

    monkeypatch.setitem(PAGES, "/a.wav", Said(body=a_sound(tmp_path / "a.wav", 0.2).read_bytes()))
    table = table_of(tmp_path, shop, sound="a.wav?secret")
    append(table, "inner,https://192.168.1.1/a.png")
    ran = await start(table, "cut-out", min_success=0)
    assert ran.states == {"sound": "invalid", "inner": "invalid"}
    assert ran.results["sound"]["reason"] == (
        f"image: '{shop.url}/a.wav' is a sound, and `image` takes an image. Give an image."
    )
    assert "is not at a public address" in ran.results["inner"]["reason"]


async def test_a_resume_knows_its_pictures_and_results_without_asking_the_network(
    script: Script, shop: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await start(table_of(tmp_path, shop, a="mug.png", b="vase.png"), "cut-out")
    as_killed(first.run)
    shop.asked.clear()
    monkeypatch.delenv("MEDIAFLOWS_LOOPBACK_INPUTS")  # were it asked for them, it would refuse
    rest = await outlook_of(first.run)
    assert (rest.plan.reused, rest.plan.calls, rest.plan.unfetched) == (2, 0, 0)
    again = await resume(first.run)
    assert again.totals.states == {"done": 2}
    assert (again.totals.calls, shop.asked, script.endpoints()) == (2, [], {BIREFNET: 2})


async def test_what_is_at_the_url_later_changes_nothing_of_a_run(
    script: Script,
    shop: Server,
    tmp_path: Path,
    short_deadlines: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    script.turns = {BIREFNET: ["stuck"]}
    table = table_of(tmp_path, shop, a="mug.png", b="busy.png")
    first = await start(table, "cut-out", jobs=1)
    assert first.states == {"a": "parked", "b": "invalid"}
    monkeypatch.setitem(PAGES, "/mug.png", Said(body=png("black")))
    monkeypatch.setitem(PAGES, "/busy.png", Said(body=png("white")))
    for job in script.jobs.values():
        job["turn"] = "ok"
    shop.asked.clear()
    again = await resume(first.run)
    assert again.states == {"a": "done", "b": "done"}
    assert asked(shop) == ["/busy.png"]  # and not what the run has
    assert script.endpoints() == {BIREFNET: 2}


async def test_rows_of_another_slice_use_what_the_run_has_fetched(
    script: Script, shop: Server, tmp_path: Path
) -> None:
    table = table_of(tmp_path, shop, a="mug.png", b="vase.png", c="mug.png")
    async with open_services(find_home(), registry.PROVIDERS) as services:
        work = await start_run(
            Request("cut-out", table, RunOptions()), services.ledger, services.store
        )
        run = await services.ledger.do(runs.one, work.run)
        for rows in (range(2), range(2, 3)):
            part = open_work(run, services.ledger, rows)
            await Shard(services, part).run(part.rows)
        totals, _ = finish_run(work, services.ledger, services.store)
    assert totals.states == {"done": 3}
    assert asked(shop) == ["/mug.png", "/vase.png"]


async def test_bytes_that_the_store_has_lost_are_fetched_again_and_must_be_the_same(
    script: Script, shop: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script.turns = {BIREFNET: ["refuse", "refuse"], BRIA: ["refuse", "refuse"]}
    first = await start(table_of(tmp_path, shop, a="mug.png", b="vase.png"), "cut-out")
    assert first.totals.states == {"refused": 2}
    store = Store(find_home().store)
    for colour in ("red", "blue"):
        store.path(hashlib.sha256(png(colour)).hexdigest()).unlink()
    monkeypatch.setitem(PAGES, "/vase.png", Said(body=png("black")))
    again = await resume(first.run, only=("refused",))
    assert again.states["b"] == "invalid"
    assert "gives other bytes than when this run took it" in again.results["b"]["reason"]
    assert store.has(hashlib.sha256(png("red")).hexdigest())


SHEET = """\
name: sheet
version: 1
about: Pictures side by side.
inputs:
  pictures: {type: "list[image]", max: 5}
steps:
  sheet: {model: contact-sheet, with: {images: $pictures}}
outputs: {sheet: $sheet}
"""


async def test_a_list_holds_files_and_urls_in_order(
    script: Script, shop: Server, tmp_path: Path
) -> None:
    for name, colour in (("file", "yellow"), ("mug", "red"), ("vase", "blue")):
        (tmp_path / f"{name}.png").write_bytes(png(colour))
    files = write_table(tmp_path / "files.csv", {"f": "mug.png|file.png|vase.png"}, "id,pictures")
    await start(files, write_template(tmp_path, SHEET), local=True)
    cell = f"{shop.url}/mug.png|file.png|{shop.url}/vase.png"
    table = write_table(tmp_path / "lists.csv", {"r": cell, "bad": f"{cell}|{shop.url}/x.png"})
    table.write_text(table.read_text().replace("prompt", "pictures"), encoding="utf-8")
    ran = await start(table, write_template(tmp_path, SHEET), local=True)
    assert ran.states == {"r": "done", "bad": "invalid"}
    assert ran.results["bad"]["reason"].startswith(f"pictures: '{shop.url}/x.png' is not there")
    assert ran.results["r"]["reused"] == "1"  # of the same pictures, given as files
    (failure,) = ran.lines("failures.csv")
    whole = str(tmp_path / "file.png")
    assert failure["pictures"] == f"{cell}|{shop.url}/x.png".replace("file.png", whole)


async def test_a_list_that_is_partly_fetched_is_kept_in_its_places(
    script: Script, shop: Server, tmp_path: Path
) -> None:
    (tmp_path / "file.png").write_bytes(png("yellow"))
    table = tmp_path / "lists.csv"
    table.write_text(f"id,pictures\nr,{shop.url}/mug.png|file.png\n", encoding="utf-8")
    request = Request(str(write_template(tmp_path, SHEET)), table, RunOptions(local=True))
    async with open_services(find_home(), registry.PROVIDERS) as services:
        work = await start_run(request, services.ledger, services.store)
        kept = await services.ledger.do(runs.kept_inputs, work.run)
        run = await services.ledger.do(runs.one, work.run)
        (row,) = open_work(run, services.ledger).rows
    assert [item is None for item in kept["r"]["pictures"]] == [True, False]
    assert row.inputs == work.rows[0].inputs and row.unfetched == 1
    assert (await resume(work.run)).states == {"r": "done"}


async def test_a_stop_does_not_wait_for_a_slow_server(
    script: Script, shop: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def stall(writer: asyncio.StreamWriter) -> None:
        stop_asked.set()
        await asyncio.sleep(5)

    head = b"HTTP/1.1 200 X\r\ncontent-length: 1000\r\n\r\n"
    monkeypatch.setitem(PAGES, "/slow.png", Said(raw=head, then=stall))
    monkeypatch.setattr("flows.shard.WATCH_SECONDS", 0.02)
    try:
        began = time.monotonic()
        ran = await start(table_of(tmp_path, shop, slow="slow.png"), "cut-out")
        assert time.monotonic() - began < 4
    finally:
        stop_asked.clear()
    assert ran.states == {"slow": "cancelled"}


async def outlook_of(run: str) -> Outlook:
    """What going on with a run would do."""
    async with open_services(find_home(), registry.PROVIDERS) as services:
        work = open_work(await services.ledger.do(runs.one, run), services.ledger)
        return await look_ahead(work, services.ledger, services.store, ())
