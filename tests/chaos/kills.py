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
_ALL: tuple[int | str, ...] = (
    *range(len(POINTS)),
    *(name for name in VENDOR_POINTS for _ in range(2)),
    *(A_MOMENT for _ in range(6)),
)
WAYS = random.Random(0).sample(_ALL, len(_ALL))
"""Each takes its turn, in no order: a client's points, a vendor's, and moments between them."""

RARE = ("waiting", "intend_again", "abandon")  # reached once or twice in a process, if at all
LAST = ("write_results",)  # reached when every row has ended
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
    number, patience = chance.choice((1, 1, 1, 2, 3, 5)), chance.uniform(1.0, 2.0)
    if isinstance(way, int):
        name = POINTS[way][1]
        if name in RARE + LAST:
            number = 1
        if name in LAST:
            patience = SECONDS
        place, pid = point_name(way), fork(errand, Death(way, number))
    elif way == A_MOMENT:
        place, pid, patience = way, fork(errand), chance.uniform(0.2, 1.5)
    else:
        place, pid = f"vendor's {way}", fork(errand)
        watch(sandbox, pid, way, number)
    how = wait(pid, patience)
    return Kill(place, number, "killed" if how == "late" and way == A_MOMENT else how)


def watch(sandbox: RunningSandbox, pid: int, point: str, number: int) -> None:
    """Have a sandbox kill a process when one of its points is reached for that time."""
    ask(sandbox, "control/watch", {"pid": pid, "point": point, "nth": number})


def ask(sandbox: RunningSandbox, path: str, body: Any = None) -> Any:
    """Return what a sandbox answers to a question of a test's, or to what it is told."""
    data = None if body is None else json.dumps(body).encode()
    url = f"http://127.0.0.1:{sandbox.port}/{path}"
    request = Request(url, data, {"content-type": "application/json"})
    with _OPENER.open(request, timeout=10) as answer:
        return json.load(answer)


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
