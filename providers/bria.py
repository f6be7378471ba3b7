"""Bria v2: a job, asked for at `status_url`, whose answer is 200 whatever has become of it.

A failure stands in the answer's `error`, with codes of its own. Files go inside the request and
nothing can be cancelled. The facts are those of its OpenAPI and client, 2026-11-20.
"""

from __future__ import annotations

from typing import Any

from providers.adapter import Answer, Call, Done, Job, Material, Order, Pending
from providers.errors import BadReplyError, JobFailedError, RefusedError
from providers.fields import render
from providers.replies import (
    is_good,
    message_in,
    object_in,
    outputs_in,
    poll_error,
    shortened,
    submit_error,
    text_in,
)

WHO = "bria"
KEY_VARIABLE = "BRIA_API_TOKEN"
API = "https://engine.prod.bria-api.com"

TOO_SMALL, CANNOT_FETCH = 412, 460  # of the picture: codes that mean this here and nowhere else
REFUSALS = {400, 404, TOO_SMALL, 413, 415, 422, CANNOT_FETCH}


class BriaAdapter:
    """Submit, then ask at `status_url`."""

    def submit(self, order: Order) -> Call:
        """Return the call that places the order at its endpoint."""
        return Call("POST", f"{API}{order.binding.endpoint}", render(order))

    def read_submit(self, order: Order, answer: Answer) -> Job | Done:
        """Return the job, or the result where the endpoint answered at once."""
        if answer.status in (TOO_SMALL, CANNOT_FETCH):
            raise RefusedError(
                f"bria refuses the picture ({answer.status}): {message_in(answer.body)}"
            )
        if not is_good(answer):
            raise submit_error(answer, WHO, KEY_VARIABLE)
        body = object_in(answer, WHO)
        if "status_url" not in body and isinstance(body.get("result"), dict):
            return Done(outputs_in(body, order.binding.output, WHO))
        receipt = {
            "status_url": text_in(body, "status_url", WHO),
            "output": dict(order.binding.output),
        }
        return Job(text_in(body, "request_id", WHO), receipt)

    def poll(self, job: Job) -> Call:
        """Return the call for the status."""
        return Call("GET", job.receipt["status_url"])

    def read_poll(self, job: Job, answer: Answer) -> Pending | Done:
        """Return where the job stands.

        UNKNOWN is one of their words; without an `error` beside it, it ends nothing that was paid.
        """
        if not is_good(answer):
            raise poll_error(answer, WHO, KEY_VARIABLE)
        body = object_in(answer, WHO)
        status = text_in(body, "status", WHO)
        if status == "IN_PROGRESS":
            return Pending()
        if status == "COMPLETED":
            return Done(outputs_in(body, job.receipt["output"], WHO))
        if status == "ERROR" or (status == "UNKNOWN" and body.get("error")):
            raise _failure(job, body.get("error"))
        raise BadReplyError(f"bria gives job {job.id} the unknown status {shortened(status)!r}")

    def cancel(self, job: Job) -> Call | None:
        """There is no such call."""
        return None

    def upload(self, material: Material) -> None:
        """There is none: pictures go inside the request."""
        return None


def _failure(job: Job, error: Any) -> RefusedError | JobFailedError:
    code = error.get("code") if isinstance(error, dict) else None
    said = shortened(message_in(error) or "no reason given")
    if code in REFUSALS:
        return RefusedError(f"bria refuses the picture ({code}): {said}")
    return JobFailedError(f"bria failed job {job.id} ({code}): {said}")
