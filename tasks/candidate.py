"""Candidates: the ordered ways in which one step of one row can be done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import Any

from providers.catalog import Binding, Model, Quote, quote
from providers.catalog.shape import shapes_of
from providers.catalog.size import is_ratio
from providers.media import Value
from tasks.halt import Halt
from tasks.key import RequestFields, identity
from tasks.ledger.attempt import Place


@dataclass(frozen=True)
class Candidate:
    """One request at one binding; `is_sendable` says whether its provider can be used today."""

    model: Model
    binding: Binding
    provider: str
    endpoint: str
    realm: str
    parameters: Mapping[str, Any]
    inputs: Mapping[str, Value]
    is_sendable: bool
    fit: Mapping[str, Any] = field(default_factory=dict)
    take: int = 1

    @cached_property
    def fields(self) -> dict[str, Any]:
        """What goes into the request key, as it is kept in the ledger."""
        return {
            "model": self.model.model,
            "revision": self.model.revision,
            "provider": self.provider,
            "endpoint": self.endpoint,
            "realm": self.realm,
            "parameters": dict(self.parameters),
            "inputs": {port: identity(value) for port, value in self.inputs.items()},
            "fit": dict(self.fit),
            "take": self.take,
        }

    @cached_property
    def key(self) -> str:
        """The request key."""
        return RequestFields(**self.fields).key()

    @cached_property
    def quote(self) -> Quote:
        """What one call costs."""
        return quote(self.model, self.binding, self.parameters, shapes_of(self.inputs))

    @property
    def asked_aspect(self) -> str | None:
        """The aspect ratio that was asked for, as "16:9"; None where none was."""
        aspect = self.parameters.get("aspect_ratio")
        return aspect if isinstance(aspect, str) and is_ratio(aspect) else None

    @property
    def is_local(self) -> bool:
        """True when this machine does the work."""
        return self.provider == "local"

    @property
    def label(self) -> str:
        """The candidate as people read it: model@provider."""
        return f"{self.model.model}@{self.provider}"


@dataclass(frozen=True, slots=True)
class RowCap:
    """What one row may cost in USD, and what one try costs at most, by step and item."""

    most: Decimal
    one_try: Mapping[tuple[str, int], Decimal]


@dataclass(frozen=True, slots=True)
class Terms:
    """What a run allows a step to do.

    `round` counts the retries a person has asked for; each begins a new budget of submits.
    """

    round: int = 0
    resubmit_uncertain: bool = False
    resubmit_lost: bool = False
    row_cap: RowCap | None = None


@dataclass(frozen=True, slots=True)
class StepCall:
    """One step of one row, ready to be done; `label` names the row for people."""

    place: Place
    label: str
    candidates: tuple[Candidate, ...]
    ports: Mapping[str, str]
    """Output port -> its type's word, from the kind."""
    terms: Terms = Terms()
    halt: Halt = field(default_factory=Halt)

    def name(self, candidate: Candidate) -> str:
        """The name of the task run: row, step and model@provider."""
        item = f"[{self.place.item}]" if self.place.item else ""
        return f"{self.label} · {self.place.step}{item} · {candidate.label}"
