"""The desk that all four vendors share: it accepts jobs, times them, bills them and keeps them."""

from __future__ import annotations

import asyncio
import hashlib
import math
import time
import uuid
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from providers.sandbox.behaviour import Profile
from providers.sandbox.billing import units_of
from providers.sandbox.dice import Dice, Fault
from providers.sandbox.endpoints import Endpoint, endpoints
from providers.sandbox.gallery import Gallery, InputError, is_too_large
from providers.sandbox.inputs import Medium, echo
from providers.sandbox.jobs import NEVER, Job, invoice_line, job_of
from providers.sandbox.journal import Folder
from providers.sandbox.limits import unreadable
from providers.sandbox.made import Made, made_of
from providers.sandbox.problems import Problem
from providers.sandbox.texts import tokens_of
from providers.sandbox.uploads import Uploads
from providers.sandbox.visit import Visit

_A_MINUTE = 60.0


class Desk:
    """Everything that one sandbox knows."""

    def __init__(
        self,
        folder: Folder,
        profile: Profile,
        seed: int,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.folder = folder
        self.clock = clock
        self.profile = profile
        self.seed = seed
        self.host = ""  # host and port, once the server listens
        self.dice = Dice(seed, profile.rules)
        self.gallery = Gallery(folder.path, profile.pictures, profile.picture_bytes)
        self.uploads = Uploads(folder)
        self.jobs: dict[str, Job] = {}
        self._numbers: Counter[tuple[str, str]] = Counter()
        self._repeats: Counter[tuple[str, str, str]] = Counter()
        self._open: defaultdict[str, list[Job]] = defaultdict(list)
        self._accepted: defaultdict[str, deque[float]] = defaultdict(deque)
        self._rendering: set[asyncio.Task[None]] = set()
        for event in folder.events():
            self._replay(event)

    def _replay(self, event: Mapping[str, Any]) -> None:
        if event["event"] == "accepted":
            self._keep(job_of(event["job"]))
        elif event["event"] == "received":
            key = (event["provider"], event["endpoint"])
            self._numbers[key] = max(self._numbers[key], event["number"])
        elif event["event"] == "cancelled":
            job = self.jobs[event["job"]]
            job.cancelled_at, job.cancel_billed = event["at"], event["billed"]
        elif event["event"] == "uploaded":
            self.uploads.replay(event)

    def _keep(self, job: Job) -> None:
        self.jobs[job.id] = job
        if self.profile.in_progress.get(job.provider) is not None:
            self._open[job.provider].append(job)
        key = (job.provider, job.endpoint)
        self._numbers[key] = max(self._numbers[key], job.number)
        self._repeats[(*key, job.body_sha256)] += 1

    # Submits

    def receive(self, visit: Visit, endpoint: Endpoint) -> list[Fault]:
        """Count a submit and return the faults that befall it.

        Raises:
            AnswerNowError: a fault keeps it from being accepted.
        """
        key = (endpoint.vendor, endpoint.name)
        self._numbers[key] += 1
        visit.received = (endpoint.name, self._numbers[key])
        visit.phase = "submit"
        visit.faults = self.dice.faults(*key, self._numbers[key])
        if turned_away := visit.gate():
            raise turned_away.raised()
        return visit.faults

    def turned_away(self, visit: Visit) -> None:
        """Note a submit that was not accepted, so that a restart goes on counting after it."""
        if visit.received and visit.job is None:
            name, number = visit.received
            event = {"provider": visit.vendor, "endpoint": name, "number": number}
            self.folder.write({"event": "received", **event})

    def is_over_rate(self, vendor: str) -> bool:
        """True when this vendor accepts no more jobs in this minute."""
        limit = self.profile.creates_per_minute.get(vendor)
        accepted = self._accepted[vendor]
        while accepted and accepted[0] < self.clock() - _A_MINUTE:
            accepted.popleft()
        return limit is not None and len(accepted) >= limit

    def working(self, vendor: str, now: float) -> list[Job]:
        """Return the jobs of a vendor that have not ended."""
        self._open[vendor] = [job for job in self._open[vendor] if job.outcome(now) == "running"]
        return self._open[vendor]

    def accept(
        self,
        visit: Visit,
        endpoint: Endpoint,
        given: dict[str, Any],
        media: list[Medium],
        problems: list[Problem] | None = None,
        note: dict[str, Any] | None = None,
        id: str | None = None,
    ) -> Job:
        """Return the job that was accepted; it is on the invoice from now on.

        With `problems` it is refused when it would have run: some vendors validate so late.
        """
        name, number = visit.received or (endpoint.name, 0)
        digest = hashlib.sha256(visit.raw).hexdigest()
        made = Made() if problems else made_of(endpoint, given, media)
        made = replace(made, tokens=tokens_of(note or {}))
        if is_too_large(made.width, made.height):
            problems = [Problem(endpoint.media_fields[0], "image_too_large", "Too large.")]
        now = self.clock()
        start, end = self._times(endpoint, number, visit.faults, now)
        if problems:
            end = start
        sizes = [medium.size for medium in media if medium.size]
        ran = end - start if end < NEVER else 0
        units = Decimal(0) if problems else units_of(endpoint, given, made, sizes, ran)
        amount = endpoint.price.amount(units)
        job = Job(
            id=id or str(uuid.uuid4()),
            provider=visit.vendor,
            endpoint=name,
            number=number,
            body_sha256=digest,
            given=echo(given),
            accepted_at=now,
            starts_at=start,
            ends_at=end,
            verdict="succeeded",
            width=made.width,
            height=made.height,
            format=made.format,
            count=made.count,
            units=_plain(units),
            amount=None if amount is None else _plain(amount),
            repeat=self._repeats[(visit.vendor, name, digest)],
            lasts_seconds=made.seconds,
            fps=made.fps,
            media=[medium.name for medium in media],
            faults=[fault for fault in visit.faults if fault.at != "submit"],
            note=note or {},
        )
        _judge(job, visit.faults, problems or [])
        self._keep(job)
        self._accepted[visit.vendor].append(job.accepted_at)
        self.folder.write({"event": "accepted", "job": job.to_json()})
        visit.job = job
        self.look_at(job)
        return job

    def _times(
        self, endpoint: Endpoint, number: int, faults: list[Fault], now: float
    ) -> tuple[float, float]:
        """Return when the job starts and ends; where all places are taken it queues for one."""
        profile, vendor = self.profile, endpoint.vendor
        chance = self.dice.random(vendor, endpoint.name, number, "time")
        usual = endpoint.usual_seconds * profile.time_scale
        run = usual * math.exp(chance.gauss(0, profile.spread)) if profile.spread else usual
        run = min(max(run, profile.shortest_seconds), profile.longest_seconds)
        for fault in faults:
            if fault.name == "slow":
                run = run * fault.options.get("factor", 1) + fault.options.get("seconds", 0)
        start = now + profile.queue_seconds * (0.5 + chance.random())
        places = profile.in_progress.get(vendor)
        if places is not None and vendor == "fal":
            ends = sorted(job.ends_at for job in self.working(vendor, now))
            if len(ends) >= places:
                start = max(start, ends[len(ends) - places])
        stuck = any(fault.name == "stuck" for fault in faults)
        return start, NEVER if stuck else start + run

    # Jobs

    def look_at(self, job: Job) -> None:
        """See to it that the job's files are being made, after a restart as well."""
        if job.verdict == "succeeded" and job.ends_at < NEVER and not self.gallery.is_ready(job):
            task = asyncio.ensure_future(self._render(job))
            self._rendering.add(task)
            task.add_done_callback(self._rendering.discard)

    async def _render(self, job: Job) -> None:
        try:
            await self.gallery.render(job)
        except InputError as error:  # only its pixels were broken, which no header tells
            problem = _broken(endpoint_of(job), str(error))
            _judge(job, [], [problem])

    def is_done(self, job: Job, now: float) -> bool:
        """True when the job has ended and its pictures can be had."""
        if job.stage(now) != "ended":
            return job.stage(now) == "cancelled"
        if job.verdict != "succeeded" or self.gallery.is_ready(job):
            return True
        self.look_at(job)
        return False

    async def until_done(self, job: Job, seconds: float) -> bool:
        """Wait for the job, at most that long, and return whether it is done."""
        last = self.clock() + seconds
        while not self.is_done(job, self.clock()):
            left = last - self.clock()
            if left <= 0:
                return False
            await asyncio.sleep(min(0.02, left))
        return True

    def cancel(self, job: Job, billed: bool) -> None:
        """End the job now; with the fault `ignored_cancel` it runs on."""
        if job.fault("ignored_cancel") or job.cancelled_at is not None:
            return
        job.cancelled_at = self.clock()
        job.cancel_billed = billed or job.fault("cancel_billed") is not None
        event = {"job": job.id, "at": job.cancelled_at, "billed": job.cancel_billed}
        self.folder.write({"event": "cancelled", **event})

    # What a person or a test asks

    def invoice(self) -> Iterator[dict[str, Any]]:
        """Yield one line for every accepted job, in order."""
        now = self.clock()
        return (invoice_line(job, now) for job in list(self.jobs.values()))


def _broken(endpoint: Endpoint, message: str) -> Problem:
    """Return the problem of an input whose header was sound."""
    field = next(iter(endpoint.media_fields), "prompt")
    known = unreadable(field, endpoint.fields[field].type.removesuffix("s"))
    return replace(known, message=message)


def _judge(job: Job, faults: list[Fault], problems: list[Problem]) -> None:
    """Settle how the job ends: problems of its input first, then the faults."""
    if problems:
        job.verdict, job.billed = "refused", False
        found = [(one.field, one.type, one.message, dict(one.context)) for one in problems]
        job.problem = {"problems": found}
        return
    for fault in faults:
        if fault.name in ("fail", "refuse") and not job.problem:
            job.verdict = "failed" if fault.name == "fail" else "refused"
            job.billed = bool(fault.options.get("billed", False))
            job.problem = {"fault": fault.name, **fault.options}


def _plain(value: Any) -> str:
    """Return a decimal as text without an exponent or trailing zeros."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def endpoint_of(job: Job) -> Endpoint:
    """Return the endpoint at which the job was accepted."""
    return endpoints(job.provider)[job.endpoint]
