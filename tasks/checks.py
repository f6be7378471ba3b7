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
from providers.json_fields import JsonField, checked_json, in_words
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

    def passed(self, values: Mapping[str, Value]) -> dict[str, Value]:
        """Return the values that pass, JSON out of the fence that a model put around it.

        Raises:
            RejectedError: one does not.
        """
        if not self.json:
            return dict(values)
        try:
            text = checked_json(str(values[self.port]), self.json)
        except ValueError as error:
            raise RejectedError(f"the {self.port} that came was turned down: {error}") from None
        return {**values, self.port: text}

    def would_pass(self, values: Mapping[str, Value]) -> bool:
        """True when `passed` would return."""
        try:
            self.passed(values)
        except RejectedError:
            return False
        return True


NO_CHECKS: Final = Checks()
