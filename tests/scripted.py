"""A scripted paid vendor, in process, behind the provider contract: realm `live`, no network.

It answers as the test scripts it, makes small pictures and keeps an invoice. With a `log` file its
invoice is shared by several processes.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import os
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from PIL import Image

from providers.adapter import (
    Answer,
    Call,
    Done,
    Job,
    Material,
    Order,
    Output,
    Part,
    Pending,
    Upload,
)
from providers.errors import (
    BadReplyError,
    ExpiredError,
    JobFailedError,
    RefusedError,
    UnavailableError,
    UncertainError,
)
from providers.registry import PROVIDERS, Provider

PRICE = Decimal("0.03")


@dataclass
class Script:
    """What the vendor does: endpoint -> what happens to its submits in turn, then "ok" for ever.

    "ok", "fail" (accepted, then failed), "refuse", "busy" (503, proven not accepted), "lost" (the
    answer to an accepted submit is lost), "stuck" (never finished).
    """

    # A vendor that has forgotten its jobs knows none; queued ones have not begun, and can be
    # cancelled; `amounts` are what the next results cost instead of PRICE.

    turns: dict[str, list[str]] = field(default_factory=dict)
    seconds: float = 0.0
    log: Path | None = None
    submits: list[dict[str, Any]] = field(default_factory=list)
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    has_forgotten: bool = False
    queues: bool = False
    amounts: list[Decimal] = field(default_factory=list)
    forbidden: str = "forbidden"
    """A prompt with this word is refused."""

    def endpoints(self) -> Counter[str]:
        """How many submits each endpoint accepted."""
        return Counter(submit["endpoint"] for submit in self.invoice())

    def invoice(self) -> list[dict[str, Any]]:
        """Every accepted submit, of all processes when there is a log."""
        if self.log is None:
            return self.submits
        if not self.log.exists():
            return []
        return [json.loads(line) for line in self.log.read_text(encoding="utf-8").splitlines()]

    def accept(self, endpoint: str, body: dict[str, Any]) -> dict[str, Any]:
        number = len(self.jobs)
        line = {
            "job": f"{os.getpid()}-{number}",
            "endpoint": endpoint,
            "body": hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest(),
        }
        self.submits.append(line)
        if self.log is not None:
            with self.log.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")
        return line

    def delay(self) -> float:
        """How long the next job takes, in seconds."""
        return self.seconds

    def turn(self, endpoint: str) -> str:
        turns = self.turns.get(endpoint, [])
        return turns.pop(0) if turns else "ok"


class ScriptedAdapter:
    """Plain JSON in both directions."""

    def submit(self, order: Order) -> Call:
        body = {
            "parameters": dict(order.parameters),
            "inputs": {port: _plain(part) for port, part in order.inputs.items()},
        }
        return Call("POST", f"scripted:/{order.binding.endpoint}", body)

    def read_submit(self, order: Order, answer: Answer) -> Job | Done:
        if answer.status == 422:
            raise RefusedError("the vendor refuses this prompt")
        if answer.status == 503:
            raise UnavailableError("the vendor is busy", retry_after_seconds=0.01)
        return Job(answer.body["job"], {"poll": answer.body["job"]})

    def poll(self, job: Job) -> Call:
        return Call("GET", f"scripted:/jobs/{job.receipt['poll']}")

    def read_poll(self, job: Job, answer: Answer) -> Pending | Done:
        if answer.status == 404:
            raise ExpiredError("the vendor knows no such job")
        match answer.body["status"]:
            case "pending":
                return Pending(is_queued=answer.body["queued"])
            case "failed":
                raise JobFailedError("the job failed at the vendor")
            case "cancelled":
                raise JobFailedError("the job was cancelled", billed=False)
            case "done":
                amount = Decimal(answer.body["amount"])
                output = Output("image", data=answer.body["data"])
                return Done((output,), amount_usd=amount, grade="exact")
        raise BadReplyError(f"unknown status {answer.body['status']!r}")

    def cancel(self, job: Job) -> Call | None:
        return Call("DELETE", f"scripted:/jobs/{job.id}")

    def upload(self, material: Material) -> Upload | None:
        return None


class ScriptedWire:
    """The vendor's side."""

    def __init__(self, script: Script) -> None:
        self.script = script

    async def send(self, call: Call) -> Answer:
        path = call.url.removeprefix("scripted:/")
        if call.method == "GET":
            return self._poll(path.removeprefix("jobs/"))
        if call.method == "DELETE":
            self.script.jobs[path.removeprefix("jobs/")]["turn"] = "cancelled"
            return Answer(202, {})
        turn = self.script.turn(path)
        if turn == "refuse" or self.script.forbidden in str(call.body["inputs"].get("prompt")):
            return Answer(422, {})
        if turn == "busy":
            return Answer(503, {})
        line = self.script.accept(path, call.body)
        ready = asyncio.get_running_loop().time() + self.script.delay()
        self.script.jobs[line["job"]] = {"turn": turn, "body": line["body"], "ready": ready}
        if turn == "lost":
            raise UncertainError("the connection was reset before the answer")
        return Answer(200, {"job": line["job"]})

    def _poll(self, job: str) -> Answer:
        known = self.script.jobs.get(job)
        if self.script.has_forgotten:
            return Answer(404, {})
        # A job of another process: its picture is made here, since only the invoice is shared.
        body, turn = (known["body"], known["turn"]) if known else (job, "ok")
        if turn == "stuck" or (
            turn != "cancelled" and known and asyncio.get_running_loop().time() < known["ready"]
        ):
            return Answer(200, {"status": "pending", "queued": self.script.queues})
        if turn == "fail":
            return Answer(200, {"status": "failed"})
        if turn == "cancelled":
            return Answer(200, {"status": "cancelled"})
        amount = self.script.amounts.pop(0) if self.script.amounts else PRICE
        return Answer(200, {"status": "done", "data": picture(body), "amount": str(amount)})


def picture(seed: str) -> bytes:
    """Return a small transparent PNG whose pixels follow from `seed`."""
    digest = hashlib.sha256(seed.encode()).digest()
    image = Image.frombytes("RGBA", (4, 2), digest)
    file = io.BytesIO()
    image.save(file, format="PNG")
    return file.getvalue()


def scripted_providers(script: Script) -> dict[str, Provider]:
    """Return the registry with fal played by the script; its key counts as set."""
    fal = Provider(
        "fal",
        None,
        "https://queue.fal.run",
        ScriptedAdapter(),
        ScriptedWire(script),
        first_poll_seconds=0.01,
    )
    return {**PROVIDERS, "fal": fal}


def _plain(part: Part) -> Any:
    if isinstance(part, Material):
        return part.media.sha256
    if isinstance(part, tuple):
        return [_plain(item) for item in part]
    return part
