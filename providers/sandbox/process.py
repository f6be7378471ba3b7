"""Start a sandbox as a process of its own, or find the one that runs already.

    running = start_sandbox(home, "calm", 0)
    running.environment()      # *_BASE_URL and key variables for a client
    running.stop()

It has its own session, so that what kills its starter does not kill it.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from providers.errors import SetupError
from providers.sandbox.places import KEY_VARIABLES, base_variables

_START_SECONDS = 30.0
_STOP_SECONDS = 5.0
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # never by a proxy


@dataclass(frozen=True, slots=True)
class RunningSandbox:
    """A sandbox that answers; `process` is None where it was found running."""

    id: str
    port: int
    pid: int
    profile: str
    seed: int
    base_urls: Mapping[str, str]
    keys: Mapping[str, str] = field(repr=False)
    invoice_url: str
    process: subprocess.Popen[bytes] | None = None

    def environment(self) -> dict[str, str]:
        """Return the variables that send a client here."""
        found = {base_variables(vendor): url for vendor, url in self.base_urls.items()}
        return found | {KEY_VARIABLES[vendor]: key for vendor, key in self.keys.items()}

    def invoice(self) -> list[dict[str, Any]]:
        """Return the invoice as it stands, a line for every accepted job."""
        with _OPENER.open(self.invoice_url, timeout=10) as answer:
            return [json.loads(line) for line in answer.read().splitlines()]

    def stop(self) -> None:
        """Stop it, and wait until it is gone."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGTERM)
        if self.process is not None:
            try:
                self.process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            return
        last = time.monotonic() + _STOP_SECONDS
        while _is_alive(self.pid) and time.monotonic() < last:
            time.sleep(0.02)


def _is_alive(pid: int) -> bool:
    with suppress(ProcessLookupError, PermissionError):
        os.kill(pid, 0)
        return True
    return False


def find_sandbox(home: Path) -> RunningSandbox | None:
    """Return the sandbox that runs in that folder, or None.

    Its announcement is believed only if the same sandbox answers at that port.
    """
    try:
        facts = json.loads((home / "server.json").read_text(encoding="utf-8"))
        url = facts["invoice"].replace("/invoice", "/sandbox")
        with _OPENER.open(url, timeout=2) as answer:
            told = json.loads(answer.read())
    except (OSError, ValueError, KeyError):
        return None
    if told.get("id") != facts["id"] or told.get("pid") != facts["pid"]:
        return None
    return _running(facts, None)


def start_sandbox(
    home: Path, profile: str = "calm", seed: int = 0, options: Sequence[str] = ()
) -> RunningSandbox:
    """Return the sandbox of that folder: the one that runs with this profile and seed, or a new one.

    Raises:
        SetupError: it does not start, or one with another profile or seed runs there.
    """
    found = find_sandbox(home)
    if found is not None:
        wanted = Path(profile).stem if profile.endswith(".json") else profile
        if (found.profile, found.seed) != (wanted, seed):
            raise SetupError(
                f"a sandbox with profile {found.profile} and seed {found.seed} runs in '{home}'"
                f" (pid {found.pid}). Stop it, or give another folder."
            )
        return found
    home.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "providers.sandbox", "--home", str(home)]
    command += ["--profile", profile, "--seed", str(seed), "--json", *options]
    errors = (home / "errors.log").open("ab")
    root = Path(__file__).resolve().parent.parent.parent
    path = os.pathsep.join(filter(None, (str(root), os.environ.get("PYTHONPATH"))))
    with errors:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            start_new_session=True,
            env=os.environ | {"PYTHONPATH": path},
        )
    return _awaited(home, process)


def _awaited(home: Path, process: subprocess.Popen[bytes]) -> RunningSandbox:
    """Return the sandbox once it has announced itself."""
    last = time.monotonic() + _START_SECONDS
    while time.monotonic() < last:
        with suppress(OSError, ValueError):
            facts = json.loads((home / "server.json").read_text(encoding="utf-8"))
            if facts["pid"] == process.pid:
                return _running(facts, process)
        if process.poll() is not None:
            said = (home / "errors.log").read_text(encoding="utf-8").strip().splitlines()
            raise SetupError(f"the sandbox did not start: {said[-1] if said else 'no reason'}")
        time.sleep(0.02)
    process.kill()
    process.wait()
    raise SetupError(f"the sandbox did not start in {_START_SECONDS:g} s. See '{home}/errors.log'.")


def _running(facts: Mapping[str, Any], process: subprocess.Popen[bytes] | None) -> RunningSandbox:
    providers = facts["providers"]
    return RunningSandbox(
        id=facts["id"],
        port=facts["port"],
        pid=facts["pid"],
        profile=facts["profile"],
        seed=facts["seed"],
        base_urls={name: one["base_url"] for name, one in providers.items()},
        keys={name: one["key"] for name, one in providers.items()},
        invoice_url=facts["invoice"],
        process=process,
    )
