"""What each vendor answers, one reply per state, trimmed to what its documents show (2026-11-20)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from providers.adapter import Answer, Material, Order, Part
from providers.catalog import Binding, Model, all_models
from providers.http_wire import HttpWire
from providers.kinds import KINDS
from providers.media import Media
from providers.registry import PROVIDERS
from providers.replies import TEXT_PORT

SITES = [
    provider.wire.site for provider in PROVIDERS.values() if isinstance(provider.wire, HttpWire)
]
FILE = "https://files.example/out.png"
BUSY = Answer(429, {"detail": "slow down"}, {"Retry-After": "7"})


@dataclass(frozen=True)
class Vendor:
    """How one vendor speaks; `unknown` is a poll's answer with a status that nobody has seen."""

    accepted: Answer
    pending: tuple[Answer, ...]
    done: tuple[Callable[[Any], Answer], ...]
    unknown: Answer
    job: str
    receipt: dict[str, str] = field(default_factory=dict)
    units: Decimal | None = None
    amount_usd: Decimal | None = None


def _fal(status: str, **more: Any) -> Answer:
    return Answer(200, {"status": status, "request_id": "req-1", "logs": None, **more})


def _replicate(status: str, **more: Any) -> Answer:
    body = {
        "id": "rep1",
        "model": "owner/name",
        "version": "hidden",
        "input": {},
        "output": None,
        "error": None,
        "logs": "",
        "metrics": {},
        "created_at": "2026-11-20T10:00:00.000Z",
        "urls": {
            "get": "https://api.replicate.com/v1/predictions/rep1",
            "cancel": "https://api.replicate.com/v1/predictions/rep1/cancel",
        },
    }
    return Answer(200, {**body, "status": status, **more})


def _bfl(status: str, **more: Any) -> Answer:
    body = {"id": "bfl1", "result": None, "progress": None, "details": None, "preview": None}
    return Answer(200, {**body, "status": status, **more})


def _bria(status: str, **more: Any) -> Answer:
    return Answer(200, {"status": status, "request_id": "bria1", **more})


QUEUE = "https://queue.fal.run/fal-ai/flux-2-pro/requests/req-1"

VENDORS = {
    "fal": Vendor(
        accepted=Answer(
            200,
            {
                "status": "IN_QUEUE",
                "request_id": "req-1",
                "queue_position": 0,
                "status_url": f"{QUEUE}/status",
                "response_url": QUEUE,
                "cancel_url": f"{QUEUE}/cancel",
            },
        ),
        pending=(
            Answer(202, {"status": "IN_QUEUE", "queue_position": 3, "request_id": "req-1"}),
            Answer(202, {"status": "IN_PROGRESS", "logs": [], "request_id": "req-1"}),
        ),
        done=(
            lambda body: _fal("COMPLETED", metrics={"inference_time": 1.5}),
            lambda body: Answer(200, body, {"x-fal-billable-units": "1.50000000"}),
        ),
        unknown=_fal("ARCHIVED"),
        job="req-1",
        receipt={"status_url": f"{QUEUE}/status", "response_url": QUEUE},
        units=Decimal("1.5"),
    ),
    "replicate": Vendor(
        accepted=Answer(201, _replicate("starting").body),
        pending=(_replicate("starting"), _replicate("processing", output=None)),
        done=(lambda body: _replicate("succeeded", **body, metrics={"predict_time": 2.25}),),
        unknown=_replicate("hibernating"),
        job="rep1",
        receipt={"get": "https://api.replicate.com/v1/predictions/rep1"},
        units=Decimal("2.25"),
    ),
    "bfl": Vendor(
        accepted=Answer(
            200,
            {
                "id": "bfl1",
                "polling_url": "https://api.eu2.bfl.ai/v1/get_result?id=bfl1",
                "cost": 4.5,
                "input_mp": 0.0,
                "output_mp": 2.0,
            },
        ),
        pending=(_bfl("Pending"),),
        done=(lambda body: _bfl("Ready", **body),),
        unknown=_bfl("Asleep"),
        job="bfl1",
        receipt={"polling_url": "https://api.eu2.bfl.ai/v1/get_result?id=bfl1"},
        units=Decimal("4.5"),
        amount_usd=Decimal("0.045"),
    ),
    "bria": Vendor(
        accepted=Answer(
            202,
            {
                "request_id": "bria1",
                "status_url": "https://engine.prod.bria-api.com/v2/status/bria1",
            },
        ),
        pending=(_bria("IN_PROGRESS"),),
        done=(lambda body: _bria("COMPLETED", **body),),
        unknown=_bria("SNOOZED"),
        job="bria1",
        receipt={"status_url": "https://engine.prod.bria-api.com/v2/status/bria1"},
    ),
}

OFFERS = [
    (model, binding)
    for model in all_models()
    for binding in model.bindings
    if binding.provider in VENDORS and binding.status == "active"
]


def offer_name(offer: tuple[Model, Binding]) -> str:
    return f"{offer[0].model}@{offer[1].provider}"


def body_with(path: str, value: Any) -> Any:
    """The smallest JSON that holds `value` at the path: "images[0].url"."""
    body = value
    for part in reversed(path.replace("[", ".").replace("]", "").split(".")):
        body = [body] if part.isdigit() else {part: body}
    return body


def order_for(
    model: Model,
    binding: Binding,
    material: Material | Mapping[str, Material],
    **parameters: Any,
) -> Order:
    """An order at the defaults: words on the text ports that it needs, material on the others."""
    defaults = {
        name: one.default for name, one in model.parameters.items() if one.default is not None
    }
    inputs: dict[str, Part] = {}
    for name, port in KINDS[model.kind].inputs.items():
        if port.required or name in model.requires:
            word = port.type.word
            given = material[word] if isinstance(material, Mapping) and word != "text" else material
            value: Part = "a red mug" if word == "text" else given  # type: ignore[assignment]
            inputs[name] = (value,) if port.type.is_list else value
    return Order(binding, {**defaults, **parameters}, inputs)


def output_path(binding: Binding) -> str:
    """Where the result stands in the vendor's answer."""
    return next(iter(binding.output.values()))


def gives_text(binding: Binding) -> bool:
    """True when the result stands in the answer itself."""
    return TEXT_PORT in binding.output


def material(path: Path, content: bytes, **more: Any) -> Material:
    """A file on disk as an order holds it."""
    path.write_bytes(content)
    sha256 = hashlib.sha256(content).hexdigest()
    return Material(Media("image", sha256, "image/png", len(content)), path, **more)
