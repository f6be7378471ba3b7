"""Black Forest Labs: submit, poll at the URL that was given out, a sample that lives ten minutes.

The cost is told at submit, in credits of one cent. A job is known only by its whole polling URL.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from providers.sandbox.billing import megapixels
from providers.sandbox.desk import Desk
from providers.sandbox.endpoints import endpoints
from providers.sandbox.inputs import Medium, media_in
from providers.sandbox.jobs import Job, invoice_line
from providers.sandbox.outputs import download, fetcher, urls_of
from providers.sandbox.problems import Problem, problems_with
from providers.sandbox.replies import Reply, refusal
from providers.sandbox.visit import Visit

NAME = "bfl"
_CREDITS = Decimal(100_000)


def key_of(headers: Mapping[str, str]) -> str | None:
    """Return the key that a request carries."""
    return headers.get("x-key")


def unauthorised() -> Reply:
    """Return the answer to a wrong or missing key; their documents list 403 and no 401."""
    return Reply(403, {"detail": "Not authenticated - Invalid Authentication"})


def error_body(status: int, message: str) -> Any:
    """Return the body of an error."""
    return {"detail": message}


def is_public(visit: Visit) -> bool:
    """True for samples, which carry no key."""
    return visit.path.startswith("/files/")


async def answer(desk: Desk, visit: Visit) -> Reply:
    """Return the answer to a request.

    Raises:
        AnswerNowError: the request is refused.
    """
    if visit.path.startswith("/files/"):
        return await download(desk, visit, 403)
    if visit.path == "/v1/get_result":
        return _poll(desk, visit)
    if visit.path == "/v1/credits":
        return _credits(desk)
    if visit.method == "POST" and visit.path in endpoints(NAME):
        return await _submit(desk, visit)
    raise refusal(404, {"detail": "Not Found"})


async def _submit(desk: Desk, visit: Visit) -> Reply:
    endpoint = endpoints(NAME)[visit.path]
    given = await visit.json_object(Reply(422, _details([Problem("", "json_invalid", "no JSON")])))
    desk.receive(visit, endpoint)
    places = desk.profile.in_progress.get(NAME)
    if places is not None and len(desk.working(NAME, desk.clock())) >= places:
        raise refusal(429, error_body(429, "Too many active tasks."))
    found = problems_with(endpoint, given, desk.profile.unknown_fields)
    media, more = await media_in(
        endpoint, given, desk.folder.path / "uploads", fetcher(desk, visit)
    )
    if found or more:
        raise refusal(422, _details(found or more))
    job = desk.accept(visit, endpoint, given, media, note={"billed_at_submit": True})
    return Reply(200, _receipt(visit, job, media))


def _receipt(visit: Visit, job: Job, media: list[Medium]) -> dict[str, Any]:
    cents = Decimal(job.amount or "0") * 100
    return {
        "id": job.id,
        "polling_url": f"{visit.base}/v1/get_result?id={job.id}&region={_region(job)}",
        "cost": float(cents),
        "input_mp": sum(megapixels(*medium.size) for medium in media if medium.size),
        "output_mp": megapixels(job.width, job.height),
    }


def _region(job: Job) -> str:
    return "eu-" + hashlib.sha256(job.id.encode()).hexdigest()[:6]


def _details(problems: list[Problem]) -> dict[str, Any]:
    return {
        "detail": [
            {"loc": ["body", one.field] if one.field else ["body"], "msg": one.message}
            | {"type": one.type}
            for one in problems
        ]
    }


def not_found(id: str | None) -> Reply:
    """Return the answer to an id that is not known, or not known yet."""
    body = {"id": id, "status": "Task not found", "result": None, "progress": None}
    return Reply(404, body | {"details": None, "preview": None})


def _poll(desk: Desk, visit: Visit) -> Reply:
    id = visit.query.get("id")
    job = desk.jobs.get(id or "")
    if job is None or job.provider != NAME or visit.query.get("region") != _region(job):
        return not_found(id)
    visit.strike("poll", job)
    status, result = _state(desk, visit, job)
    body = {"id": job.id, "status": status, "result": result}
    return Reply(200, body | {"progress": None, "details": None, "preview": None})


def _state(desk: Desk, visit: Visit, job: Job) -> tuple[str, dict[str, Any] | None]:
    if not desk.is_done(job, desk.clock()):
        return "Pending", None
    if job.verdict == "failed":
        return "Error", None
    if job.verdict == "refused":
        return ("Content" if job.problem.get("output") else "Request") + " Moderated", None
    urls = urls_of(job, visit.base)
    if not urls:
        return "Ready", None
    result = {"sample": urls[0], "prompt": job.given.get("prompt"), "seed": job.given.get("seed")}
    return "Ready", result | {"duration": round(job.ends_at - job.starts_at, 3)}


def _credits(desk: Desk) -> Reply:
    now = desk.clock()
    lines = [invoice_line(job, now) for job in desk.jobs.values() if job.provider == NAME]
    spent = sum((Decimal(line["amount"] or "0") for line in lines), Decimal(0))
    return Reply(200, {"credits": float(_CREDITS - spent * 100)})
