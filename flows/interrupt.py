"""Ctrl-C: the first one asks the run to stop, the second one ends at once."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from flows.say import say
from flows.shard import stop_asked

CANCELLED_CODE = 5  # of a command that was stopped


@contextmanager
def stop_on_interrupt(at_once: Callable[[], None] | None = None) -> Iterator[None]:
    """A first Ctrl-C admits no further row; a second one does `at_once`: it ends the process.

    In a thread that gets no signals nothing is set: whoever waits for it listens.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(number: int, frame: FrameType | None) -> None:
        if stop_asked.is_set():
            at_once() if at_once else os._exit(CANCELLED_CODE)
        stop_asked.ask()
        say(
            "stopping: nothing more is sent, and what is paid for is taken for some seconds yet; "
            "Ctrl-C again ends at once"
        )

    before = signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
