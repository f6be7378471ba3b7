"""Bria v2: 202 with a status URL, and a status that is always HTTP 200, whatever befell the job."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from providers.sandbox.desk import Desk
from providers.sandbox.endpoints import endpoints
from providers.sandbox.inputs import media_in
from providers.sandbox.jobs import Job
from providers.sandbox.outputs import download, fetcher, urls_of
from providers.sandbox.problems import problems_with
from providers.sandbox.replies import Reply, refusal
from providers.sandbox.visit import Visit

NAME = "bria"
_LONGEST_SYNC_SECONDS = 60.0
_WORDS = {
    "file_download_error": (460, "Could not download the image."),
    "image_too_large": (413, "The image is too large."),
    "file_too_large": (413, "The image is too large."),
    "image_load_error": (415, "Unsupported file type."),
    "unsupported_image_format": (415, "Unsupported file type."),
}


def key_of(headers: Mapping[str, str]) -> str | None:
    """Return the key that a request carries."""
    return headers.get("api_token")


def unauthorised() -> Reply:
    """Return the answer to a wrong or missing key."""
    return Reply(401, error_body(401, "Invalid or missing api_token."))


def error_body(status: int, message: str) -> Any:
    """Return the body of an error."""
    return {"error": {"code": status, "message": message, "details": ""}}


def is_public(visit: Visit) -> bool:
    """True for results, which carry no key."""
    return visit.path.startswith("/files/")


async def answer(desk: Desk, visit: Visit) -> Reply:
    """Return the answer to a request.

    Raises:
        AnswerNowError: the request is refused.
    """
    if visit.path.startswith("/files/"):
        return await download(desk, visit, 403)
    if visit.method == "GET" and visit.path.startswith("/v2/status/"):
        return _poll(desk, visit)
    if visit.method == "POST" and visit.path in endpoints(NAME):
        return await _submit(desk, visit)
    raise refusal(404, error_body(404, "Not found."))


async def _submit(desk: Desk, visit: Visit) -> Reply:
    endpoint = endpoints(NAME)[visit.path]
    given = await visit.json_object(Reply(422, error_body(422, "The body is not a JSON object.")))
    desk.receive(visit, endpoint)
    if desk.is_over_rate(NAME):
        raise refusal(429, error_body(429, "Too many requests."))
    found = problems_with(endpoint, given, desk.profile.unknown_fields)
    if found:
        words = "; ".join(f"{one.field}: {one.message}" for one in found)
        raise refusal(422, error_body(422, words))
    media, more = await media_in(
        endpoint, given, desk.folder.path / "uploads", fetcher(desk, visit)
    )
    problem = more[0] if more else None
    # What lies in the body is looked at before it is accepted, what must be fetched after.
    if problem and not str(given["image"]).startswith("http"):
        status, message = _WORDS[problem.type]
        raise refusal(status, error_body(status, message))
    job = desk.accept(visit, endpoint, given, media, [problem] if problem else None)
    if given.get("sync"):
        return await _sync(desk, visit, job)
    url = f"{visit.base}/v2/status/{job.id}"
    return Reply(202, {"request_id": job.id, "status_url": url})


async def _sync(desk: Desk, visit: Visit, job: Job) -> Reply:
    if not await desk.until_done(job, _LONGEST_SYNC_SECONDS):
        raise refusal(504, error_body(504, "Timed out."))
    body = _status(desk, visit, job)
    if "error" in body:
        return Reply(int(body["error"]["code"]), {"error": body["error"], "request_id": job.id})
    return Reply(200, {"result": body["result"], "request_id": job.id})


def _poll(desk: Desk, visit: Visit) -> Reply:
    job = desk.jobs.get(visit.path.removeprefix("/v2/status/"))
    if job is None or job.provider != NAME:
        return not_found(None)
    visit.strike("poll", job)
    return Reply(200, _status(desk, visit, job))


def not_found(id: str | None) -> Reply:
    """Return the answer to an id that is unknown or expired."""
    return Reply(404, error_body(404, "Request not found or expired."))


def _status(desk: Desk, visit: Visit, job: Job) -> dict[str, Any]:
    if not desk.is_done(job, desk.clock()):
        return {"status": "IN_PROGRESS", "request_id": job.id}
    if job.verdict != "succeeded":
        code, message = _error(job)
        error = error_body(code, message)["error"]
        return {"status": "ERROR", "error": error, "request_id": job.id}
    urls = urls_of(job, visit.base)
    result = {"image_url": urls[0]} if urls else {}
    return {"status": "COMPLETED", "result": result, "request_id": job.id}


def _error(job: Job) -> tuple[int, str]:
    if job.verdict == "failed":
        return 500, "An internal error occurred."
    problems = job.problem.get("problems")
    if problems:
        return _WORDS.get(problems[0][1], (422, str(problems[0][2])))
    return 422, "The content was refused by moderation."
