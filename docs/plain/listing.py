"""listing.yaml as plain Prefect and httpx, as one would write it with care: fal alone, one machine.

    FAL_KEY=... python listing.py rows.csv out/

Kill it and start it again: what was paid for is taken from `out/ledger.db`, and jobs that still run
at fal are asked for again. What it leaves out stands in docs/templates/own.md.
"""

from __future__ import annotations

import asyncio
import csv
import hashlib
import io
import json
import math
import os
import random
import sqlite3
import sys
import time
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
from PIL import Image
from prefect import flow, task
from prefect.cache_policies import NO_CACHE

QUEUE = os.environ.get("FAL_BASE_URL") or "https://queue.fal.run"
REST = os.environ.get("FAL_BASE_URL") or "https://rest.fal.ai"
KEY = {"authorization": f"Key {os.environ.get('FAL_KEY', '')}"}
ROWS_IN_FLIGHT = 20
DEADLINE_SECONDS = 300
LARGEST_BYTES = 64 << 20
AGAIN = (429, 500, 502, 503, 504)
STUDIO = ", studio light, plain backdrop"

FLUX_SIZES = {"1:1": (1024, 1024), "4:5": (912, 1136), "16:9": (1360, 768)}
RECRAFT_SIZES = {"1:1": (1024, 1024), "4:5": (896, 1152), "16:9": (1344, 768)}


class Refused(Exception):
    """The vendor says no, and would again: the next model may say yes."""


class Failed(Exception):
    """The job ran and failed, or cannot be had: another try may work."""


class MaybeBilled(Exception):
    """Sent, and the answer was lost: sending it again could pay twice."""


# What is kept: pictures by their digest, and every paid request with its job and its result.


class Kept:
    def __init__(self, folder: Path) -> None:
        self.media = folder / "media"
        self.media.mkdir(parents=True, exist_ok=True)
        self.db = sqlite3.connect(folder / "ledger.db", isolation_level=None)
        self.db.execute("PRAGMA synchronous=FULL")
        self.db.execute(
            "CREATE TABLE IF NOT EXISTS requests (key TEXT PRIMARY KEY, model TEXT, state TEXT,"
            " job TEXT, sha256 TEXT, cost TEXT)"
        )

    def find(self, key: str) -> tuple[str, dict[str, Any], str, str] | None:
        query = "SELECT state, job, sha256, cost FROM requests WHERE key = ?"
        row = self.db.execute(query, (key,)).fetchone()
        return row and (row[0], json.loads(row[1] or "{}"), row[2], row[3])

    def write(self, key: str, model: str, state: str, job: Any, sha256: str, cost: str) -> None:
        self.db.execute(
            "INSERT OR REPLACE INTO requests VALUES (?, ?, ?, ?, ?, ?)",
            (key, model, state, json.dumps(job), sha256, cost),
        )

    def forget(self, key: str) -> None:
        self.db.execute("DELETE FROM requests WHERE key = ?", (key,))

    def put(self, data: bytes) -> str:
        sha256 = hashlib.sha256(data).hexdigest()
        path = self.media / sha256
        if not path.exists():
            part = path.with_suffix(f".{os.getpid()}.{random.random()}")
            with part.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
        return sha256

    def get(self, sha256: str) -> bytes:
        return (self.media / sha256).read_bytes()


# One call of one model: submit once, poll, download.


async def submit(client: httpx.AsyncClient, model: str, body: dict[str, Any]) -> dict[str, Any]:
    for attempt in range(4):
        try:
            answer = await client.post(f"{QUEUE}/{model}", json=body, headers=KEY)
        except httpx.ConnectError as error:  # it never arrived
            await asyncio.sleep(2**attempt)
            lost: Exception = error
            continue
        except httpx.HTTPError as error:
            raise MaybeBilled(f"{model}: {type(error).__name__}") from error
        if answer.status_code == 429:
            await asyncio.sleep(pause(answer, attempt))
            lost = Failed(f"{model}: rate limited")
            continue
        if answer.status_code >= 500:
            raise MaybeBilled(f"{model}: {answer.status_code}")
        if answer.status_code >= 400:
            raise Refused(f"{model}: {answer.status_code} {answer.text[:200]}")
        told = answer.json()
        return {name: told[name] for name in ("request_id", "status_url", "response_url")}
    raise Failed(str(lost))


def pause(answer: httpx.Response, attempt: int) -> float:
    stated = answer.headers.get("retry-after", "")
    seconds = float(stated) if stated.replace(".", "", 1).isdigit() else 2.0**attempt
    return min(seconds, 60) * random.uniform(1, 1.2)


