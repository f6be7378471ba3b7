"""Flows: templates, the graph runner, the Prefect flows and the command line.

Names are loaded when they are first asked for: `import flows` imports neither Prefect nor pandas.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from flows.settings import apply_defaults

apply_defaults()

_HOMES = {
    "Input": "flows.template",
    "MediaflowsError": "providers.errors",
    "RunOptions": "flows.options",
    "Step": "flows.template",
    "StepError": "providers.errors",
    "Template": "flows.template",
    "UserError": "providers.errors",
    "batch": "flows.api",
    "load_template": "flows.load",
    "plan": "flows.api",
    "run": "flows.api",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'flows' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
