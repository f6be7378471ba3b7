"""Find and read templates: by name in a project's own folder and in ours, or by path.

Every mistake in a file is one line, `file.yaml:LINE: step 'photo': problem`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from flows.graph import Graph, compile_template
from flows.place import Place, PlacedError
from flows.template import Fit, Input, Step, Template
from providers.catalog import Model, load_model
from providers.errors import RequestError, near
from providers.yaml_file import parse_yaml

SHIPPED = Path(__file__).parent / "templates"
FOLDER_VARIABLE = "MEDIAFLOWS_TEMPLATES"
_ENDINGS = (".yaml", ".yml")
_TAGS = re.compile(r"\[key\]|(literal|tuple)\[.*\]|")
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
        from flows.save import yaml_of  # it reads what it writes, with this module

        return yaml_of(name_or_path), f"template {name_or_path.name}"
    path = template_file(name_or_path)
    if is_path(name_or_path):
        return read_file(path), str(name_or_path)
    text = read_file(path)
    check_file_name(read_template(text, path.name), path)
    return text, path.name


def template_file(name_or_path: str | Path) -> Path:
    """Return the file of a template, found as `load_template` finds it; a path is not looked at.

    Raises:
        RequestError: no such template, with the nearest name.
    """
    written = str(name_or_path)
    if is_path(name_or_path):
        return Path(written)
    known = dict(template_names())
    if written not in known:
        raise RequestError(f"There is no template {written!r}.{near(written, known)}")
    return known[written]


def check_file_name(template: Template, path: Path, where: str | None = None) -> None:
    """Check that a file which is found by its name bears the name of its template.

    Raises:
        RequestError: it does not.
    """
    if (name := template.name) != path.stem:
        raise RequestError(
            f"{where or path.name}:1: the file of template {name!r} is {name}.yaml; "
            "rename the file or the template"
        )


def template_names() -> list[tuple[str, Path]]:
    """Return the name and file of every template, by name; a project's own hide ours."""
    found: dict[str, Path] = {}
    for folder in (SHIPPED, own_folder()):
        found |= dict(_files_in(folder))
    return sorted(found.items())


def template_files() -> list[tuple[str, Path, bool]]:
    """Return name and file of every template, and whether it hides one of ours."""
    ours = shipped_names()
    return [
        (name, path, name in ours and path.parent != SHIPPED) for name, path in template_names()
    ]


def shipped_names() -> list[str]:
    """Return the names of the templates that come with mediaflows."""
    return sorted(name for name, _ in _files_in(SHIPPED))


def _files_in(folder: Path) -> Iterator[tuple[str, Path]]:
    for ending in _ENDINGS:
        for path in sorted(folder.glob(f"*{ending}")):
            if not path.name.startswith("."):  # an editor's own copies
                yield path.stem, path


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
    try:
        return Template.model_validate(_mapping(text, where))
    except ValidationError as error:
        raise _form_fault(_form_mistakes(error)[0], Place(where, text)) from None


def form_faults(text: str, where: str) -> Sequence[RequestError]:
    """Return every mistake of form, where `read_template` raises one of them."""
    try:
        Template.model_validate(_mapping(text, where))
    except RequestError as error:
        return [error]
    except ValidationError as error:
        place = Place(where, text)
        faults = [_form_fault(mistake, place) for mistake in _form_mistakes(error)]
        return sorted(faults, key=_line)
    return []


def _mapping(text: str, where: str) -> dict[Any, Any]:
    data = parse_yaml(text, where)
    if not isinstance(data, dict):
        given = "is empty" if data is None else f"is a {type(data).__name__}"
        raise RequestError(
            f"{where}:1: a template is a mapping with name, version, about, inputs, steps and "
            f"outputs; this {given}"
        )
    return data


def is_path(name_or_path: str | Path) -> bool:
    """True for a path, False for a name that is looked up."""
    if isinstance(name_or_path, Path):
        return True
    separators = [os.sep, *filter(None, [os.altsep])]
    return name_or_path.endswith(_ENDINGS) or any(each in name_or_path for each in separators)


def own_folder() -> Path:
    """Return where a project's own templates lie; it need not be there."""
    return Path(os.environ.get(FOLDER_VARIABLE) or "templates")


def read_file(path: Path) -> str:
    """Return the text of a template's file.

    Raises:
        RequestError: it is not there (with the nearest name), not UTF-8, or cannot be read.
    """
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


def _form_fault(mistake: Any, place: Place) -> PlacedError:
    path = _written_path(mistake)
    if mistake["type"] == "missing":
        return place.at(*path[:-1]).fault(f"{path[-1]!r} is missing")
    if mistake["type"] == "extra_forbidden":
        key, known = str(path[-1]), _known_keys(path)
        return place.at(*path).fault(f"unknown key.{near(key, known)}")
    return place.at(*path).fault(_sentence(mistake))


def _form_mistakes(error: ValidationError) -> list[Any]:
    """Return what is wrong, without what follows: a mistyped key is also a missing one."""
    mistakes: list[Any] = [*error.errors(include_url=False)]
    mistyped = {each["loc"][:-1] for each in mistakes if each["type"] == "extra_forbidden"}
    found: dict[tuple[str | int, ...], Any] = {}
    for each in mistakes:
        if each["type"] == "missing" and each["loc"][:-1] in mistyped:
            continue
        found.setdefault(_written_path(each), each)
    return list(found.values())


def _written_path(mistake: Any) -> tuple[str | int, ...]:
    """Return the path of a mistake as the file has it: without pydantic's words for a choice."""
    *path, last = mistake["loc"] or ("",)
    is_choice: bool = last in ("str", "int", "float") and bool(path) and isinstance(path[-1], int)
    return tuple(part for part in [*path, *([] if is_choice else [last])] if not _is_tag(part))


def _line(fault: PlacedError) -> int:
    return (fault.place and fault.place.line) or 0


def _is_tag(part: str | int) -> bool:
    return _TAGS.fullmatch(str(part)) is not None


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
