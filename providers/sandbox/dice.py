"""Which faults befall the n-th submit: decided by the seed, never by the clock.

The same seed, vendor, endpoint and number always give the same faults, whatever else runs, so
that a bad day can be had again.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from fnmatch import fnmatchcase
from typing import Any

# Each fault, and the phase in which it strikes unless its rule says another: the submit itself,
# the job's life, a poll, the fetch of the result, a download or the cancel.
FAULTS: Mapping[str, str] = {
    "rate_limit": "submit",
    "server_error": "submit",
    "reset": "submit",
    "lost_answer": "submit",
    "malformed_json": "poll",
    "html": "poll",
    "deep_json": "poll",
    "unknown_status": "poll",
    "early_404": "poll",
    "slow": "job",
    "stuck": "job",
    "fail": "job",
    "refuse": "job",
    "cancel_billed": "job",
    "ignored_cancel": "cancel",
    "empty_output": "result",
    "chatty": "result",
    "private_url": "result",
    "black": "download",
    "wrong_size": "download",
    "wrong_format": "download",
    "truncated": "download",
    "expired_url": "download",
    "redirect": "download",
    "endless": "download",
    "bomb": "download",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault that befalls a submit or its job."""

    name: str
    at: str
    options: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return a dict that `Fault(**data)` reads back."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Rule:
    """When a fault strikes: at `nth` submits, at each `every`-th, or with a `probability`."""

    fault: str
    at: str
    provider: str = "*"
    endpoint: str = "*"
    probability: float | None = None
    every: int | None = None
    nth: tuple[int, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)

    def strikes(self, number: int, chance: float) -> bool:
        """True when the submit of that number is struck; a rule without a condition always is."""
        if self.nth:
            return number in self.nth
        if self.every is not None:
            return number % self.every == 0
        return self.probability is None or chance < self.probability


class Dice:
    """The decisions of one sandbox, from its seed and its profile's rules."""

    def __init__(self, seed: int, rules: tuple[Rule, ...]) -> None:
        self._seed = seed
        self._rules = rules

    def faults(self, provider: str, endpoint: str, number: int) -> list[Fault]:
        """Return what befalls the submit of that number (from 1) at that endpoint."""
        found = []
        for place, rule in enumerate(self._rules):
            if not (fnmatchcase(provider, rule.provider) and fnmatchcase(endpoint, rule.endpoint)):
                continue
            if rule.strikes(number, self.random(provider, endpoint, number, place).random()):
                found.append(Fault(rule.fault, rule.at, rule.options))
        return found

    def random(self, *parts: object) -> random.Random:
        """Return a generator that depends on the seed and `parts` alone."""
        text = "|".join(str(part) for part in (self._seed, *parts))
        return random.Random(hashlib.sha256(text.encode()).digest())
