"""The contract of a provider: pure in both directions, with no I/O.

An adapter turns an `Order` into a `Call` and an `Answer` into a `Job`, a `Done` or a typed error.
The driver sends the calls through a `Wire`; a test hands an adapter plain dicts.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from providers.catalog.schema import Binding, Grade
from providers.media import Media, Scalar


@dataclass(frozen=True, slots=True)
class Material:
    """A picture, clip or sound that a request needs: its reference and a verified local file."""

    media: Media
    path: Path


Part: TypeAlias = "str | Material | tuple[Part, ...]"


@dataclass(frozen=True, slots=True)
class Order:
    """One request at one binding: canonical parameters, and text or material for each port."""

    binding: Binding
    parameters: Mapping[str, Scalar]
    inputs: Mapping[str, Part]
    take: int = 1


@dataclass(frozen=True, slots=True)
class Call:
    """One message to a provider; `headers` never hold a key, the wire adds it."""

    method: str
    url: str
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def digest(self) -> str:
        """Return the sha256 of the body as it will be sent."""
        sent = json.dumps(self.body, sort_keys=True, separators=(",", ":"), default=str)
        return hashlib.sha256(sent.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Answer:
    """What a provider said; `body` is parsed JSON or text."""

    status: int
    body: Any
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Job:
    """The provider's side of an attempt: a JSON receipt that survives a restart."""

    id: str
    receipt: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Output:
    """One result on one port: a URL to fetch, the bytes themselves, or text."""

    port: str
    url: str | None = None
    data: bytes | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """A finished job, with the vendor's own word on its cost where there is one."""

    outputs: tuple[Output, ...]
    units: Decimal | None = None
    amount_usd: Decimal | None = None
    grade: Grade | None = None


@dataclass(frozen=True, slots=True)
class Pending:
    """A job that is not finished."""


class Adapter(Protocol):
    """What one vendor expects and answers."""

    def submit(self, order: Order) -> Call:
        """Return the call that places the order; pure, and the order stays unchanged."""

    def read_submit(self, order: Order, answer: Answer) -> Job | Done:
        """Return the job, or the result of a synchronous vendor.

        Raises:
            StepError: refused, unavailable, uncertain or of an unknown shape.
        """

    def poll(self, job: Job) -> Call:
        """Return the call that asks how the job stands."""

    def read_poll(self, job: Job, answer: Answer) -> Pending | Done:
        """Return where the job stands; an unknown status is a BadReplyError, never pending."""

    def cancel(self, job: Job) -> Call | None:
        """Return the call that cancels the job, or None where the vendor has none."""


class Wire(Protocol):
    """How calls reach a provider: HTTP with its key, or this machine."""

    async def send(self, call: Call) -> Answer:
        """Return the answer.

        Raises:
            UnavailableError: proven not accepted.
            UncertainError: sent, and the answer was lost.
        """