async def get(client: httpx.AsyncClient, url: str, headers: dict[str, str]) -> httpx.Response:
    lost = ""
    for attempt in range(5):
        seconds = 2.0**attempt
        try:
            answer = await client.get(url, headers=headers)
            # A job's own failure is told again with its status, and is an answer.
            if answer.status_code not in AGAIN or "x-fal-error-type" in answer.headers:
                return answer
            lost, seconds = str(answer.status_code), pause(answer, attempt)
        except httpx.HTTPError as error:
            lost = type(error).__name__
        await asyncio.sleep(seconds)
    raise Failed(f"no answer from {url.split('?')[0]}: {lost}")


async def wait(client: httpx.AsyncClient, job: dict[str, Any]) -> httpx.Response:
    end, seconds = time.monotonic() + DEADLINE_SECONDS, 0.5
    while time.monotonic() < end:
        await asyncio.sleep(seconds * random.uniform(0.8, 1.2))
        seconds = min(seconds * 1.4, 3)
        status = (await get(client, job["status_url"], KEY)).json()
        if status["status"] == "COMPLETED":
            if status.get("error"):
                raise Failed(str(status["error"])[:200])
            return await get(client, job["response_url"], KEY)
    raise MaybeBilled("still running; start again later")


async def download(client: httpx.AsyncClient, url: str) -> bytes:
    answer = await get(client, url, {})  # no key: the file's host is not the API
    if answer.status_code != 200 or len(answer.content) > LARGEST_BYTES:
        raise Failed(f"result: {answer.status_code}, {len(answer.content)} bytes")
    Image.open(io.BytesIO(answer.content)).verify()
    return answer.content


async def upload(client: httpx.AsyncClient, data: bytes) -> str:
    asked = {"file_name": "picture.png", "content_type": "image/png"}
    place = await client.post(
        f"{REST}/storage/upload/initiate?storage_type=fal-cdn-v3", json=asked, headers=KEY
    )
    place.raise_for_status()
    headers = {"content-type": "image/png"}
    sent = await client.put(place.json()["upload_url"], content=data, headers=headers)
    sent.raise_for_status()
    return str(place.json()["file_url"])


async def call(
    client: httpx.AsyncClient, kept: Kept, model: str, facts: dict[str, Any], body: dict[str, Any]
) -> tuple[str, Decimal | None]:
    """Return the digest of what the model makes and what this cost now; None: nobody states it."""
    key = hashlib.sha256(json.dumps([model, QUEUE, facts], sort_keys=True).encode()).hexdigest()
    found = kept.find(key)
    if found and found[0] == "done":
        return found[2], Decimal(0)
    if found and found[0] == "sent" and not found[1]:
        raise MaybeBilled(f"{model}: an earlier submit was cut off; look at fal's list of requests")
    job = found[1] if found else {}
    if not job:
        kept.write(key, model, "sent", {}, "", "")
        try:
            job = await submit(client, model, body)
        except (Refused, Failed):
            kept.forget(key)
            raise
        kept.write(key, model, "sent", job, "", "")
    try:
        answer = await wait(client, job)
        if answer.status_code == 422:
            raise Refused(f"{model}: {answer.text[:200]}")
        if answer.status_code != 200:
            raise Failed(f"{model}: {answer.status_code} {answer.text[:200]}")
        made = answer.json()
        image = made["images"][0] if "images" in made else made["image"]
        sha256 = kept.put(await download(client, image["url"]))
    except (Refused, Failed):
        kept.forget(key)
        raise
    cost = price(model, image)
    kept.write(key, model, "done", job, sha256, "" if cost is None else str(cost))
    return sha256, cost


def price(model: str, image: dict[str, Any]) -> Decimal | None:
    if model == "fal-ai/flux-2-pro":
        megapixels = math.ceil(image["width"] * image["height"] / 1024**2)
        return Decimal("0.03") + Decimal("0.015") * (megapixels - 1)
    return {"fal-ai/recraft/v4/text-to-image": Decimal("0.04")}.get(model)


# The steps of a row, each with its second model and three tries in all.


