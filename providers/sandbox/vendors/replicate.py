"""Replicate: predictions by model or version, a blocking wait, deadlines, cancel, list and files.

A prediction that fails is HTTP 200 with status `failed`. Input and output are gone an hour after.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any

from providers.sandbox.desk import Desk, endpoint_of
from providers.sandbox.endpoints import Endpoint, endpoints
from providers.sandbox.inputs import media_in
from providers.sandbox.jobs import NEVER, Job
from providers.sandbox.outputs import download, fetcher, urls_of
from providers.sandbox.problems import Problem, problems_with
from providers.sandbox.replies import Reply, refusal
from providers.sandbox.texts import counts_of, pieces_of, written
from providers.sandbox.vendors import replicate_files
from providers.sandbox.visit import Visit

NAME = "replicate"
KEPT_SECONDS = 3600.0
_PAGE = 100
_WAIT = re.compile(r"wait(?:=([1-9]|[1-5][0-9]|60))?")
_AFTER = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s?)?")
_LEAST_AFTER_SECONDS = 5


def key_of(headers: Mapping[str, str]) -> str | None:
    """Return the key that a request carries."""
    scheme, _, key = headers.get("authorization", "").partition(" ")
    return key if scheme in ("Bearer", "Token") else None


def unauthorised() -> Reply:
    """Return the answer to a wrong or missing key."""
    said = "You did not pass a valid authentication token"
    return Reply(401, {"title": "Unauthenticated", "detail": said, "status": 401})


def error_body(status: int, message: str) -> Any:
    """Return the body of an error."""
    if status == 429:
        return {"detail": "Request was throttled. Your rate limit resets in ~30s.", "status": 429}
    return {"detail": message, "status": status}


def is_public(visit: Visit) -> bool:
    """True for outputs, which need no key."""
    return visit.path.startswith("/files/")


async def answer(desk: Desk, visit: Visit) -> Reply:
    """Return the answer to a request.

    Raises:
        AnswerNowError: the request is refused.
    """
    if visit.path.startswith("/files/"):
        return await download(desk, visit, 404)
    parts = visit.path.strip("/").split("/")
    if parts[:2] == ["v1", "files"]:
        return await replicate_files.answer(desk, visit, parts[2:])
    if parts[:2] == ["v1", "models"] and parts[4:] == ["predictions"] and visit.method == "POST":
        return await _create(desk, visit, "/".join(parts[2:4]))
    if parts[:2] == ["v1", "models"] and visit.method == "GET":
        return replicate_files.model(parts[2:])
    if parts[:2] == ["v1", "predictions"]:
        return await _predictions(desk, visit, parts[2:])
    raise not_found(None).raised()


def not_found(id: str | None) -> Reply:
    """Return the answer to what does not exist."""
    said = "The requested resource could not be found."
    return Reply(404, {"detail": said, "status": 404})


async def _predictions(desk: Desk, visit: Visit, parts: list[str]) -> Reply:
    if not parts:
        return await _create(desk, visit, None) if visit.method == "POST" else _list(desk, visit)
    job = desk.jobs.get(parts[0])
    if job is None or job.provider != NAME:
        return not_found(None)
    if parts[1:] == ["cancel"] and visit.method == "POST":
        return _cancel(desk, visit, job)
    if len(parts) > 1 or visit.method != "GET":
        return not_found(None)
    visit.strike("poll", job)
    return Reply(200, _prediction(desk, visit, job))


@cache
def _by_version() -> Mapping[str, Endpoint]:
    found: dict[str, Endpoint] = {}
    for endpoint in endpoints(NAME).values():
        name = endpoint.name.partition(":")[0]
        if endpoint.official:
            found[name] = endpoint
        if endpoint.version:
            found[endpoint.version] = found[f"{name}:{endpoint.version}"] = endpoint
    return found


def _found(model: str | None, body: Mapping[str, Any]) -> Endpoint:
    if model is not None:
        endpoint = _by_version().get(model)
        if endpoint is None:
            raise not_found(None).raised()
        return endpoint
    endpoint = _by_version().get(str(body.get("version")))
    if endpoint is None:
        said = "The specified version does not exist (or perhaps you don't have permission to use"
        raise _invalid("Invalid version or not permitted", f"{said} it?)")
    return endpoint


def _invalid(title: str, detail: str, fields: list[dict[str, str]] | None = None) -> Exception:
    body: dict[str, Any] = {"title": title, "detail": detail, "status": 422}
    return refusal(422, body | ({"invalid_fields": fields} if fields else {}))


async def _create(desk: Desk, visit: Visit, model: str | None) -> Reply:
    body = await visit.json_object(Reply(400, {"detail": "The body is no JSON.", "status": 400}))
    endpoint = _found(model, body)
    wait, deadline = _wait(visit), _cancel_after(visit)
    desk.receive(visit, endpoint)
    if desk.is_over_rate(NAME):
        raise refusal(429, error_body(429, ""), {"retry-after": "30"})
    given = body.get("input")
    if not isinstance(given, dict):
        raise _invalid("Input validation failed", "- input is required\n", _fields([]))
    found = problems_with(endpoint, given, desk.profile.unknown_fields)
    if found:
        lines = "".join(f"- input.{one.field}: {one.message}\n" for one in found)
        raise _invalid("Input validation failed", lines, _fields(found))
    folder = desk.folder.path / "uploads"
    media, more = await media_in(endpoint, given, folder, fetcher(desk, visit))
    note: dict[str, Any] = {"version": body.get("version")}
    note |= await written(endpoint, given, media, folder)
    if deadline is not None:
        note["deadline"] = desk.clock() + deadline
    job = desk.accept(visit, endpoint, given, media, more, note, replicate_files.new_id())
    if more:
        job.verdict = "failed"
    if wait is None:
        return Reply(201, _prediction(desk, visit, job))
    done = await desk.until_done(job, wait)
    return Reply(201 if done else 202, _prediction(desk, visit, job))


def _fields(problems: list[Problem]) -> list[dict[str, str]]:
    return [
        {"type": one.type, "field": f"input.{one.field}", "description": one.message}
        for one in problems
    ]


def _wait(visit: Visit) -> float | None:
    """Return how long the answer may take, where `Prefer: wait` asks for the result itself."""
    asked = visit.headers.get("prefer")
    match = _WAIT.fullmatch(asked) if asked else None
    return float(match.group(1) or 60) if match else None


def _cancel_after(visit: Visit) -> float | None:
    asked = visit.headers.get("cancel-after")
    if not asked:
        return None
    match = _AFTER.fullmatch(asked)
    hours, minutes, seconds = (int(part or 0) for part in match.groups()) if match else (0, 0, 0)
    total = 3600 * hours + 60 * minutes + seconds
    if total < _LEAST_AFTER_SECONDS:
        raise _invalid("Invalid Cancel-After", "Cancel-After must be at least 5 seconds.")
    return float(total)


def _list(desk: Desk, visit: Visit) -> Reply:
    """Return a page of predictions, newest first; the cursor is a place in the list."""
    jobs = [job for job in reversed(desk.jobs.values()) if job.provider == NAME]
    cursor = visit.query.get("cursor", "0")
    start = int(cursor) if cursor.isdigit() else 0
    url = f"{visit.base}/v1/predictions?cursor="
    after, before = start + _PAGE, max(0, start - _PAGE)
    return Reply(
        200,
        {
            "previous": f"{url}{before}" if start else None,
            "next": f"{url}{after}" if after < len(jobs) else None,
            "results": [_prediction(desk, visit, job) for job in jobs[start:after]],
        },
    )


def _cancel(desk: Desk, visit: Visit, job: Job) -> Reply:
    visit.strike("cancel", job)
    now = desk.clock()
    if job.stage(now) in ("queued", "running"):
        desk.cancel(job, billed=job.stage(now) == "running")
    return Reply(200, _prediction(desk, visit, job))


def _enforce_deadline(desk: Desk, job: Job, now: float) -> None:
    deadline = job.note.get("deadline")
    if deadline is None or now < deadline or job.ends_at <= deadline:
        return
    if job.cancelled_at is None:
        started = job.starts_at <= deadline
        desk.cancel(job, billed=started)
        job.cancelled_at = deadline
        job.note["aborted"] = not started


def _status(desk: Desk, job: Job, now: float) -> str:
    _enforce_deadline(desk, job, now)
    stage = job.stage(now)
    if stage == "cancelled":
        return "aborted" if job.note.get("aborted") else "canceled"
    if stage == "queued":
        return "starting"
    if not desk.is_done(job, now):
        return "processing"
    return "succeeded" if job.verdict == "succeeded" else "failed"


def _prediction(desk: Desk, visit: Visit, job: Job) -> dict[str, Any]:
    now = desk.clock()
    status = _status(desk, job, now)
    ended = status not in ("starting", "processing")
    end = job.cancelled_at if status in ("canceled", "aborted") else job.ends_at
    gone = ended and now > (end or now) + desk.profile.url_seconds.get(NAME, KEPT_SECONDS)
    url = f"{visit.base}/v1/predictions/{job.id}"
    return {
        "id": job.id,
        "model": job.endpoint.partition(":")[0],
        "version": _version(job),
        "input": {} if gone else job.given,
        "logs": "",
        "output": None if gone or status != "succeeded" else _output(visit, job),
        "data_removed": gone,
        "error": _error(job) if status == "failed" else None,
        "status": status,
        "source": "api",
        "created_at": _stamp(job.accepted_at),
        "started_at": None if status in ("starting", "aborted") else _stamp(job.starts_at),
        "completed_at": _stamp(end) if ended else None,
        "deadline": _stamp(job.note.get("deadline")),
        "metrics": _metrics(job, now, end) if ended else {},
        "urls": {
            "get": url,
            "cancel": f"{url}/cancel",
            "web": f"{visit.base}/p/{job.id}",
            "stream": f"{visit.base}/v1/streams/{job.id}",
        },
    }


def _metrics(job: Job, now: float, end: float | None) -> dict[str, float]:
    seconds = {"predict_time": round(job.seconds(now), 6), **counts_of(job)}
    return seconds | {"total_time": round((end or now) - job.accepted_at, 6)}


def _version(job: Job) -> str:
    endpoint = endpoint_of(job)
    return "hidden" if endpoint.official else str(endpoint.version)


def _output(visit: Visit, job: Job) -> Any:
    if endpoint_of(job).output_kind == "text":
        return pieces_of(job)
    urls = urls_of(job, visit.base)
    if endpoint_of(job).is_list:
        return urls
    return urls[0] if urls else None


def _error(job: Job) -> str:
    problems = job.problem.get("problems")
    if problems:
        return f"{problems[0][0]}: {problems[0][2]}"
    if job.problem.get("fault") == "refuse":
        return "The input or output was flagged as sensitive. Please try again. (E005)"
    return str(job.problem.get("error", "Prediction failed: the model raised an error."))


def _stamp(seconds: float | None) -> str | None:
    if seconds is None or seconds >= NEVER:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
