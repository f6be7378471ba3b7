"""Prefect's settings, as environment defaults; `flows/__init__.py` sets them before any import.

What the user has set wins. `[tool.prefect]` in pyproject.toml says the same for `prefect` commands
typed in this folder.
"""

from __future__ import annotations

import os

DEFAULTS = {
    # The recorder writes task-run states one by one by default: of 1,020 task runs 923 were
    # visible after 19 s, with these all after 3.8 s (measured on Prefect 3.9.1, 2026-11-20).
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE": "200",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_READ_BATCH_SIZE": "50",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_FLUSH_INTERVAL": "1",
    "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_BATCH_SIZE": "200",
    "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_READ_BATCH_SIZE": "50",
    "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_FLUSH_INTERVAL": "1",
    # An ephemeral server took 9 to 16 s here; the default limit of 20 s fails on a loaded machine.
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "60",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
    # Every INFO line of a run is a record to send: about 30 % of the cost of a task run.
    "PREFECT_LOGGING_LEVEL": "WARNING",
    "PREFECT_CLIENT_SERVER_VERSION_CHECK_ENABLED": "false",
    "PREFECT_CLOUD_ENABLE_ORCHESTRATION_TELEMETRY": "false",
}


def apply_defaults() -> None:
    """Set what the user has not."""
    for name, value in DEFAULTS.items():
        os.environ.setdefault(name, value)


def quiet_console() -> None:
    """Keep Prefect's own lines off the terminal; its server and UI still get them.

    The command line prints what came of a run itself, and a failing row is no traceback there.
    """
    os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "CRITICAL")
