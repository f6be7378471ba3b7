"""Read YAML 1.2 and say on which line a mistake stands.

`pure=True` matters: ruamel's C parser speaks YAML 1.1, where a list `[1:1, 4:5]` is an error and
`16:9` may become 969.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, SequenceNode

from providers.errors import RequestError


def parse_yaml(text: str, where: str) -> Any:
    """Return the data of one YAML 1.2 document.

    Raises:
        RequestError: `where:line: problem` when the text is not YAML or names a key twice.
    """
    try:
        return YAML(typ="safe", pure=True).load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        problem = str(error.problem or error.context).splitlines()[0]
        raise RequestError(f"{where}:{line}: not valid YAML: {problem}") from None
    except (YAMLError, ValueError) as error:
        raise RequestError(f"{where}: not valid YAML: {str(error).splitlines()[0]}") from None


def line_of(text: str, path: Sequence[str | int]) -> int:
    """Return the 1-based line of the entry at `path`, or of the deepest part of it that exists."""
    node: Node | None = YAML(typ="safe", pure=True).compose(text)
    line = 1
    for part in path:
        found = _child(node, part)
        if found is None:
            break
        line, node = found
    return line


def _child(node: Node | None, part: str | int) -> tuple[int, Node] | None:
    if isinstance(node, MappingNode):
        for key, value in node.value:
            if key.value == str(part):
                return key.start_mark.line + 1, value
    if isinstance(node, SequenceNode) and isinstance(part, int) and part < len(node.value):
        value = node.value[part]
        return value.start_mark.line + 1, value
    return None
