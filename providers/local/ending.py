"""Does a picture file end as its format says? A file that was cut short is told without decoding.

Only the last bytes are read, so that a plan can look at thousands of files; what is damaged inside
shows when the file is decoded, at admission.
"""

from __future__ import annotations

import os
from pathlib import Path

from providers.errors import InputError

_TAIL_BYTES = (1_024, 65_536)  # most files end with the mark; cameras and editors write after it
_END_MARKS = {"image/jpeg": b"\xff\xd9", "image/png": b"IEND"}
_RIFF_HEADER = 8


def require_ending(path: Path, media_type: str) -> None:
    """Return when the file ends as a whole one does, or its format has no mark to look for.

    Raises:
        InputError: it was cut short.
    """
    if media_type == "image/webp":
        is_whole = _is_whole_riff(path)
    elif media_type in _END_MARKS:
        is_whole = _has_in_tail(path, _END_MARKS[media_type])
    else:
        return
    if not is_whole:
        raise InputError(f"'{path}' is cut short: its end is missing. Give the whole file again.")


def _has_in_tail(path: Path, mark: bytes) -> bool:
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        for length in _TAIL_BYTES:
            # Not the first half: a small photograph's preview has an end mark of its own there.
            file.seek(max(size // 2, size - length))
            if mark in file.read():
                return True
    return False


def _is_whole_riff(path: Path) -> bool:
    with path.open("rb") as file:
        said = int.from_bytes(file.read(_RIFF_HEADER)[4:], "little")
        return file.seek(0, os.SEEK_END) >= said + _RIFF_HEADER
