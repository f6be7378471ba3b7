"""Playing and waiting time as people read it."""

from __future__ import annotations


def duration(seconds: float) -> str:
    """Return "40 s", "12 min" or "3 h 20 min"."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"
