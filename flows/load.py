"""Find and read templates: by name in a project's own folder and in ours, or by path.

Every mistake in a file is one line, `file.yaml:LINE: step 'photo': problem`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from flows.graph import Graph, compile_template
from flows.place import Place
from flows.template import Fit, Input, Step, Template
from flows.written_template import written_template
from providers.catalog import Model, load_model
from providers.errors import RequestError, near
from providers.yaml_file import parse_yaml

SHIPPED = Path(__file__).parent / "templates"
FOLDER_VARIABLE = "MEDIAFLOWS_TEMPLATES"
_ENDINGS = (".yaml", ".yml")
_PARTS: dict[tuple[str, int], type[BaseModel]] = {("inputs", 3): Input, ("steps", 3): Step}


def load_template(name_or_path: str | Path | Template) -> Graph:
    """Return the checked graph of a template, by name or by path, or built in Python.

    A text with a path separator or ending in .yaml or .yml is a path, as is a Path; a name is
    looked up in $MEDIAFLOWS_TEMPLATES (./templates when unset), then among the shipped ones.

    Raises:
        RequestError: no such template (with the nearest name), or it is wrong (with the line).
    """
    text, where = template_text(name_or_path)
    return load_text(text, where)


def template_text(name_or_path: str | Path | Template) -> tuple[str, str]:
    """Return the text of a template and its name for errors, found as `load_template` finds it.

    A template that was built in Python is written as a file would have it.

    Raises:
        RequestError: no such template (with the nearest name), or its file is named otherwise.
    """
    if isinstance(name_or_path, Template):
        return written_template(name_or_path), f"template {name_or_path.name}"
    written = str(name_or_path)
    if isinstance(name_or_path, Path) or _is_path(written):
        return _read(Path(written)), written
    known = dict(template_names())
    if written not in known:
        raise RequestError(f"There is no template {written!r}.{near(written, known)}")
    path = known[written]
    text = _read(path)
    if (name := read_template(text, path.name).name) != written:
        raise RequestError(
            f"{path.name}:1: the file of template {name!r} is {name}.yaml; "
            "rename the file or the template"
        )
    return text, path.name


def template_names() -> list[tuple[str, Path]]:
    """Return the name and file of every template, by name; a project's own hide ours."""
    found: dict[str, Path] = {}
    for folder in (SHIPPED, _own_folder()):
        for ending in _ENDINGS:
            found |= {path.stem: path for path in sorted(folder.glob(f"*{ending}"))}
    return sorted(found.items())


def load_text(text: str, where: str, find_model: Callable[[str], Model] = load_model) -> Graph:
    """Return the checked graph of a template's text.

    Args:
        text: YAML, as in a file or a run's frozen copy.
        where: The file's name, for errors.
        find_model: Where models are looked up; a resumed run gives its frozen catalog.

    Raises:
        RequestError: `where:LINE: step 'photo': problem`.
    """
    template = read_template(text, where)
    return compile_template(template, where, text=text, find_model=find_model)


def read_template(text: str, where: str) -> Template:
    """Return the template that a text describes; references and models are not looked at.

    Raises:
        RequestError: not YAML, not a mapping, an unknown key or a value of the wrong form.
    """
    data = parse_yaml(text, where)
    if not isinstance(data, dict):
        given = "is empty" if data is None else f"is a {type(data).__name__}"
        raise RequestError(
            f"{where}:1: a template is a mapping with name, version, about, inputs, steps and "
            f"outputs; this {given}"
        )
    try:
        return Template.model_validate(data)
    except ValidationError as error:
        raise _fault(error, Place(where, text)) from None


def _is_path(written: str) -> bool:
    separators = [os.sep, *filter(None, [os.altsep])]
    return written.endswith(_ENDINGS) or any(separator in written for separator in separators)


def _own_folder() -> Path:
    return Path(os.environ.get(FOLDER_VARIABLE) or "templates")


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        beside = [other.name for ending in _ENDINGS for other in path.parent.glob(f"*{ending}")]
        raise RequestError(f"There is no file {path}.{near(path.name, beside)}") from None
    except UnicodeDecodeError as error:
        raise RequestError(f"{path}: not UTF-8 at byte {error.start}; save it as UTF-8") from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise RequestError(f"{path}: cannot be read: {reason}") from None


def _fault(error: ValidationError, place: Place) -> RequestError:
    # A mistyped key is also a missing one; the unknown key is what helps.
    mistakes = error.errors(include_url=False)
    first = next((each for each in mistakes if each["type"] == "extra_forbidden"), mistakes[0])
    path: Sequence[str | int] = [part for part in first["loc"] if part != "[key]"]
    if first["type"] == "missing":
        return place.at(*path[:-1]).fault(f"{path[-1]!r} is missing")
    if first["type"] == "extra_forbidden":
        key, known = str(path[-1]), _known_keys(path)
        return place.at(*path).fault(f"unknown key.{near(key, known)}")
    return place.at(*path).fault(_sentence(first))


def _known_keys(path: Sequence[str | int]) -> list[str]:
    part = _PARTS.get((str(path[0]), len(path)), Template)
    if "fit" in path[2:-1]:
        part = Fit
    return [field.alias or name for name, field in part.model_fields.items()]


def _sentence(mistake: Any) -> str:
    message = str(mistake["msg"]).removeprefix("Value error, ")
    if mistake["type"] == "value_error":
        return message
    message = message.replace("valid tuple", "list").replace("valid dictionary", "mapping")
    return f"{message[0].lower()}{message[1:]}, not {str(mistake['input'])[:60]!r}"
