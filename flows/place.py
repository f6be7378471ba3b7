"""Where in a template something stands, so that every error names file, line and step."""

from __future__ import annotations

from dataclasses import dataclass

from providers.errors import RequestError
from providers.yaml_file import line_of

_PARTS = {"inputs": "input", "steps": "step", "outputs": "output"}


class PlacedError(RequestError):
    """A mistake in a template that knows its place."""

    def __init__(self, message: str, *, place: Place | None = None) -> None:
        super().__init__(message)
        self.place = place


def fault_at(where: object, problem: str) -> RequestError:
    """Return the error to raise: `where: problem`, with its place where that is one."""
    return where.fault(problem) if isinstance(where, Place) else RequestError(f"{where}: {problem}")


@dataclass(frozen=True, slots=True)
class Place:
    """A spot in a template file; `str()` is "file.yaml:9: step 'photo': with.prompt".

    The line is looked up only when the place is printed, since that parses the text again.
    """

    file: str
    text: str | None = None
    path: tuple[str | int, ...] = ()

    def at(self, *path: str | int) -> Place:
        """Return the place `path` further down."""
        return Place(self.file, self.text, (*self.path, *path))

    def fault(self, problem: str) -> PlacedError:
        """Return the error to raise: this place, then the problem."""
        return PlacedError(f"{self}: {problem}", place=self)

    @property
    def line(self) -> int | None:
        """The line in the file; None where there is no text to find it in."""
        return None if self.text is None else line_of(self.text, self.path)

    def __str__(self) -> str:
        line = "" if self.text is None else f":{self.line}"
        return ": ".join((f"{self.file}{line}", *self._words()))

    def _words(self) -> list[str]:
        if len(self.path) > 1 and self.path[0] in _PARTS:
            words, rest = [f"{_PARTS[str(self.path[0])]} {self.path[1]!r}"], self.path[2:]
        else:
            words, rest = [], self.path
        dotted = ""
        for part in rest:
            dotted += f"[{part}]" if isinstance(part, int) else f".{part}" if dotted else part
        return [*words, dotted] if dotted else words
