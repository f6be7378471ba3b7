"""Crash points: a client is killed or stopped where only its server can see it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.sandbox.conftest import FLUX, Serve, Served, until

CLIENT = """
    import sys, httpx
    base, key, log = sys.argv[1:]
    http = httpx.Client(trust_env=False, headers={"Authorization": "Key " + key})

    def say(word):
        with open(log, "a") as file:
            file.write(word + "\\n")

    job = http.post(base + "/APP", json={"prompt": "x"}).json()
    say("submitted")
    while http.get(job["status_url"]).status_code != 200:
        pass
    say("polled")
    url = http.get(job["response_url"]).json()["images"][0]["url"]
    http.get(url)
    say("downloaded")
"""


def run_client(served: Served, tmp_path: Path, **watch: object) -> tuple[int, list[str]]:
    log = tmp_path / "log"
    log.write_text("")
    code = textwrap.dedent(CLIENT).replace("APP", FLUX)
    arguments = [served.base["fal"], served.folder.keys["fal"], str(log)]
    # The client starts stopped, so that its crash point is set before it runs.
    client = subprocess.Popen(
        [sys.executable, "-c", "import os; os.kill(os.getpid(), 19)\n" + code, *arguments],
        stderr=subprocess.DEVNULL,
    )
    os.waitid(os.P_PID, client.pid, os.WSTOPPED)
    answer = served.http.post(f"{served.origin}/control/watch", json={"pid": client.pid} | watch)
    assert answer.status_code == 201, answer.text
    client.send_signal(signal.SIGCONT)
    try:
        if watch.get("signal") == "STOP":
            os.waitid(os.P_PID, client.pid, os.WSTOPPED)
            client.send_signal(signal.SIGCONT)
        return client.wait(20), log.read_text().split()
    finally:
        client.kill()
        client.wait()


@pytest.mark.parametrize(
    ("point", "said"),
    [
        ("before_reply", []),
        ("after_reply", ["submitted"]),
        ("poll", ["submitted"]),
        ("download", ["submitted", "polled"]),
    ],
)
def test_a_client_is_killed_at_the_point_named(
    serve: Serve, tmp_path: Path, point: str, said: list[str]
) -> None:
    served = serve(shortest_seconds=0.3)
    code, told = run_client(served, tmp_path, point=point, signal="KILL")
    assert (code, told) == (-signal.SIGKILL, said)
    until(lambda: served.invoice()[0]["outcome"] == "succeeded")


def test_a_stopped_client_goes_on_when_it_is_woken(serve: Serve, tmp_path: Path) -> None:
    served = serve(shortest_seconds=0.2)
    code, told = run_client(served, tmp_path, point="poll", nth=2, signal="STOP")
    assert (code, told) == (0, ["submitted", "polled", "downloaded"])


@pytest.mark.parametrize(
    "asked",
    [
        {"pid": 1, "point": "poll"},
        {"pid": 99999, "point": "lunch"},
        {"pid": 99999, "point": "poll", "signal": "HUP"},
        {"pid": 99999, "point": "poll", "nth": 0},
        {"pid": "99999", "point": "poll"},
        [],
    ],
)
def test_a_wrong_crash_point_is_refused(serve: Serve, asked: object) -> None:
    served = serve()
    answer = served.http.post(f"{served.origin}/control/watch", json=asked)
    assert answer.status_code == 422
    assert served.http.post(f"{served.origin}/control/watch", content=b"{}").status_code == 415
