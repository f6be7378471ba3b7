"""Crash points: stop or kill a client process at a moment that only its server can see.

A point is counted from when it is set: the n-th submit that is accepted (`before_reply`: its
answer is not sent yet, `after_reply`: it is), the n-th `poll`, or the n-th `download`, half of
whose bytes are sent by then.
"""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from providers.errors import RequestError

POINTS = ("before_reply", "after_reply", "poll", "download")
_SIGNALS = {"KILL": signal.SIGKILL, "STOP": signal.SIGSTOP}


@dataclass(slots=True)
class Watch:
    """One process that is to be stopped or killed, once."""

    pid: int
    point: str
    nth: int
    signal: str
    provider: str | None = None
    seen: int = 0
    fired: bool = False


class Watches:
    """The crash points of one sandbox; they do not outlive it."""

    def __init__(self) -> None:
        self.all: list[Watch] = []

    def add(self, asked: dict[str, Any]) -> Watch:
        """Set a crash point.

        Raises:
            RequestError: what is asked is none.
        """
        watch = Watch(
            pid=_number(asked, "pid", 2),
            point=str(asked.get("point")),
            nth=_number(asked, "nth", 1, 1),
            signal=str(asked.get("signal", "KILL")),
            provider=asked.get("provider"),
        )
        if watch.point not in POINTS or watch.signal not in _SIGNALS:
            raise RequestError(f"point is one of {', '.join(POINTS)} and signal KILL or STOP")
        if watch.pid == os.getpid():
            raise RequestError("this is the sandbox itself")
        self.all.append(watch)
        return watch

    def awaits(self, point: str) -> bool:
        """True when some process is to be stopped or killed at that point."""
        return any(watch.point == point and not watch.fired for watch in self.all)

    def reached(self, point: str, provider: str) -> None:
        """Say that a point was reached; whoever's turn it is gets the signal."""
        for watch in self.all:
            if watch.fired or watch.point != point or watch.provider not in (None, provider):
                continue
            watch.seen += 1
            if watch.seen == watch.nth:
                watch.fired = True
                with suppress(ProcessLookupError):
                    os.kill(watch.pid, _SIGNALS[watch.signal])


def _number(asked: dict[str, Any], name: str, least: int, default: int | None = None) -> int:
    value = asked.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise RequestError(f"{name} must be a whole number from {least}")
    return value
