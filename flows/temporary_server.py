"""A Prefect server of our own for the length of one command, where none is configured.

Prefect would start one itself, in our process group: the Ctrl-C that asks a run to stop would end
the server, too, and the client would then wait minutes for it (seen 2026-11-20); and a killed
command would leave it running. This one has a session of its own and ends when our end of its
standard input closes, however we die. The database is Prefect's usual one.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

START_SECONDS = 60.0  # 9 to 16 s here; more on a loaded machine
URL_VARIABLE = "PREFECT_API_URL"


@contextmanager
def temporary_server() -> Iterator[str]:
    """Start a server, make Prefect use it, and yield its API's URL; it ends with the block.

    Raises:
        SetupError: it did not answer in time, or ended.
    """
    from prefect.context import refresh_global_settings_context

    port = _free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "flows.temporary_server", str(port)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    url = f"http://127.0.0.1:{port}/api"
    try:
        _wait_until_healthy(process, url)
        os.environ[URL_VARIABLE] = url
        refresh_global_settings_context()
        yield url
    finally:
        os.environ.pop(URL_VARIABLE, None)
        process.communicate(timeout=START_SECONDS)  # closes its standard input


def _wait_until_healthy(process: subprocess.Popen[bytes], url: str) -> None:
    import httpx

    from providers.errors import SetupError

    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(f"{url}/health", timeout=5.0).is_success:
                return
        except httpx.HTTPError:
            time.sleep(0.1)
    raise SetupError(
        "The temporary Prefect server did not start. Start one with `prefect server start` in "
        "another terminal to see why, and set PREFECT_API_URL=http://127.0.0.1:4200/api."
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _serve(port: int) -> None:
    """Serve until standard input closes."""
    os.environ["PREFECT__SERVER_EPHEMERAL"] = "1"  # as Prefect's own: no UI, fewer services
    os.environ["PREFECT_UI_ENABLED"] = "0"
    import uvicorn

    threading.Thread(target=_end_with_parent, daemon=True).start()
    uvicorn.run(
        "prefect.server.api.server:create_app",
        factory=True,
        host="127.0.0.1",
        port=port,
        log_level="error",
        lifespan="on",
    )


def _end_with_parent() -> None:
    sys.stdin.buffer.read()
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(10)  # a server that hangs in its own shutdown
    os._exit(1)


if __name__ == "__main__":
    _serve(int(sys.argv[1]))
