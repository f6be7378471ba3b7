"""A scripted vendor of random latencies and moods; a seed decides, and its invoice knows the rest."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from providers.adapter import Answer, Done, Job, Pending
from providers.errors import JobFailedError
from providers.registry import Provider
from tests.scripted import PRICE, Script, ScriptedAdapter, ScriptedWire, scripted_providers

# What becomes of a submit, and how often. A `charged` failure is billed and says so, a `free` one
# is not billed and says so, of a `fail` the vendor says nothing, and does not bill it.
MOODS: Mapping[str, Mapping[str, float]] = {
    "calm": {"ok": 1.0},
    "free": {"ok": 0.8, "free": 0.1, "busy": 0.1},
    "charging": {"ok": 0.75, "charged": 0.15, "refuse": 0.05, "busy": 0.05},
    "awful": {
        "ok": 0.64, "fail": 0.06, "free": 0.04, "charged": 0.06, "refuse": 0.04, "busy": 0.06,
        "lost": 0.05, "stuck": 0.05,
    },
}  # fmt: skip
BILLED = ("ok", "charged", "lost", "stuck")
SAID = {"charged": True, "free": False}


@dataclass
class Moody(Script):
    """A vendor whose moods and latencies a seed decides."""

    chance: random.Random = field(default_factory=random.Random)
    mood: str = "calm"

    def delay(self) -> float:
        return self.chance.expovariate(1 / 0.01)

    def turn(self, endpoint: str) -> str:
        words = MOODS[self.mood]
        return self.chance.choices([*words], [*words.values()])[0]

    @property
    def billed(self) -> Decimal:
        """What the invoice says; a job of another process that shares it is billed."""
        own = {name: job["turn"] for name, job in self.jobs.items()}
        return PRICE * sum(own.get(line["job"], "ok") in BILLED for line in self.invoice())


class MoodyAdapter(ScriptedAdapter):
    """Some failures say whether they are billed."""

    def read_poll(self, job: Job, answer: Answer) -> Pending | Done:
        if answer.status == 200 and answer.body["status"] in SAID:
            raise JobFailedError("the job failed", billed=SAID[answer.body["status"]])
        return super().read_poll(job, answer)


class MoodyWire(ScriptedWire):
    """The vendor's side of it."""

    def _poll(self, job: str) -> Answer:
        known: dict[str, Any] = self.script.jobs.get(job, {})
        answer = super()._poll(job)
        if answer.body["status"] == "done" and known.get("turn") in SAID:
            return Answer(200, {"status": known["turn"]})
        return answer


def moody_providers(script: Moody) -> dict[str, Provider]:
    """Return the registry with fal played by such a vendor."""
    fal = Provider(
        "fal",
        None,
        "https://queue.fal.run",
        MoodyAdapter(),
        MoodyWire(script),
        first_poll_seconds=0.01,
    )
    return {**scripted_providers(script), "fal": fal}
