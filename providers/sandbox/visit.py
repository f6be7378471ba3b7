"""One request on its way through the sandbox: what was asked, and what happened to it so far."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request

from providers.sandbox.dice import Fault
from providers.sandbox.jobs import Job
from providers.sandbox.replies import AnswerNowError, Reply


@dataclass
class Visit:
    """A request to one vendor; `path` is what follows the vendor's prefix, with its slash.

    `phase`, `faults` and `job` say which faults may strike the answer: those of a submit, or those
    of the job at a poll, a result or a download.
    """

    request: Request
    vendor: str
    path: str
    origin: str = ""
    phase: str | None = None
    job: Job | None = None
    faults: list[Fault] = field(default_factory=list)
    received: tuple[str, int] | None = None
    raw: bytes = b""
    gate: Callable[[], Reply | None] = lambda: None

    @property
    def method(self) -> str:
        """The HTTP method."""
        return str(self.request.scope["method"])

    @cached_property
    def headers(self) -> Mapping[str, str]:
        """The request's headers, their names in lower case."""
        pairs = self.request.scope["headers"]
        return {name.decode("latin-1"): value.decode("latin-1") for name, value in pairs}

    @cached_property
    def query(self) -> dict[str, str]:
        """The query, the last of each name."""
        asked = self.request.scope["query_string"]
        return dict(parse_qsl(asked.decode("latin-1"), keep_blank_values=True)) if asked else {}

    @property
    def base(self) -> str:
        """The absolute URL of this vendor here, by the request's own host."""
        return f"{self.origin}/{self.vendor}"

    async def json_object(self, wrong: Reply) -> dict[str, Any]:
        """Return the JSON object of the body; `wrong` is answered where it is none."""
        self.raw = await self.request.body()
        try:
            data = json.loads(self.raw)
        except (ValueError, RecursionError):
            raise AnswerNowError(wrong) from None
        if not isinstance(data, dict):
            raise AnswerNowError(wrong)
        return data

    def strike(self, phase: str, job: Job) -> None:
        """Say that the answer is about `job` in that phase: its faults of it may strike."""
        self.phase, self.job = phase, job
        self.faults = [fault for fault in job.faults if fault.at == phase]
