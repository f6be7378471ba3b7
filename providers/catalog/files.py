"""Read catalog files. A model's file bears its name, so one model costs one small read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from providers.catalog.limits import Entry
from providers.catalog.schema import Model
from providers.errors import RequestError, near
from providers.yaml_file import line_of, parse_yaml

CATALOG = Path(__file__).parent


def model_names() -> list[str]:
    """Return the names of all models, sorted."""
    return sorted(path.stem for path in CATALOG.glob("*.yaml"))


def names_of_kind(kind: str) -> list[str]:
    """Return the names of all models of a kind, sorted; no file is parsed for it."""
    line = re.compile(rf"^kind: +{re.escape(kind)} *$", re.MULTILINE)
    return [
        name
        for name in model_names()
        if line.search((CATALOG / f"{name}.yaml").read_text(encoding="utf-8"))
    ]


@cache
def load_model(name: str) -> Model:
    """Return the catalog entry of one model.

    Raises:
        RequestError: no such model (with the nearest name), or its file is wrong (with the line).
    """
    path = CATALOG / f"{name}.yaml"
    if name not in model_names():
        raise RequestError(f"There is no model {name!r}.{near(name, model_names())}")
    return read_model(path.read_text(encoding="utf-8"), path.name)


@cache
def all_models() -> tuple[Model, ...]:
    """Return every model of the catalog, by name."""
    return tuple(load_model(name) for name in model_names())


@cache
def local_player(kind: str) -> Model | None:
    """Return the local model that plays this kind under --local, or None."""
    return next((model for model in all_models() if model.plays == kind), None)


def read_model(text: str, where: str) -> Model:
    """Return the model that a catalog file describes.

    Raises:
        RequestError: `where:line: key: problem`.
    """
    data = parse_yaml(text, where)
    try:
        model = Model.model_validate(data)
    except ValidationError as error:
        raise _fault(error, text, where) from None
    if f"{model.model}.yaml" != Path(where).name:
        raise RequestError(f"{where}:1: the file of model {model.model!r} is {model.model}.yaml")
    return model


def _fault(error: ValidationError, text: str, where: str) -> RequestError:
    # A mistyped key is also a missing one; the unknown key is what helps.
    mistakes = error.errors(include_url=False)
    first = next((one for one in mistakes if one["type"] == _UNKNOWN), mistakes[0])
    path = (*first["loc"], *first.get("ctx", {}).get("path", ()))
    problem = first["msg"].removeprefix("Value error, ")
    if first["type"] == _UNKNOWN:
        problem = f"unknown key.{near(str(path[-1]), _keys_at(path[:-1]))}"
    key = ".".join(str(part) for part in path) or "file"
    return RequestError(f"{where}:{line_of(text, path)}: {key}: {problem}")


_UNKNOWN = "extra_forbidden"


def _keys_at(path: Sequence[str | int]) -> list[str]:
    """Return the keys that the part of a catalog file at this path may have."""
    form: type[BaseModel] = Model
    for part in path:
        if part in form.model_fields:  # else it is a place in a list, or a name of one's own
            kinds = _types_in(form.model_fields[str(part)].annotation)
            form = next((kind for kind in kinds if issubclass(kind, Entry)), form)
    return [field.alias or name for name, field in form.model_fields.items()]


def _types_in(annotation: Any) -> Iterator[type]:
    if isinstance(annotation, type):
        yield annotation
    for inner in get_args(annotation):
        yield from _types_in(inner)
