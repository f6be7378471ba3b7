"""Replicate: a prediction is one object from its creation to its end, under one URL.

Its clients never repeat a POST, and there is no idempotency key: a prediction whose answer was
lost is looked up in the list instead. The facts are those of its OpenAPI and docs, 2026-11-20.

`Prefer: wait` is not sent: it would keep the answer to a submit, and with it the job's id, on an
open connection for up to a minute, and save two polls.
"""

from __future__ import annotations

from typing import Any

from providers.adapter import Answer, Call, Done, Found, Job, Material, Order, Pending, Upload
from providers.errors import BadReplyError, ExpiredError, JobFailedError, RefusedError
from providers.fields import render
from providers.replies import (
    amount_in,
    is_good,
    object_in,
    outputs_in,
    poll_error,
    shortened,
    submit_error,
    text_in,
    upload_error,
)

WHO = "replicate"
KEY_VARIABLE = "REPLICATE_API_TOKEN"
API = "https://api.replicate.com/v1"

PENDING = {"starting", "processing"}
ENDED_BADLY: dict[str, bool | None] = {  # status -> whether it is billed; None: they do not say
    "failed": None,
    "canceled": True,
    "aborted": False,  # its deadline passed before it was begun
}
# Its predictions fail without a code, so the words of the models that flag are all there is
# (cog-stable-diffusion's "NSFW content detected", "flagged as sensitive ... (E005)"; 2026-11-21).
FLAGGED = ("nsfw content", "flagged as sensitive")
CANCEL_AFTER_TIMES = 2  # the longest latency: leaves time to come back, and ends what hangs
CANCEL_AFTER_LEAST_SECONDS = 5


class ReplicateAdapter:
    """Create a prediction, ask for it until it has ended."""

    def submit(self, order: Order) -> Call:
        """Return the call for an official model by its path, else for a version by its hash."""
        seconds = int(order.binding.latency.longest_seconds * CANCEL_AFTER_TIMES)
        headers = {"cancel-after": f"{max(seconds, CANCEL_AFTER_LEAST_SECONDS)}s"}
        name, _, version = order.binding.endpoint.partition(":")
        if version:
            body: dict[str, Any] = {"version": version, "input": render(order)}
            return Call("POST", f"{API}/predictions", body, headers)
        body = {"input": render(order)}
        return Call("POST", f"{API}/models/{name}/predictions", body, headers)

    def read_submit(self, order: Order, answer: Answer) -> Job:
        """Return the prediction as a job, whatever its status is by now."""
        if not is_good(answer):
            raise submit_error(answer, WHO, KEY_VARIABLE)
        return _job(order, object_in(answer, WHO))

    def poll(self, job: Job) -> Call:
        """Return the call for the prediction."""
        return Call("GET", job.receipt["get"])

    def read_poll(self, job: Job, answer: Answer) -> Pending | Done:
        """Return where the prediction stands."""
        if not is_good(answer):
            raise poll_error(answer, WHO, KEY_VARIABLE)
        body = object_in(answer, WHO)
        status = text_in(body, "status", WHO)
        if status in PENDING:
            return Pending()
        if status in ENDED_BADLY:
            raise _failure(job, status, str(body.get("error") or "no reason given"))
        if status != "succeeded":
            raise BadReplyError(
                f"replicate gives prediction {job.id} the unknown status {shortened(status)!r}"
            )
        if body.get("data_removed"):
            raise ExpiredError(
                f"replicate keeps results for an hour and has removed those of {job.id}",
                billed=True,
            )
        is_list = any("[" in path for path in job.receipt["output"].values())
        if is_list and body.get("output") == []:  # each picture that is flagged is left out of it
            raise RefusedError(
                f"replicate's prediction {job.id} gave nothing: its safety check took it out",
                billed=True,
            )
        metrics = body.get("metrics")
        seconds = metrics.get("predict_time") if isinstance(metrics, dict) else None
        units = amount_in(seconds) if job.receipt.get("is_by_second") else None
        return Done(outputs_in(body, job.receipt["output"], WHO), units=units)

    def cancel(self, job: Job) -> Call | None:
        """Return the call; what has run by then is billed."""
        return Call("POST", job.receipt["cancel"])

    def upload(self, material: Material) -> Upload:
        """Upload the file; only this account and the models that it runs can read its URL."""
        media = material.media
        name = f"{media.sha256[:16]}.{media.extension}"
        part = (name, material.data or b"", media.media_type)
        answer = yield Call("POST", f"{API}/files", files={"content": part})
        if not is_good(answer):
            raise upload_error(answer, WHO, KEY_VARIABLE)
        urls = object_in(answer, WHO).get("urls")
        return text_in(urls if isinstance(urls, dict) else {}, "get", WHO)

    def find(self, page: str | None = None) -> Call:
        """Return the call for the newest predictions, or for an older page of them."""
        return Call("GET", page or f"{API}/predictions")

    def read_find(self, order: Order, body_digest: str, answer: Answer) -> Found:
        """Return the predictions of a page whose input is the one that was sent.

        The list says what ran as the model's name and a version that may be "hidden"; the digest
        is of the body as we wrote it.
        """
        if not is_good(answer):
            raise poll_error(answer, WHO, KEY_VARIABLE)
        body = object_in(answer, WHO)
        name, _, version = order.binding.endpoint.partition(":")
        jobs = []
        for item in body.get("results") or ():
            if not isinstance(item, dict) or (item.get("model") or name) != name:
                continue
            sent = {"version": version} if version else {}
            if Call("POST", "", {**sent, "input": item.get("input")}).digest() == body_digest:
                jobs.append((_job(order, item), str(item.get("created_at") or "")))
        following = body.get("next")
        return Found(tuple(jobs), following if isinstance(following, str) else None)


def _failure(job: Job, status: str, reason: str) -> JobFailedError | RefusedError:
    billed = ENDED_BADLY[status]
    if status == "failed" and any(words in reason.lower() for words in FLAGGED):
        return RefusedError(f"replicate's safety check: {shortened(reason)}", billed=billed)
    said = f"replicate's prediction {job.id} was {status}: {shortened(reason)}"
    return JobFailedError(said, billed=billed)


def _job(order: Order, body: dict[str, Any]) -> Job:
    identity = text_in(body, "id", WHO)
    named = body.get("urls")
    urls = named if isinstance(named, dict) else {}
    own = f"{API}/predictions/{identity}"
    price = order.binding.price
    receipt = {
        "get": urls.get("get") or own,
        "cancel": urls.get("cancel") or f"{own}/cancel",
        "output": dict(order.binding.output),
        # Official models are billed by what they make: their seconds are no units of the price.
        "is_by_second": price is None or price.unit == "compute_second",
    }
    return Job(identity, receipt)
