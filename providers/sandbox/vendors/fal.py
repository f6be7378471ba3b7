"""fal: the queue, the direct call, its storage and file hosts and a corner of its platform API.

Here all hosts share one prefix: the queue at `/{app-id}`, the direct call at `/run/{app-id}`,
`/storage/...`, `/files/...` and `/v1/...`. Only three statuses exist; a failure is COMPLETED with
`error_type`, or COMPLETED and an error status where the result is fetched.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from providers.sandbox.desk import Desk, endpoint_of
from providers.sandbox.endpoints import Endpoint, endpoints
from providers.sandbox.inputs import media_in
from providers.sandbox.jobs import Job
from providers.sandbox.outputs import download, facts_of, fetcher, urls_of
from providers.sandbox.problems import Problem, problems_with
from providers.sandbox.replies import AnswerNowError, Reply, refusal
from providers.sandbox.texts import text_of, usage_of, written
from providers.sandbox.vendors import fal_files, fal_platform
from providers.sandbox.visit import Visit

NAME = "fal"
_LONGEST_SYNC_SECONDS = 600.0

# What fal's documents call each way in which a runner fails, with the status that is replayed.
_FAILURES = {
    "runner_server_error": 500,
    "runner_disconnected": 503,
    "runner_incomplete_response": 502,
    "request_timeout": 504,
    "client_cancelled": 499,
    "internal_error": 500,
}


def key_of(headers: Mapping[str, str]) -> str | None:
    """Return the key that a request carries."""
    scheme, _, key = headers.get("authorization", "").partition(" ")
    return key if scheme == "Key" else None


def unauthorised() -> Reply:
    """Return the answer to a wrong or missing key."""
    return Reply(401, {"detail": "Authentication is required to access this application."})


def error_body(status: int, message: str) -> Any:
    """Return the body of an infrastructure error."""
    words = {429: "concurrent_requests_limit", 502: "runner_incomplete_response"}
    words |= {500: "internal_error", 503: "runner_scheduling_failure"}
    return {"detail": message, "error_type": words.get(status, "bad_request")}


def is_public(visit: Visit) -> bool:
    """True for what needs no key of ours: files, and the upload to a URL that was given out."""
    return visit.path.startswith("/files/")


async def answer(desk: Desk, visit: Visit) -> Reply:
    """Return the answer to a request at any of fal's hosts.

    Raises:
        AnswerNowError: the request is refused.
    """
    first = visit.path.split("/")[1]
    if first == "files":
        if visit.method in ("POST", "PUT"):
            return await fal_files.upload(desk, visit)
        return await download(desk, visit, 404)
    if first == "storage":
        return await fal_files.storage(desk, visit)
    if first == "v1":
        return fal_platform.answer(desk, visit)
    if "/requests/" in visit.path:
        return await _request(desk, visit)
    if visit.method != "POST":
        raise refusal(405, {"detail": "Method Not Allowed"})
    if first == "run":
        return await _run(desk, visit)
    return _placed(desk, visit, await _submit(desk, visit, visit.path[1:]))


def _placed(desk: Desk, visit: Visit, job: Job) -> Reply:
    body = {"status": "IN_QUEUE", "request_id": job.id, "queue_position": _place(desk, job)}
    return Reply(200, body | _urls(visit, job), {"x-fal-request-id": job.id})


async def _submit(desk: Desk, visit: Visit, app: str) -> Job:
    endpoint = endpoints(NAME).get(app)
    if endpoint is None:
        raise refusal(404, {"detail": f"Application '{app}' not found"})
    bad = Reply(400, error_body(400, "The request body is not a JSON object."))
    given = await visit.json_object(bad)
    desk.receive(visit, endpoint)
    found = problems_with(endpoint, given, desk.profile.unknown_fields)
    folder = desk.folder.path / "uploads"
    media, more = await media_in(endpoint, given, folder, fetcher(desk, visit))
    note = _note(visit) | await written(endpoint, given, media, folder)
    job = desk.accept(visit, endpoint, given, media, found or more, note)
    deadline = job.note.get("start_seconds")
    if deadline is not None and job.starts_at - job.accepted_at > deadline:
        job.ends_at = job.accepted_at + deadline
        job.verdict, job.billed = "failed", False
        job.problem = {"fault": "fail", "error_type": "request_timeout"}
    return job


def _note(visit: Visit) -> dict[str, Any]:
    timeout = visit.headers.get("x-fal-request-timeout")
    try:
        return {} if timeout is None else {"start_seconds": float(timeout)}
    except ValueError:
        raise refusal(400, error_body(400, "X-Fal-Request-Timeout is no number.")) from None


def _urls(visit: Visit, job: Job) -> dict[str, str]:
    owner, alias = job.endpoint.split("/")[:2]
    base = f"{visit.base}/{owner}/{alias}/requests/{job.id}"
    return {
        "response_url": base,
        "status_url": f"{base}/status",
        "cancel_url": f"{base}/cancel",
    }


def _place(desk: Desk, job: Job) -> int:
    """Return how many jobs wait before this one."""
    now = desk.clock()
    waiting = [one for one in desk.working(NAME, now) if one.stage(now) == "queued"]
    return sum(1 for one in waiting if one.starts_at < job.starts_at)


async def _request(desk: Desk, visit: Visit) -> Reply:
    head, _, tail = visit.path.partition("/requests/")
    id, _, action = tail.partition("/")
    job = desk.jobs.get(id)
    owner = "/".join((job.endpoint if job else "").split("/")[:2])
    if job is None or job.provider != NAME or head != f"/{owner}":
        body = {"status": "NOT_FOUND"} if action == "cancel" else {"detail": "Request not found"}
        raise refusal(404, body)
    if action == "cancel" and visit.method == "PUT":
        return _cancel(desk, visit, job)
    if visit.method != "GET":
        raise refusal(405, {"detail": "Method Not Allowed"})
    if action == "status":
        visit.strike("poll", job)
        status = _status(desk, visit, job)
        return Reply(200 if status["status"] == "COMPLETED" else 202, status)
    if action == "status/stream":
        return fal_files.events(desk, job, lambda: _status(desk, visit, job))
    if action in ("", "response"):
        visit.strike("result", job)
        return await _result(desk, visit, job)
    raise refusal(404, {"detail": "Not Found"})


def not_found(id: str | None) -> Reply:
    """Return the answer to an id that is not known, or not known yet."""
    return Reply(404, {"detail": "Request not found"})


def _status(desk: Desk, visit: Visit, job: Job) -> dict[str, Any]:
    now = desk.clock()
    body = {"request_id": job.id} | _urls(visit, job)
    if not desk.is_done(job, now):
        if job.stage(now) == "queued":
            return {"status": "IN_QUEUE", "queue_position": _place(desk, job), "logs": None} | body
        return {"status": "IN_PROGRESS", "logs": _logs(visit, job)} | body
    done: dict[str, Any] = {"status": "COMPLETED", "logs": _logs(visit, job)} | body
    if job.outcome(now) == "succeeded":
        done["metrics"] = {"inference_time": round(job.seconds(now), 6)}
    error = _failure(job, now)
    return done | error if error else done


def _logs(visit: Visit, job: Job) -> list[dict[str, str]] | None:
    if visit.query.get("logs", "0").lower() not in ("1", "true"):
        return None
    stamp = datetime.fromtimestamp(job.starts_at, UTC).isoformat()
    line = {"message": "Started.", "level": "INFO", "source": "sandbox", "timestamp": stamp}
    return [line]


def _failure(job: Job, now: float) -> dict[str, Any]:
    """Return `error` and `error_type` where the runner failed; a refusal shows at the result."""
    if job.cancelled_at is not None and job.outcome(now) == "cancelled":
        return {"error": "The request was cancelled.", "error_type": "client_cancelled"}
    if job.verdict != "failed":
        return {}
    kind = str(job.problem.get("error_type", "runner_server_error"))
    return {"error": f"The request failed: {kind}.", "error_type": kind}


def _cancel(desk: Desk, visit: Visit, job: Job) -> Reply:
    visit.strike("cancel", job)
    if job.stage(desk.clock()) in ("ended", "cancelled"):
        return Reply(400, {"status": "ALREADY_COMPLETED"})
    desk.cancel(job, billed=False)
    return Reply(202, {"status": "CANCELLATION_REQUESTED"})


async def _result(desk: Desk, visit: Visit, job: Job) -> Reply:
    if not desk.is_done(job, desk.clock()):
        raise refusal(400, {"detail": "Request is still in progress"})
    billed = job.units if job.is_billed(desk.clock()) else "0"
    headers = {"x-fal-request-id": job.id, "x-fal-billable-units": _counted(billed)}
    failure = _failure(job, desk.clock())
    if failure:
        return _failed(str(failure["error"]), str(failure["error_type"]), headers)
    if job.verdict == "refused":
        return Reply(422, {"detail": _details(job)}, headers)
    return Reply(200, await _output(desk, visit, job), headers)


def _failed(message: str, kind: str, headers: dict[str, str]) -> Reply:
    headers["x-fal-error-type"] = kind
    if kind == "request_timeout":
        headers["x-fal-request-timeout-type"] = "user"
    return Reply(_FAILURES.get(kind, 500), {"detail": message, "error_type": kind}, headers)


def _counted(units: str) -> str:
    """Return units as fal writes them: whole numbers as they are, others with 8 decimals."""
    value = Decimal(units)
    return str(int(value)) if value == int(value) else f"{value:.8f}"


def _details(job: Job) -> list[dict[str, Any]]:
    problems = job.problem.get("problems")
    if problems is None:
        said = "The content could not be processed because it was flagged by a content checker."
        problems = [("prompt", job.problem.get("type", "content_policy_violation"), said, {})]
    return [_detail(Problem(*problem)) for problem in problems]


def _detail(problem: Problem) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "loc": ["body", problem.field],
        "msg": problem.message,
        "type": problem.type,
    }
    return entry | ({"ctx": dict(problem.context)} if problem.context else {})


async def _output(desk: Desk, visit: Visit, job: Job) -> dict[str, Any]:
    endpoint = endpoint_of(job)
    if endpoint.output_kind == "text":
        return {endpoint.output["path"]: text_of(job)} | _extras(endpoint, job)
    urls = urls_of(job, visit.base)
    if job.given.get("sync_mode") and urls:
        urls = await fal_files.data_uris(desk, job)
    files = [await facts_of(desk, job, index, url) for index, url in enumerate(urls)]
    name = endpoint.output["path"].partition("[")[0].partition(".")[0]
    body = {name: files if endpoint.is_list else next(iter(files), None)}
    return body | _extras(endpoint, job)


def _extras(endpoint: Endpoint, job: Job) -> dict[str, Any]:
    seed = job.given.get("seed")
    known: dict[str, Any] = {
        "seed": job.number if seed is None else seed,
        "timings": {"inference": round(job.ends_at - job.starts_at, 6)},
        "has_nsfw_concepts": [job.fault("black") is not None] * job.count,
        "prompt": job.given.get("prompt", ""),
        "description": "",
        "metadata": {},
        "usage": usage_of(job),
        "partial": False,
    }
    return {name: known[name] for name in endpoint.output["extras"] if name in known}


async def _run(desk: Desk, visit: Visit) -> Reply:
    """Answer a direct call, which holds the connection until the job is done."""
    places = desk.profile.in_progress.get(NAME)
    if places is not None and len(desk.working(NAME, desk.clock())) >= places:
        body = error_body(429, "Too many concurrent requests.")
        raise refusal(429, body, {"x-fal-needs-retry": "1"})
    job = await _submit(desk, visit, visit.path.removeprefix("/run/"))
    if not await desk.until_done(job, _LONGEST_SYNC_SECONDS):
        raise AnswerNowError(_failed("Timed out.", "request_timeout", {"x-fal-request-id": job.id}))
    return await _result(desk, visit, job)
