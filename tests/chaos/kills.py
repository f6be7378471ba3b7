"""Kill a process that does an errand: at a point of its own, at one of its vendor's, or any time."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from dataclasses import dataclass
from typing import Any
from urllib.request import ProxyHandler, Request, build_opener

from providers.sandbox.process import RunningSandbox
from providers.sandbox.watch import POINTS as VENDOR_POINTS
from tests.chaos.child import POINTS, Death, Errand, fork, point_name

SECONDS = 60.0  # a child that takes longer hangs
A_MOMENT = "at a random moment"
ENDED = "had ended"
# Each takes its turn: the client's points, the vendor's, and moments between them.
WAYS: tuple[int | str, ...] = (
    *range(len(POINTS)),
    *(name for name in VENDOR_POINTS for _ in range(2)),
    *(A_MOMENT for _ in range(6)),
)
_OPENER = build_opener(ProxyHandler({}))


@dataclass(frozen=True)
class Kill:
    """Where a process was to be killed, and how it ended: there, at another moment, or by itself."""

    place: str
    number: int
    how: str

    def __str__(self) -> str:
        return f"{self.place} number {self.number}: {self.how}"


def kill(sandbox: RunningSandbox, errand: Errand, way: int | str, chance: random.Random) -> Kill:
    """Do an errand in a process that is killed there, or a little later if it never comes by."""
    number = chance.choice((1, 1, 1, 2, 3, 5))
    if isinstance(way, int):
        place, pid = point_name(way), fork(errand, Death(way, number))
    else:
        place, pid = way, fork(errand)
        if way != A_MOMENT:
            place = f"vendor's {way}"
            watch(sandbox, pid, way, number)
    patience = chance.uniform(0.1, 1.2) if way == A_MOMENT else chance.uniform(1.0, 2.0)
    how = wait(pid, patience)
    return Kill(place, number, "killed" if how == "late" and way == A_MOMENT else how)


def watch(sandbox: RunningSandbox, pid: int, point: str, number: int) -> None:
    """Have a sandbox kill a process when one of its points is reached for that time."""
    asked: dict[str, Any] = {"pid": pid, "point": point, "nth": number}
    request = Request(
        f"http://127.0.0.1:{sandbox.port}/control/watch",
        json.dumps(asked).encode(),
        {"content-type": "application/json"},
    )
    _OPENER.open(request, timeout=10).close()


def wait(pid: int, seconds: float) -> str:
    """Return how a child ended: killed, ended, with a code, or "late": killed by us after that time."""
    last = time.monotonic() + seconds
    while time.monotonic() < last:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return _said(status)
        time.sleep(0.005)
    os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    how = _said(status)
    return "late" if how == "killed" else how


def _said(status: int) -> str:
    code = os.waitstatus_to_exitcode(status)
    return {0: ENDED, -signal.SIGKILL: "killed"}.get(code, f"ended with {code}")
