"""A YAML file of one's own in the home folder: settings.yaml, prices.yaml."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from providers.errors import RequestError, SetupError
from providers.yaml_file import line_of, parse_yaml


def read_own_file(path: Path) -> tuple[Any, str]:
    """Return the data of a file and its text; empty ones when it is not there.

    Raises:
        SetupError: it cannot be read, or is not YAML: `file:line: problem`.
    """
    try:
        text = path.read_text(encoding="utf-8")
        return parse_yaml(text, str(path)) or {}, text
    except FileNotFoundError:
        return {}, ""
    except OSError as error:
        raise SetupError(f"{path}: cannot be read: {error.strerror or error}") from None
    except RequestError as error:
        raise SetupError(str(error)) from None


def wrong_entry(path: Path, text: str, error: ValidationError, *within: str) -> SetupError:
    """Return the error of a file whose data, or the part `within` it, is not of its form."""
    first = error.errors()[0]
    place = (*within, *(str(part) for part in first["loc"] if part != "price"))
    problem = first["msg"].removeprefix("Value error, ")
    return SetupError(f"{path}:{line_of(text, place)}: {'.'.join(place)}: {problem}")
