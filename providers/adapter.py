"""The contract of a provider: pure in both directions, with no I/O.

An adapter turns an `Order` into a `Call` and an `Answer` into a `Job`, a `Done` or a typed error.
The driver sends the calls through a `Wire`; a test hands an adapter plain dicts.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncGenerator, Generator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol, TypeAlias, runtime_checkable

from providers.catalog.schema import Binding, Grade
from providers.media import Media, Scalar


@dataclass(frozen=True, slots=True)
class Material:
    """A picture, clip or sound that a request needs: its reference and a verified local file.

    The driver adds what the binding's field asks for before the adapter sees it: the `url` of an
    upload, or the file's `data`.
    """

    media: Media
    path: Path
    url: str | None = None
    data: bytes | None = None


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
    """One message to a provider, at its own absolute URL; `headers` never hold a key.

    The wire adds the key, and moves the URL where `<NAME>_BASE_URL` says so. `body` is JSON,
    `content` raw bytes, `files` the parts of a multipart form (name -> (file name, bytes, type)).
    """

    method: str
    url: str
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes | None = None
    files: Mapping[str, tuple[str, bytes, str]] | None = None

    def encoded(self) -> bytes:
        """Return the body as the bytes that are sent."""
        if self.content is not None:
            return self.content
        return json.dumps(self.body, separators=(",", ":"), default=str).encode()

    def digest(self) -> str:
        """Return the sha256 of the body as it is sent; the vendor's side can work it out, too."""
        return hashlib.sha256(self.encoded()).hexdigest()


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
    """A finished job, with the vendor's own word on its cost where there is one.

    `amount_usd` is what the vendor says it billed; `units` what it says it counted, to be
    multiplied by the binding's price.
    """

    outputs: tuple[Output, ...]
    units: Decimal | None = None
    amount_usd: Decimal | None = None
    grade: Grade | None = None


@dataclass(frozen=True, slots=True)
class Pending:
    """A job that is not finished; `is_queued` while the vendor says that it has not begun."""

    is_queued: bool = False


Upload: TypeAlias = Generator[Call, Answer, str]
"""The calls that upload one file, each given its answer; returns the URL to send."""


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

    def read_poll(self, job: Job, answer: Answer) -> Pending | Job | Done:
        """Return where the job stands; an unknown status is a BadReplyError, never pending.

        A `Job` is what to ask next, at once: some vendors have the result at another URL.
        """

    def cancel(self, job: Job) -> Call | None:
        """Return the call that cancels the job, or None where the vendor has none."""

    def upload(self, material: Material) -> Upload | None:
        """Return the calls that upload a file, or None where files go inside the request."""


class Wire(Protocol):
    """How calls reach a provider: HTTP with its key, or this machine."""

    async def send(self, call: Call) -> Answer:
        """Return the answer.

        Raises:
            UnavailableError: proven not accepted.
            UncertainError: sent, and the answer was lost.
        """


@runtime_checkable
class Fetcher(Protocol):
    """A wire that can also bring the files that answers point at."""

    def fetch(self, url: str, *, max_bytes: int) -> AsyncGenerator[bytes, None]:
        """Give the bytes at a URL out of an answer, piece by piece.

        Raises:
            BadReplyError: a URL that is not followed, or more bytes than `max_bytes`.
            ExpiredError: nothing is there any more.
            UnavailableError: it may be tried again.
        """


@dataclass(frozen=True, slots=True)
class Found:
    """Jobs of the vendor that an attempt may have started, with when each was created."""

    jobs: tuple[tuple[Job, str], ...]
    next_page: str | None = None


@runtime_checkable
class Finder(Protocol):
    """An adapter whose vendor lists its jobs, so that one whose answer was lost can be found."""

    def find(self, page: str | None = None) -> Call:
        """Return the call for the newest jobs, or for the page that `Found.next_page` named."""

    def read_find(self, order: Order, body_digest: str, answer: Answer) -> Found:
        """Return the jobs whose body is the one that was sent."""
