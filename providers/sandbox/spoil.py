"""What a fault makes of an answer. Faults that change a picture are in `outputs`.

Two moments: before a submit is accepted, and when an answer is ready to be sent.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from types import ModuleType
from typing import Any

from providers.sandbox.dice import Fault
from providers.sandbox.replies import Reply
from providers.sandbox.visit import Visit

_HTML = b"<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"
_DEPTH = 300
_TURNED_AWAY = ("rate_limit", "server_error", "reset")


class Spoiler:
    """Strikes answers with the faults of their submit or job, each as often as it says.

    `times` in a fault's options is how many answers of one job and phase it strikes, 0 all of
    them; the default is 1.
    """

    def __init__(self) -> None:
        self._struck: Counter[tuple[str, str, int]] = Counter()

    def turned_away(self, visit: Visit, face: ModuleType) -> Reply | None:
        """Return the answer to a submit that a fault keeps from being accepted."""
        for fault in visit.faults:
            is_first = fault.at == "submit" and not fault.options.get("accepted", False)
            if is_first and fault.name in _TURNED_AWAY:
                return _SPOIL[fault.name](fault, Reply(), face)
        return None

    def spoiled(self, visit: Visit, reply: Reply, face: ModuleType) -> Reply:
        """Return the answer as it is sent."""
        for place, fault in enumerate(visit.faults):
            if fault.at != visit.phase or fault.name not in _SPOIL:
                continue
            if visit.job is None or not self._strikes(visit.job.id, place, fault):
                continue
            reply = _SPOIL[fault.name](fault, reply, face)
        return reply

    def _strikes(self, id: str, place: int, fault: Fault) -> bool:
        times = int(fault.options.get("times", 1))
        key = (id, fault.at, place)
        self._struck[key] += 1
        return times == 0 or self._struck[key] <= times


def _rate_limit(fault: Fault, reply: Reply, face: ModuleType) -> Reply:
    seconds = float(fault.options.get("seconds", 1))
    headers = _RETRY_AFTER[fault.options.get("retry_after", "seconds")](seconds)
    return Reply(429, face.error_body(429, "Too many requests."), headers)


_RETRY_AFTER: Mapping[str, Callable[[float], dict[str, str]]] = {
    "none": lambda seconds: {},
    "seconds": lambda seconds: {"retry-after": f"{seconds:g}"},
    "ms": lambda seconds: {"retry-after-ms": f"{seconds * 1000:.0f}"},
    "date": lambda seconds: {
        "retry-after": format_datetime(
            datetime.fromtimestamp(time.time() + seconds + 1, UTC), usegmt=True
        )
    },
}


def _server_error(fault: Fault, reply: Reply, face: ModuleType) -> Reply:
    status = int(fault.options.get("status", 503))
    if fault.options.get("html"):
        return Reply(status, _HTML, {"content-type": "text/html"})
    return Reply(status, face.error_body(status, "Service error."))


def _reset(fault: Fault, reply: Reply, face: ModuleType) -> Reply:
    return Reply(cut="reset")


def _lost_answer(fault: Fault, reply: Reply, face: ModuleType) -> Reply:
    return Reply(cut="close")


def _malformed_json(fault: Fault, reply: Reply, face: ModuleType) -> Reply:
    whole = reply.encoded()
    headers = reply.headers | {"content-type": "application/json"}
    return Reply(reply.status, whole[: len(whole) // 2], headers)


def _html(fault: Fault, reply: Reply, face: ModuleType) -> Reply:
    return Reply(int(fault.options.get("status", 200)), _HTML, {"content-type": "text/html"})


def _deep_json(fault: Fault, reply: Reply, face: ModuleType) -> Reply:
    depth = int(fault.options.get("depth", _DEPTH))
    headers = {"content-type": "application/json"}
    return Reply(reply.status, b"[" * depth + b"]" * depth, headers)


def _unknown_status(fault: Fault, reply: Reply, face: ModuleType) -> Reply:
    body: Any = reply.body
    if isinstance(body, dict) and "status" in body:
        body = body | {"status": fault.options.get("word", "HIBERNATING")}
    return Reply(reply.status, body, reply.headers)


def _early_404(fault: Fault, reply: Reply, face: ModuleType) -> Reply:
    gone: Reply = face.not_found(None)
    return gone


_SPOIL: Mapping[str, Callable[[Fault, Reply, ModuleType], Reply]] = {
    "rate_limit": _rate_limit,
    "server_error": _server_error,
    "reset": _reset,
    "lost_answer": _lost_answer,
    "malformed_json": _malformed_json,
    "html": _html,
    "deep_json": _deep_json,
    "unknown_status": _unknown_status,
    "early_404": _early_404,
}
