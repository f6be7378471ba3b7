"""The form of a template: a named, versioned, typed graph, as an object and as a YAML file.

This file says what may be written, part by part. What the parts mean together (references, edge
types, models) is checked by `flows.graph`.
"""

from __future__ import annotations

import keyword
import re
from functools import cached_property
from math import isfinite
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictFloat,
    StrictInt,
    StrictStr,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from providers.catalog.schema import Parameter, ScalarType
from providers.errors import InputError, near
from providers.kinds import PortType

SCALAR_WORDS = ("text", "choice", "integer", "number", "boolean")
MEDIA_WORDS = ("image", "video", "audio")
INPUT_WORDS = (*SCALAR_WORDS, *MEDIA_WORDS, "json")
RESERVED = frozenset({"return_state", "wait_for", "options"})  # Prefect's flow form takes them

_NAME = "[a-z][a-z0-9_]*"
_TEMPLATE_NAME = "[a-z][a-z0-9-]*"


def _checked_name(name: str) -> str:
    if not re.fullmatch(_NAME, name):
        raise ValueError(f"{name!r} is not a name: use a-z, 0-9 and _, with a letter first")
    if keyword.iskeyword(name):
        raise ValueError(f"{name!r} is a word of Python; choose another name")
    if name in RESERVED:
        raise ValueError(f"{name!r} is reserved by Prefect's form; choose another name")
    return name


def checked_template_name(name: str) -> str:
    """Return the name; a ValueError says what is wrong with it."""
    if not re.fullmatch(_TEMPLATE_NAME, name):
        raise ValueError(f"{name!r} is not a template name: use a-z, 0-9 and -, a letter first")
    return name


def _checked_type(word: str) -> str:
    inner = _as_port_type(word).word
    if inner not in INPUT_WORDS:
        raise ValueError(f"there is no type {word!r}.{near(inner, INPUT_WORDS)}")
    return word


def _as_port_type(word: str) -> PortType:
    is_list = word.startswith("list[") and word.endswith("]")
    return PortType(word[5:-1] if is_list else word, is_list)


def _word_or_list(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


def _any_or_list(value: Any) -> Any:
    if isinstance(value, str) and value != "any":
        raise ValueError(f"is either any or a list of words, as [{value}]")
    return tuple(value) if isinstance(value, list) else value


def _words_and_mappings(value: Any) -> Any:
    if not isinstance(value, list | tuple) or not all(isinstance(x, str | dict) for x in value):
        raise ValueError(f"is a list of words and mappings, not {value!r}")
    return tuple(map(_as_in_yaml, value))


def _as_in_yaml(value: Any) -> Any:
    """A list for a tuple, all the way down: so what is built in Python equals what is loaded."""
    if isinstance(value, dict):
        return {key: _as_in_yaml(one) for key, one in value.items()}
    return [_as_in_yaml(one) for one in value] if isinstance(value, list | tuple) else value


Name: TypeAlias = Annotated[
    str,
    AfterValidator(_checked_name),
    WithJsonSchema({"type": "string", "pattern": f"^{_NAME}$"}),
]
TypeWord: TypeAlias = Annotated[
    str,
    AfterValidator(_checked_type),
    WithJsonSchema(
        {"type": "string", "enum": [*INPUT_WORDS, *(f"list[{word}]" for word in INPUT_WORDS)]}
    ),
]
Option: TypeAlias = StrictStr | StrictInt | StrictFloat  # strict, or True would be read as 1
Words: TypeAlias = Annotated[
    tuple[str, ...],
    BeforeValidator(_word_or_list),
    Field(strict=False),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}),
]
Plain: TypeAlias = Annotated[Any, BeforeValidator(_as_in_yaml)]


