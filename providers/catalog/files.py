"""Read catalog files. A model's file bears its name, so one model costs one small read."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from pydantic import ValidationError

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
        first = error.errors()[0]
        line = line_of(text, first["loc"])
        key = ".".join(str(part) for part in first["loc"]) or "file"
        raise RequestError(f"{where}:{line}: {key}: {first['msg']}") from None
    if f"{model.model}.yaml" != Path(where).name:
        raise RequestError(f"{where}:1: the file of model {model.model!r} is {model.model}.yaml")
    return model
