"""Tell by its first bytes which kind of container a file is: for clips and sounds, never by name."""

from __future__ import annotations

from pathlib import Path

_HEAD = 64  # bytes that are looked at
_QUICKTIME = (b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")
# Still pictures in the same container; FFmpeg would call them clips.
_STILLS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1", b"avif", b"avis")


def container_of(path: Path, data: bytes | None = None) -> str | None:
    """Return FFmpeg's name for the container, or None: no clip or sound that is read here.

    `data` are the bytes where they are in hand. A file that cannot be read gives None.
    """
    head = _bytes_at(path, data, 0)
    if head[:3] == b"ID3" and len(head) >= 10:
        size = sum(
            (byte & 127) << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=True)
        )
        return _sound(_bytes_at(path, data, 10 + size)) or "mp3"
    if head[4:8] == b"ftyp":
        return None if head[8:12] in _STILLS else "mov"
    if head[4:8] in _QUICKTIME:
        return "mov"
    if head[:4] == b"\x1aE\xdf\xa3":
        return "matroska"
    if head[:4] in (b"RIFF", b"RF64") and head[8:12] == b"WAVE":
        return "wav"
    return "ogg" if head[:4] == b"OggS" else _sound(head)


def _sound(head: bytes) -> str | None:
    """Return the name of a stream of bare packets: FLAC, AAC or MP3."""
    if head[:4] == b"fLaC":
        return "flac"
    if len(head) < 3 or head[0] != 0xFF:
        return None
    if head[1] & 0xF6 == 0xF0:
        return "aac"
    is_layer = head[1] & 0xE0 == 0xE0 and head[1] & 0x06 and head[1] & 0x18 != 0x08
    is_rated = head[2] >> 4 not in (0, 15) and head[2] & 0x0C != 0x0C
    return "mp3" if is_layer and is_rated else None


def _bytes_at(path: Path, data: bytes | None, start: int) -> bytes:
    if data is not None:
        return data[start : start + _HEAD]
    try:
        with path.open("rb") as file:
            file.seek(start)
            return file.read(_HEAD)
    except OSError:
        return b""