class Part(BaseModel):
    """Base of every part of a template: frozen, and unknown keys are errors."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, validate_by_name=True, validate_by_alias=True
    )


class Input(Part):
    """One input of a template: a field of its form, a column of a table.

    It is required unless it has a default; `default: null` makes it optional without a value.
    """

    type: TypeWord
    about: str = ""
    default: Plain = None
    options: tuple[Option, ...] = Field(default=(), strict=False)
    minimum: float | None = None
    maximum: float | None = None
    max: int | None = Field(default=None, ge=1, description="Most items that a list may have.")
    required: bool = Field(default=True, description="True unless there is a default.")

    @model_validator(mode="before")
    @classmethod
    def _required_without_default(cls, data: Any) -> Any:
        # Written out, so that `default: null` and no default are unequal and differ in the digest.
        if isinstance(data, dict) and "required" not in data:
            return {**data, "required": "default" not in data}
        return data

    @model_validator(mode="after")
    def _parts_fit_the_type(self) -> Input:
        word, is_list = self.port_type.word, self.port_type.is_list
        if (word == "choice") != bool(self.options):
            raise ValueError(f"options and type choice go together; the type is {self.type}")
        if word not in ("integer", "number") and (self.minimum, self.maximum) != (None, None):
            raise ValueError(f"minimum and maximum belong to numbers; the type is {self.type}")
        if self.max is not None and not is_list:
            raise ValueError(f"max belongs to a list; the type is {self.type}")
        if self.default is None:
            return self
        if self.required:
            raise ValueError("an input with a default is not required; leave one of them out")
        if problem := self._problem_with_default():
            raise ValueError(f"the default {self.default!r} {problem}")
        return self

    def _problem_with_default(self) -> str | None:
        if self.port_type.word in MEDIA_WORDS:
            return "cannot be: a media input has no default but null"
        if not self.port_type.is_list:
            return self.problem_with(self.default)
        if not isinstance(self.default, list | tuple):
            return "is not a list"
        if self.max is not None and len(self.default) > self.max:
            return f"has more than {self.max} items"
        return next(filter(None, map(self.problem_with, self.default)), None)

    @property
    def port_type(self) -> PortType:
        """What flows out of this input."""
        return _as_port_type(self.type)

    @cached_property
    def _rule(self) -> Parameter | None:
        word = self.port_type.word
        if word not in SCALAR_WORDS:
            return None
        scalar: ScalarType = word  # type: ignore[assignment]
        return Parameter(
            type=scalar,
            about=self.about,
            options=self.options,
            minimum=self.minimum,
            maximum=self.maximum,
        )

    def problem_with(self, value: Any) -> str | None:
        """Return why `value` is not allowed (in a list: as an item), or None."""
        if isinstance(value, float) and not isfinite(value):
            return "is not a finite number"
        return self._rule.problem_with(value) if self._rule else None


class Fit(Part):
    """What may be lost to make a value fit a model: how a picture, its alpha and a text are cut."""

    mode: Literal["crop", "pad"] | None = None
    colour: str | None = None
    text: Literal["refuse", "cut"] | None = None

    @field_validator("colour")
    @classmethod
    def _is_a_colour(cls, value: str | None) -> str | None:
        if value is not None:
            from providers.local.edit import parse_colour  # loads the pixel libraries

            try:
                parse_colour(value, "fit")
            except InputError as error:
                raise ValueError(str(error)) from None
        return value


class Step(Part):
    """One use of a model. In Python `with` is spelled `with_`."""

    model: str = Field(description="A model of the catalog, or model@provider.")
    with_: dict[str, Plain] = Field(
        default_factory=dict, alias="with", description="Values of ports and parameters."
    )
    fallback: Words = Field(default=(), description="Models or model@provider, in order.")
    allow: Annotated[Literal["any"] | tuple[str, ...], BeforeValidator(_any_or_list)] = Field(
        default="any", description="Which loss a fallback may bring."
    )
    when: str | None = Field(default=None, description='As category == "shoes".')
    each: dict[Name, str] = Field(default_factory=dict, description="{scene: $scenes}")
    max: int | None = Field(default=None, ge=1, description="Most items of `each`.")
    on_error: Literal["fail", "skip"] = "fail"
    checks: Annotated[tuple[str | dict[str, Any], ...], BeforeValidator(_words_and_mappings)] = ()
    fit: Fit | None = None
    provider: Words = Field(default=(), description="Only these providers, in this order.")
    take: int = Field(default=1, ge=1)
    silence: Words = Field(default=(), description="Codes of lints that are known and accepted.")

    @model_validator(mode="after")
    def _max_belongs_to_each(self) -> Step:
        if self.max is not None and not self.each:
            raise ValueError("max belongs to `each`, which is not given")
        return self


class Template(Part):
    """A whole template. Loaded from YAML or built in Python, the same parts are equal."""

    name: Annotated[
        str,
        AfterValidator(checked_template_name),
        WithJsonSchema({"type": "string", "pattern": f"^{_TEMPLATE_NAME}$"}),
    ]
    version: int = Field(ge=1)
    about: str
    inputs: dict[Name, Input] = Field(default_factory=dict)
    steps: dict[Name, Step]
    outputs: dict[Name, Plain] = Field(description="{cutout: $cutout}")

    @field_validator("steps", "outputs")
    @classmethod
    def _not_empty(cls, value: dict[str, Any]) -> dict[str, Any]:
        if not value:
            raise ValueError("has no entry; at least one is needed")
        return value

    def save(self, path: str | Path) -> Path:
        """Write this template as a YAML file that loads to an equal one; return its path.

        Raises:
            RequestError: a value that YAML does not hold, or the file cannot be written.
        """
        from flows.save import save_template

        return save_template(self, path)


def template_schema() -> dict[str, Any]:
    """Return the JSON schema of a template file, for editors."""
    schema = Template.model_json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
