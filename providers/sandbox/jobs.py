"""A job and its life. Where it stands follows from the clock, so a restart changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal

from providers.sandbox.dice import Fault

Stage = Literal["queued", "running", "cancelled", "ended"]
NEVER = 4e9  # a time beyond every test: a stuck job's end


@dataclass(slots=True)
class Job:
    """What was accepted: times are seconds of the epoch; `units` and `amount` are decimal text.

    `verdict` is how it ends unless it is cancelled, `problem` what a failure or refusal says.
    `media` names stored input media, `lasts_seconds` and `fps` are of a clip or sound that comes
    out, `note` is each vendor's own.
    """

    id: str
    provider: str
    endpoint: str
    number: int
    body_sha256: str
    given: dict[str, Any]
    accepted_at: float
    starts_at: float
    ends_at: float
    verdict: str
    width: int
    height: int
    format: str
    count: int
    units: str
    amount: str | None
    billed: bool = True
    repeat: int = 0
    lasts_seconds: float = 0.0
    fps: float = 0.0
    media: list[str] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    problem: dict[str, Any] = field(default_factory=dict)
    note: dict[str, Any] = field(default_factory=dict)
    cancelled_at: float | None = None
    cancel_billed: bool = False

    def stage(self, now: float) -> Stage:
        """Return where the job stands."""
        if self.cancelled_at is not None and self.cancelled_at < self.ends_at:
            return "cancelled"
        if now >= self.ends_at:
            return "ended"
        return "running" if now >= self.starts_at else "queued"

    def outcome(self, now: float) -> str:
        """Return the word of the invoice: running, succeeded, failed, refused or cancelled."""
        stage = self.stage(now)
        if stage == "ended":
            return self.verdict
        return "cancelled" if stage == "cancelled" else "running"

    def seconds(self, now: float) -> float:
        """Return how long it has run."""
        end = min(now, self.ends_at, self.cancelled_at or NEVER)
        return max(0.0, end - self.starts_at)

    def is_billed(self, now: float) -> bool:
        """True when the vendor charges for it, as it stands."""
        outcome = self.outcome(now)
        if outcome == "cancelled":
            return self.cancel_billed
        if outcome == "running":
            return bool(self.note.get("billed_at_submit"))
        return self.billed

    def fault(self, name: str) -> Fault | None:
        """Return the fault of that name, if it befalls this job."""
        return next((fault for fault in self.faults if fault.name == name), None)

    def to_json(self) -> dict[str, Any]:
        """Return a dict that JSON keeps whole and `job_of` reads back."""
        data = {one.name: getattr(self, one.name) for one in fields(self)}
        return data | {"faults": [asdict(fault) for fault in self.faults]}


def job_of(data: Mapping[str, Any]) -> Job:
    """Return the job that `Job.to_json` wrote."""
    return Job(**{**data, "faults": [Fault(**fault) for fault in data["faults"]]})


def invoice_line(job: Job, now: float) -> dict[str, Any]:
    """Return what the vendor's invoice says of this job; an amount is None where no price is known.

    A job that is not billed is on it, too, with 0 units.
    """
    billed = job.is_billed(now)
    return {
        "provider": job.provider,
        "endpoint": job.endpoint,
        "job": job.id,
        "body_sha256": job.body_sha256,
        "units": job.units if billed else "0",
        "amount": job.amount if billed else "0",
        "outcome": job.outcome(now),
        "accepted_at": job.accepted_at,
    }
