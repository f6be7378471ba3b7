"""The three packages have plain names; make sure that all of them are ours."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from providers.errors import SetupError

HERE = Path(__file__).resolve().parent.parent


def check_one_place() -> None:
    """Do nothing when flows, tasks and providers stand side by side.

    Raises:
        SetupError: another package of one of these names hides ours.
    """
    for name in ("flows", "tasks", "providers"):
        spec = find_spec(name)
        found = Path(spec.origin).resolve().parent if spec and spec.origin else None
        if found != HERE / name:
            raise SetupError(
                f"Another package named {name} at {found} hides mediaflows: run it from another "
                "folder, or remove that one from PYTHONPATH."
            )
