"""Do work in a thread of its own: a notebook runs an event loop in the thread of its cells."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")

JOIN_SECONDS = 0.2  # between two looks at whether Ctrl-C was pressed
_one_at_a_time = threading.Lock()


def in_own_thread(work: Callable[[], T]) -> T:
    """Return what `work` gives, or raise what it raises.

    A second caller waits: providers and keys stand in the environment, which is of the process.
    """
    done: Future[T] = Future()
    context = contextvars.copy_context()  # Prefect's settings, and the flow run that calls

    def do() -> None:
        try:
            done.set_result(context.run(work))
        except BaseException as error:
            done.set_exception(error)

    with _one_at_a_time:
        thread = threading.Thread(target=do, name="mediaflows", daemon=True)
        thread.start()
        while thread.is_alive():
            thread.join(JOIN_SECONDS)
    return done.result()
