"""The form of a catalog file: one model, its parameters and how each provider offers it.

Facts about models are data in `providers/catalog/*.yaml`; this file only says what a fact may look
like. Every price carries its source and date, and is quoted text, so that it never was a float.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BeforeValidator, Field, model_validator

from providers.catalog.limits import Entry, Limits, Makes
from providers.kinds import KINDS

Grade: TypeAlias = Literal["exact", "units", "estimate", "unpriced"]
ScalarType: TypeAlias = Literal["choice", "text", "integer", "number", "boolean"]
Scalar: TypeAlias = bool | int | float | str
Form: TypeAlias = Literal[
    "text", "width", "height", "size_object", "url", "base64", "data_uri", "list", "milliseconds"
]


def _quoted(value: Any) -> Any:
    if isinstance(value, str):
        return Decimal(value)
    if isinstance(value, Decimal):
        return value
    raise ValueError(f'write the amount as quoted text, "{value}": a YAML number is a float')


Amount = Annotated[Decimal, BeforeValidator(_quoted)]


class Parameter(Entry):
    """A canonical parameter; without a default it is optional and left out when not given."""

    type: ScalarType
    about: str
    default: Scalar | None = None
    options: tuple[Scalar, ...] = Field(default=(), strict=False)
    minimum: float | None = None
    maximum: float | None = None
    unit: str | None = None

    @model_validator(mode="after")
    def _default_is_allowed(self) -> Parameter:
        if self.type == "choice" and not self.options:
            raise ValueError("a choice needs options")
        if self.default is not None and (problem := self.problem_with(self.default)):
            raise ValueError(f"the default {self.default!r} {problem}")
        return self

    def problem_with(self, value: Any) -> str | None:
        """Return why `value` is not allowed here, as the end of a sentence, or None."""
        # True == 1 in Python, and is no option of a choice of numbers.
        if self.options and (value not in self.options or isinstance(value, bool)):
            return "is not one of " + ", ".join(str(option) for option in self.options)
        wanted: dict[str, type | tuple[type, ...]] = {
            "integer": int,
            "number": (int, float),
            "boolean": bool,
            "text": str,
        }
        expected = wanted.get(self.type)
        is_bool = isinstance(value, bool)
        if expected and (not isinstance(value, expected) or is_bool != (self.type == "boolean")):
            return f"is not {'an' if self.type == 'integer' else 'a'} {self.type}"
        if self.minimum is not None and value < self.minimum:
            return f"is below {self.minimum:g}"
        if self.maximum is not None and value > self.maximum:
            return f"is above {self.maximum:g}"
        return None


class FieldRule(Entry):
    """How one field of the vendor's request is filled.

    `from` names a canonical parameter or input port; `size` stands for the pixels that
    aspect_ratio and megapixels ask for. `values` maps canonical values to the vendor's words (one
    that is not listed stays as it is, one mapped to null is left out), `form` says how the value is written, and `send` is a constant
    of ours. A size is written "1344x768" where `values` gives one. A number is raised to the next
    of `round_up_to` before that: seconds that a vendor sells only in steps.
    """

    source: str | None = Field(default=None, alias="from")
    values: dict[str, Scalar | None] = Field(default_factory=dict)
    form: Form | None = None
    send: Any = None
    round_up_to: tuple[float, ...] = Field(default=(), strict=False)

    @model_validator(mode="after")
    def _one_source(self) -> FieldRule:
        if (self.source is None) == (self.send is None):
            raise ValueError("a field has either `from` or `send`")
        return self


class Price(Entry):
    """A price rule: `usd` for each `unit`, the first one if `each_further_usd` is set.

    `counts_input` adds the megapixels of the pictures that are given. `times` multiplies by a
    factor for a parameter's value, as {resolution: {"1080p": "2"}}. A video token is one of
    width x height x frames per second x seconds / 1024.
    """

    unit: Literal[
        "call",
        "image",
        "megapixel",
        "second",
        "thousand_characters",
        "compute_second",
        "million_video_tokens",
    ]
    usd: Amount
    each_further_usd: Amount | None = None
    counts_input: bool = False
    times: dict[str, dict[str, Amount]] = Field(default_factory=dict)
    grade: Grade = "units"
    source: str
    as_of: str


class Latency(Entry):
    """How long a job takes; `source` says whether the vendor or our own estimate says so."""

    usual_seconds: float
    longest_seconds: float
    source: str


class Cancel(Entry):
    """Whether a job can be cancelled, and how long it is known that this costs nothing."""

    possible: bool = False
    free_while: Literal["never", "queued", "running"] = "never"

    @model_validator(mode="before")
    @classmethod
    def _frozen_by_0_1(cls, data: Any) -> Any:
        # Runs of version 0.1.0 froze `billed` with their catalog entries, and are still resumed.
        return {k: v for k, v in data.items() if k != "billed"} if isinstance(data, dict) else data


class Binding(Entry):
    """How one provider offers one model."""

    provider: str
    endpoint: str
    fields: dict[str, str | FieldRule] = Field(default_factory=dict)
    output: dict[str, str] = Field(default_factory=dict)
    limits: Limits = Limits()
    makes: Makes = Makes()
    price: Price | None = None
    ceiling_usd: Amount | None = None
    latency: Latency
    cancel: Cancel = Cancel()
    result_life_seconds: int | None = None
    status: Literal["active", "deprecated", "retired"] = "active"
    retires_on: str | None = None
    replaced_by: str | None = None
    source: str
    notes: str | None = None

    def takes(self, port: str) -> bool:
        """Return False when the vendor's request has no field for what this port is given."""
        return self.provider == "local" or any(
            port == (rule if isinstance(rule, str) else rule.source)
            for rule in self.fields.values()
        )


class Model(Entry):
    """One catalog file. `revision` is raised by hand when what the model makes changes.

    `requires` names ports that this model needs although its kind does not.
    """

    model: str = Field(pattern=r"^[a-z0-9][a-z0-9.-]*$")
    kind: str
    revision: int = 1
    title: str
    about: str
    best_for: str
    plays: str | None = None
    requires: tuple[str, ...] = Field(default=(), strict=False)
    parameters: dict[str, Parameter] = Field(default_factory=dict)
    bindings: tuple[Binding, ...] = Field(min_length=1, strict=False)

    @model_validator(mode="after")
    def _names_exist(self) -> Model:
        for word in filter(None, (self.kind, self.plays)):
            if word not in KINDS:
                raise ValueError(f"there is no kind {word!r}")
        canonical = {*self.parameters, *KINDS[self.kind].inputs, "size"}
        for binding in self.bindings:
            for field, rule in binding.fields.items():
                source = rule if isinstance(rule, str) else rule.source
                if source is not None and source not in canonical:
                    raise ValueError(f"field {field!r} comes from unknown {source!r}")
        return self

    def takes(self, port: str) -> bool:
        """Return False when no vendor's request has a field for what this port is given."""
        return any(binding.takes(port) for binding in self.bindings)

    @property
    def is_local(self) -> bool:
        """True for a model that only this machine runs."""
        return all(binding.provider == "local" for binding in self.bindings)
