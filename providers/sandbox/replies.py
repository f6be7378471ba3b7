"""What the sandbox answers with, before it is sent: easy to make, and easy to spoil."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Cut = Literal["close", "reset"]
_ENCODER = json.JSONEncoder(separators=(",", ":"))  # `json.dumps` would make one for each answer


@dataclass(slots=True)
class Reply:
    """One answer. `stream` yields further bytes; `cut` ends the connection instead of an answer.

    `body` that is not bytes is sent as JSON. `cut_after` sends that many bytes of the body and
    then closes the connection, though the header promised all of it.
    """

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    stream: AsyncIterator[Any] | None = None
    cut: Cut | None = None
    cut_after: int | None = None

    def raised(self) -> AnswerNowError:
        """Return the exception that answers with this."""
        return AnswerNowError(self)

    def encoded(self) -> bytes:
        """Return the body as the bytes that are sent."""
        if isinstance(self.body, bytes):
            return self.body
        if self.body is None:
            return b""
        return _ENCODER.encode(self.body).encode()

    def content_type(self) -> str:
        """Return the type of the body."""
        known = self.headers.get("content-type")
        plain = "application/octet-stream" if isinstance(self.body, bytes) else "application/json"
        return known or plain


class AnswerNowError(Exception):
    """Ends the handling of a request with this reply."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.status)
        self.reply = reply


def refusal(status: int, body: Any, headers: Mapping[str, str] | None = None) -> AnswerNowError:
    """Return the exception that answers with `status` and `body`."""
    return AnswerNowError(Reply(status, body, dict(headers or {})))
