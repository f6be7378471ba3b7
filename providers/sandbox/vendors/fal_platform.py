"""fal's platform API: the prices, and what requests really cost."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from providers.sandbox.desk import Desk, endpoint_of
from providers.sandbox.endpoints import endpoints
from providers.sandbox.jobs import Job, invoice_line
from providers.sandbox.replies import Reply, refusal
from providers.sandbox.visit import Visit

_MOST_IDS = 50
_UNITS = {
    "output_second": "seconds",
    "thousand_characters": "1000 characters",
    "million_video_tokens": "1M tokens",
}


def answer(desk: Desk, visit: Visit) -> Reply:
    """Answer at `/v1/models/...`."""
    now = desk.clock()
    if visit.method == "GET" and visit.path == "/v1/models/pricing":
        return _page([_price(name) for name in _ids(visit, "endpoint_id")], "prices")
    if visit.method == "GET" and visit.path == "/v1/models/billing-events":
        jobs = [desk.jobs.get(id) for id in _ids(visit, "request_id")]
        found = [job for job in jobs if job is not None and job.provider == "fal"]
        ended = [job for job in found if job.outcome(now) != "running"]
        return _page([_billed(job, now) for job in ended], "billing_events")
    if visit.method == "GET" and visit.path == "/v1/models/requests/by-endpoint":
        wanted = visit.query.get("endpoint_id")
        asked = [job for job in reversed(desk.jobs.values()) if job.provider == "fal"]
        return _page([_request(job, now) for job in asked if job.endpoint == wanted], "items")
    raise refusal(404, _error("not_found", "There is no such resource."))


def _ids(visit: Visit, name: str) -> list[str]:
    found = [word for word in visit.query.get(name, "").split(",") if word]
    if not 0 < len(found) <= _MOST_IDS:
        raise refusal(400, _error("validation_error", f"Give 1 to {_MOST_IDS} of {name}."))
    return found


def _error(kind: str, message: str) -> dict[str, Any]:
    return {"error": {"type": kind, "message": message}}


def _page(entries: list[dict[str, Any]], name: str) -> Reply:
    return Reply(200, {name: entries, "next_cursor": None, "has_more": False})


def _price(name: str) -> dict[str, Any]:
    endpoint = endpoints("fal").get(name)
    if endpoint is None or endpoint.price.usd is None:
        raise refusal(404, _error("not_found", f"There is no price of '{name}'."))
    return {
        "endpoint_id": name,
        "unit_price": float(endpoint.price.usd),
        "unit": _UNITS.get(endpoint.price.unit, f"{endpoint.price.unit}s"),
        "currency": "USD",
    }


def _billed(job: Job, now: float) -> dict[str, Any]:
    line = invoice_line(job, now)
    price = endpoint_of(job).price.usd
    cost = None if line["amount"] is None else float(line["amount"])
    return {
        "request_id": job.id,
        "endpoint_id": job.endpoint,
        "timestamp": _stamp(job.ends_at),
        "output_units": float(line["units"]),
        "unit_price": None if price is None else float(price),
        "percent_discount": 0,
        "cost_subtotal": cost,
        "cost_discount": 0,
        "cost_total": cost,
        "cost_estimate_nano_usd": None if cost is None else round(cost * 1e9),
    }


def _request(job: Job, now: float) -> dict[str, Any]:
    ended = job.outcome(now) != "running"
    return {
        "request_id": job.id,
        "endpoint_id": job.endpoint,
        "sent_at": _stamp(job.accepted_at),
        "started_at": _stamp(job.starts_at),
        "ended_at": _stamp(job.ends_at) if ended else None,
    }


def _stamp(seconds: float) -> str:
    return datetime.fromtimestamp(min(seconds, 4e9), UTC).isoformat()
