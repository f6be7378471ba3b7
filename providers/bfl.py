"""Black Forest Labs: a job, asked for at the URL that its submit named, on the region it runs in.

What a job costs is said at its submit, in credits of one cent. Files go inside the request and
nothing can be cancelled. The facts are those of its OpenAPI and docs, 2026-11-20.
"""

from __future__ import annotations

from decimal import Decimal

from providers.adapter import Answer, Call, Done, Job, Material, Order, Pending
from providers.errors import BadReplyError, ExpiredError, JobFailedError, RefusedError
from providers.fields import render
from providers.replies import (
    amount_in,
    is_good,
    message_in,
    object_in,
    outputs_in,
    poll_error,
    shortened,
    submit_error,
    text_in,
)

WHO = "bfl"
KEY_VARIABLE = "BFL_API_KEY"
API = "https://api.bfl.ai"
USD_PER_CREDIT = Decimal("0.01")

MODERATED = {"Request Moderated", "Content Moderated"}


class BflAdapter:
    """Submit, then ask at `polling_url`."""

    def submit(self, order: Order) -> Call:
        """Return the call that places the order at its endpoint."""
        return Call("POST", f"{API}{order.binding.endpoint}", render(order))

    def read_submit(self, order: Order, answer: Answer) -> Job:
        """Return the job, with its cost where it is stated: no later answer repeats it."""
        if not is_good(answer):
            raise submit_error(answer, WHO, KEY_VARIABLE)
        body = object_in(answer, WHO)
        credits_ = amount_in(body.get("cost"))
        receipt = {
            "polling_url": text_in(body, "polling_url", WHO),
            "cost_credits": None if credits_ is None else str(credits_),
            "output": dict(order.binding.output),
        }
        return Job(text_in(body, "id", WHO), receipt)

    def poll(self, job: Job) -> Call:
        """Return the call for the job; only the region that runs it knows it."""
        return Call("GET", job.receipt["polling_url"])

    def read_poll(self, job: Job, answer: Answer) -> Pending | Done:
        """Return where the job stands."""
        if not is_good(answer):
            raise poll_error(answer, WHO, KEY_VARIABLE)
        body = object_in(answer, WHO)
        status = text_in(body, "status", WHO)
        if status == "Pending":
            return Pending()
        if status in MODERATED:  # whether that is billed, they do not say
            raise RefusedError(f"bfl's moderation turned it down ({status}){_details(body)}")
        if status == "Error":
            raise JobFailedError(f"bfl failed job {job.id}{_details(body)}")
        if status == "Task not found":
            raise ExpiredError(f"bfl does not know job {job.id}, or no longer")
        if status != "Ready":
            raise BadReplyError(f"bfl gives job {job.id} the unknown status {shortened(status)!r}")
        outputs = outputs_in(body, job.receipt["output"], WHO)
        stated = amount_in(job.receipt.get("cost_credits"))
        if stated is None:
            return Done(outputs)
        return Done(outputs, units=stated, amount_usd=stated * USD_PER_CREDIT, grade="exact")

    def cancel(self, job: Job) -> Call | None:
        """There is no such call."""
        return None

    def upload(self, material: Material) -> None:
        """There is none: pictures go inside the request."""
        return None


def _details(body: dict[str, object]) -> str:
    details = body.get("details")
    words = message_in(details) or (shortened(str(details)) if details else "")
    return f": {words}" if words else ""