@task(task_run_name="photo {row[id]}", cache_policy=NO_CACHE)
async def photo(client: httpx.AsyncClient, kept: Kept, row: dict[str, str]) -> Any:
    prompt = row["prompt"] + STUDIO
    (fw, fh), (rw, rh) = FLUX_SIZES[row["aspect"]], RECRAFT_SIZES[row["aspect"]]
    flux = {
        "prompt": prompt,
        "image_size": {"width": fw, "height": fh},
        "safety_tolerance": "2",
        "output_format": "png",
    }
    recraft = {"prompt": prompt, "image_size": {"width": rw, "height": rh}}
    return await first_that_works(
        client,
        kept,
        [
            ("fal-ai/flux-2-pro", flux, flux),
            ("fal-ai/flux-2-pro", flux, flux),
            ("fal-ai/recraft/v4/text-to-image", recraft, recraft),
        ],
    )


@task(task_run_name="cutout {row[id]}", cache_policy=NO_CACHE)
async def cutout(client: httpx.AsyncClient, kept: Kept, row: dict[str, str], image: str) -> Any:
    url = await upload(client, kept.get(image))
    # The key holds the picture's digest: the URL is another one with every upload.
    bodies = {"fal-ai/birefnet/v2": {"output_format": "png"}, "fal-ai/bria/background/remove": {}}
    choices = [
        (model, {**body, "image": image}, {**body, "image_url": url})
        for model, body in bodies.items()
    ]
    return await first_that_works(client, kept, [choices[0], *choices])


async def first_that_works(client: httpx.AsyncClient, kept: Kept, choices: list[Any]) -> Any:
    refused: set[str] = set()
    last: Exception = Failed("nothing was tried")
    for model, facts, body in choices:
        if model in refused:
            continue
        try:
            return await call(client, kept, model, facts, body)
        except Refused as error:
            refused.add(model)
            last = error
        except Failed as error:
            last = error
    raise last


def on_white_square(data: bytes) -> bytes:
    picture = Image.open(io.BytesIO(data)).convert("RGBA")
    side = max(picture.size)
    square = Image.new("RGB", (side, side), "white")
    corner = ((side - picture.width) // 2, (side - picture.height) // 2)
    square.paste(picture, corner, picture)
    made = io.BytesIO()
    square.save(made, "PNG")
    return made.getvalue()


# The table.


def read_rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    for number, row in enumerate(rows, start=2):
        row["aspect"] = row.get("aspect") or "1:1"
        if not row.get("id") or not row.get("prompt") or row["aspect"] not in FLUX_SIZES:
            sys.exit(f"{path}:{number}: needs id and prompt, and an aspect of {[*FLUX_SIZES]}")
    if len({row["id"] for row in rows}) != len(rows):
        sys.exit(f"{path}: ids are not unique")
    return rows


async def do_row(
    client: httpx.AsyncClient, kept: Kept, row: dict[str, str], folder: Path
) -> dict[str, Any]:
    costs: list[Decimal | None] = []
    state, reason = "done", ""
    try:
        image, cost = await photo(client, kept, row)
        costs.append(cost)
        cut, cost = await cutout(client, kept, row, image)
        costs.append(cost)
        place = folder / row["id"]
        place.mkdir(parents=True, exist_ok=True)
        (place / "cutout.png").write_bytes(kept.get(cut))
        square = await asyncio.to_thread(on_white_square, kept.get(cut))
        (place / "square.png").write_bytes(square)
    except MaybeBilled as error:
        state, reason = "held", str(error)
    except Exception as error:
        state, reason = "failed", str(error)[:200]
    paid = sum(filter(None, costs), Decimal(0))
    unpriced = costs.count(None)
    return {**row, "state": state, "reason": reason, "cost_usd": paid, "unpriced": unpriced}


@flow(name="listing")
async def listing(table: Path, folder: Path) -> None:
    """Do every row and write results.csv."""
    rows, kept = read_rows(table), Kept(folder)
    slots = asyncio.Semaphore(ROWS_IN_FLIGHT)

    async with httpx.AsyncClient(timeout=60, follow_redirects=False) as client:

        async def one(row: dict[str, str]) -> dict[str, Any]:
            async with slots:
                return await do_row(client, kept, row, folder / "outputs")

        done = await asyncio.gather(*map(one, rows))
    with (folder / "results.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, [*done[0]])
        writer.writeheader()
        writer.writerows(done)
    states = Counter(row["state"] for row in done)
    paid, unpriced = (sum(row[name] for row in done) for name in ("cost_usd", "unpriced"))
    print(f"{len(done)} rows: {dict(states)} · ${paid}, {unpriced} calls unpriced")


if __name__ == "__main__":
    asyncio.run(listing(Path(sys.argv[1]), Path(sys.argv[2])))
