"""fal: a queue. A job is asked for its status, and its result stands at another URL.

There is no failed status: a failure is COMPLETED with an error, or a result whose answer repeats
the status code of the model itself. The facts are those of fal's clients and docs, 2026-11-20.
"""

from __future__ import annotations

from decimal import Decimal

from providers.adapter import Answer, Call, Done, Job, Material, Order, Pending, Upload
from providers.errors import (
    BadReplyError,
    JobFailedError,
    MediaflowsError,
    RefusedError,
    UnavailableError,
)
from providers.fields import render
from providers.replies import (
    amount_in,
    header,
    is_good,
    message_in,
    object_in,
    outputs_in,
    poll_error,
    shortened,
    submit_error,
    text_in,
    upload_error,
)

WHO = "fal"
KEY_VARIABLE = "FAL_KEY"
QUEUE = "https://queue.fal.run"
STORAGE = "https://rest.fal.ai/storage/upload/initiate?storage_type=fal-cdn-v3"

PENDING = {"IN_QUEUE", "IN_PROGRESS"}
# Theirs to mend: the same request may succeed. Every other type is about the request itself.
FAILURES = {
    "client_cancelled",
    "client_disconnected",
    "downstream_service_error",
    "downstream_service_unavailable",
    "generation_timeout",
    "internal_error",
    "internal_server_error",
    "request_timeout",
    "runner_connection_error",
    "runner_connection_refused",
    "runner_connection_timeout",
    "runner_disconnected",
    "runner_incomplete_response",
    "runner_scheduling_failure",
    "runner_server_error",
    "startup_timeout",
}
MAYBE_BILLED = {"client_cancelled", "client_disconnected", "downstream_service_error"}  # not 5xx
RETRY_HEADERS = ("x-fal-needs-retry", "x-fal-retryable")  # the newer and the older name
OF_THE_API = (401, 402, 403, 404, 410, 429)  # about our key or our pace, or not of this job
JOB_HEADERS = ("x-fal-error-type", "x-fal-request-id", "x-fal-billable-units", *RETRY_HEADERS)


