"""Where mediaflows keeps what it knows: the home folder, the ledger's URL, the store's folder."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from providers.errors import SetupError

MARKERS = ("pyproject.toml", "prefect.yaml", ".git")


@dataclass(frozen=True, slots=True)
class Home:
    """The places in force; nothing is created until something is written."""

    folder: Path
    ledger_url: str
    store: Path


def find_home(
    environment: Mapping[str, str] = os.environ, working_folder: Path | None = None
) -> Home:
    """Return the home of the working folder.

    `MEDIAFLOWS_HOME`, else the nearest `.mediaflows/` at or above the working folder, else one
    beside the nearest pyproject.toml, prefect.yaml or .git, else `./.mediaflows`.

    Raises:
        SetupError: inside a Prefect worker with neither home nor ledger set, or a store URL that
            is not a folder.
    """
    set_home = environment.get("MEDIAFLOWS_HOME")
    set_ledger = environment.get("MEDIAFLOWS_LEDGER_URL")
    if environment.get("PREFECT__FLOW_RUN_ID") and not (set_home or set_ledger):
        # A worker runs a deployment in a folder of its own making: a home found there would be a
        # new ledger that knows nothing, and everything would be paid for again.
        raise SetupError(
            "This runs in a Prefect worker and MEDIAFLOWS_HOME is not set: set it (or "
            "MEDIAFLOWS_LEDGER_URL) in the work pool or the deployment's job_variables."
        )
    folder = Path(set_home) if set_home else _nearest(working_folder or Path.cwd())
    folder = folder.expanduser().absolute()
    return Home(
        folder=folder,
        ledger_url=set_ledger or f"sqlite:///{folder / 'ledger.db'}",
        store=_store(environment.get("MEDIAFLOWS_STORE_URL"), folder),
    )


def _nearest(start: Path) -> Path:
    folders = [start.absolute(), *start.absolute().parents]
    for folder in folders:
        if (folder / ".mediaflows").is_dir():
            return folder / ".mediaflows"
    for folder in folders:
        if any((folder / marker).exists() for marker in MARKERS):
            return folder / ".mediaflows"
    return start / ".mediaflows"


def _store(url: str | None, folder: Path) -> Path:
    if not url:
        return folder / "store"
    parts = urlsplit(url)
    if parts.scheme == "file":
        return Path(unquote(parts.path))
    if parts.scheme:
        raise SetupError(
            f"MEDIAFLOWS_STORE_URL is {url!r}: only a folder or a file:// URL can be used yet."
        )
    return Path(url).expanduser().absolute()
