"""What a step's template asks of a result, beyond that it can be read.

A verdict belongs to the attempt and to the digest of the checks: another template may be content
with what this one turns down.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from providers.errors import RejectedError
from providers.json_fields import JsonField, in_words, json_problem
from providers.media import Value
from tasks.key import digest


@dataclass(frozen=True)
class Checks:
    """The checks of one step: `json` are the fields that the text on `port` must have."""

    port: str = "text"
    json: tuple[JsonField, ...] = ()

    @cached_property
    def digest(self) -> str | None:
        """The digest of what is checked; None where nothing is."""
        return digest({"json": in_words(self.json)}) if self.json else None

    def problem(self, values: Mapping[str, Value]) -> str | None:
        """Return in one line why a result does not pass, or None."""
        if not self.json:
            return None
        problem = json_problem(str(values[self.port]), self.json)
        return problem and f"the {self.port} that came is turned down: {problem}"

    def require(self, values: Mapping[str, Value]) -> None:
        """Let a result pass.

        Raises:
            RejectedError: it does not.
        """
        if problem := self.problem(values):
            raise RejectedError(problem)


NO_CHECKS: Final = Checks()