class FalAdapter:
    """Submit to the queue, ask for the status, then for the result."""

    def submit(self, order: Order) -> Call:
        """Return the call that puts the order into the queue of its endpoint."""
        return Call("POST", f"{QUEUE}/{order.binding.endpoint}", render(order))

    def read_submit(self, order: Order, answer: Answer) -> Job:
        """Return the job with the URLs that fal names for it; they are not ours to build."""
        if not is_good(answer):
            raise self._submit_error(answer)
        body = object_in(answer, WHO)
        urls = {name: text_in(body, name, WHO) for name in ("status_url", "response_url")}
        receipt = {
            **urls,
            "cancel_url": body.get("cancel_url"),
            "output": dict(order.binding.output),
        }
        return Job(text_in(body, "request_id", WHO), receipt)

    def poll(self, job: Job) -> Call:
        """Return the call for the status, or for the result once the job is known to be over."""
        if job.receipt.get("is_over"):
            return Call("GET", job.receipt["response_url"])
        url = job.receipt["status_url"]
        return Call("GET", f"{url}{'&' if '?' in url else '?'}logs=0")

    def read_poll(self, job: Job, answer: Answer) -> Pending | Job | Done:
        """Return where the job stands; COMPLETED leads to the result."""
        if job.receipt.get("is_over"):
            return self._read_result(job, answer)
        if not is_good(answer):
            raise poll_error(answer, WHO, KEY_VARIABLE)
        body = object_in(answer, WHO)
        status = text_in(body, "status", WHO)
        if status in PENDING:
            return Pending(is_queued=status == "IN_QUEUE")
        if status != "COMPLETED":
            raise BadReplyError(f"fal gives job {job.id} the unknown status {shortened(status)!r}")
        if body.get("error") or body.get("error_type"):
            kind = str(body.get("error_type") or "")
            billed = False if kind in FAILURES - MAYBE_BILLED else None
            raise _failure(kind, message_in(body), is_theirs=False, billed=billed)
        return Job(job.id, {**job.receipt, "is_over": True})

    def cancel(self, job: Job) -> Call | None:
        """Return the call: surely in time while the job is queued, a mere request afterwards."""
        url = job.receipt.get("cancel_url")
        return Call("PUT", url) if isinstance(url, str) else None

    def upload(self, material: Material) -> Upload:
        """Ask for a place, put the bytes there; the place's URL is signed and needs no key."""
        media = material.media
        name = f"{media.sha256[:16]}.{media.extension}"
        asked = {"file_name": name, "content_type": media.media_type}
        answer = yield Call("POST", STORAGE, asked)
        if not is_good(answer):
            raise upload_error(answer, WHO, KEY_VARIABLE)
        body = object_in(answer, WHO)
        place, url = text_in(body, "upload_url", WHO), text_in(body, "file_url", WHO)
        headers = {"content-type": media.media_type}
        answer = yield Call("PUT", place, headers=headers, content=material.data or b"")
        if not is_good(answer):
            raise upload_error(answer, "fal's storage", KEY_VARIABLE)
        return url

    def _submit_error(self, answer: Answer) -> MediaflowsError:
        # Their own client sends a submit again after nginx's 503 without a request id: then it
        # was the entrance that answered, and no queue has the request.
        at_entrance = header(answer, "x-fal-request-id") is None and "nginx" in str(answer.body)
        if answer.status == 503 and at_entrance:
            return UnavailableError("fal's entrance has no server for the request (503)")
        return submit_error(answer, WHO, KEY_VARIABLE)

    def _read_result(self, job: Job, answer: Answer) -> Done:
        units = amount_in(header(answer, "x-fal-billable-units"))
        if is_good(answer):
            body = object_in(answer, WHO)
            flagged = body.get("has_nsfw_concepts")
            if isinstance(flagged, list) and flagged[:1] == [True]:  # the picture is then black
                raise RefusedError("fal's safety check blacked the picture out", billed=True)
            return Done(outputs_in(body, job.receipt["output"], WHO), units=units)
        kind = _replayed_type(answer)
        if kind is None:
            if answer.status == 400:  # seen before the end of a job, with words for a code
                raise UnavailableError("fal has no result yet (400)")
            raise poll_error(answer, WHO, KEY_VARIABLE)
        is_theirs = answer.status >= 500 or any(
            header(answer, name) in ("true", "1") for name in RETRY_HEADERS
        )
        billed = False if answer.status >= 500 else _billed(units)
        raise _failure(kind, message_in(answer.body), is_theirs=is_theirs, billed=billed)


def _replayed_type(answer: Answer) -> str | None:
    """Return the type of the failure that a result's answer replays, "" where it names none.

    None: nothing in it comes from the job, so its status is that of a server in between, and
    believing it would give up a job that is paid for.
    """
    if answer.status in OF_THE_API and header(answer, "x-fal-billable-units") is None:
        return None
    body = answer.body if isinstance(answer.body, dict) else {}
    detail = body.get("detail")
    first = detail[0] if isinstance(detail, list) and detail else None
    named = first.get("type") if isinstance(first, dict) else body.get("error_type")
    is_detailed = first is not None and answer.status < 500
    if not is_detailed and not any(header(answer, name) is not None for name in JOB_HEADERS):
        return None
    return header(answer, "x-fal-error-type") or str(named or "")


def _billed(units: Decimal | None) -> bool | None:
    return None if units is None else units > 0


def _failure(
    kind: str, words: str, *, is_theirs: bool, billed: bool | None = None
) -> JobFailedError | RefusedError:
    said = f": {shortened(words)}" if words else ""
    named = shortened(kind) or "no type"
    if is_theirs or kind in FAILURES:
        return JobFailedError(f"fal failed the job ({named}){said}", billed=billed)
    return RefusedError(f"fal refuses the request ({named}){said}", billed=billed)
