"""Write a template that was built in Python as the YAML file that loads to it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from flows.load import read_template
from flows.template import Input, Step, Template
from flows.yaml_text import block, entry
from providers.errors import RequestError


def save_template(template: Template, path: str | Path) -> Path:
    """Write a template as YAML; a file that is there is replaced. Return the file's path.

    Raises:
        RequestError: a value that YAML does not hold, or the file cannot be written.
    """
    path = Path(path)
    text = yaml_of(template)
    if read_template(text, path.name) != template:
        raise RequestError(f"{path}: holds a value that YAML gives back differently, such as nan")
    write_text(path, text)
    return path


def write_text(path: Path, text: str) -> None:
    """Write a file of UTF-8, with the folders above it.

    Raises:
        RequestError: it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise RequestError(f"{path}: cannot be written: {error.strerror or error}") from None


def yaml_of(template: Template) -> str:
    """Return the template as YAML, without what is its default anyway.

    Raises:
        RequestError: a value that YAML does not hold.
    """
    lines = [line for name in ("name", "version", "about") for line in _entry_of(template, name)]
    if template.inputs:
        inputs = {name: input_data(given) for name, given in template.inputs.items()}
        lines += block("inputs", inputs)
    lines.append("steps:")
    for name, step in template.steps.items():
        lines += block(name, step_data(step), 2)
    lines += entry("outputs", template.outputs)
    return "\n".join([*lines, ""])


def _entry_of(template: Template, name: str) -> list[str]:
    return entry(name, getattr(template, name))


_INPUT_ORDER = ("type", "options", "default", "minimum", "maximum", "max", "about")


def input_data(given: Input) -> dict[str, Any]:
    """Return an input as a file states it; `default: null` is stated, too."""
    stated = given.model_dump(exclude_defaults=True)
    if not given.required:
        stated["default"] = given.default
    for bound in ("minimum", "maximum"):
        if bound in stated and stated[bound].is_integer():
            stated[bound] = int(stated[bound])  # 200 reads better than 200.0, and is as much
    return {name: stated[name] for name in _INPUT_ORDER if name in stated}


def step_data(step: Step) -> dict[str, Any]:
    """Return a step as a file states it, in the order of its form."""
    return step.model_dump(by_alias=True, exclude_defaults=True)
