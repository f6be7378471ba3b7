"""A mark in a file's metadata, so that every request has bytes, and a digest, of its own.

A reader of the file passes over it: a text chunk of a PNG, a comment of a JPEG, a chunk of a WebP
or WAV, a free box at the end of an MP4 and a tag at the start of an MP3.
"""

from __future__ import annotations

import struct
import zlib

_PNG_HEAD = 33  # signature and IHDR
_MP3_STARTS = (b"ID3", b"\xff\xfb", b"\xff\xf3", b"\xff\xf2")


def marked(data: bytes, mark: str, at_least: int = 0) -> bytes:
    """Return the file with `mark` in its metadata, padded there to `at_least` bytes."""
    return b"".join(split_marked(data, mark, at_least))


def split_marked(data: bytes, mark: str, at_least: int = 0) -> tuple[bytes, memoryview]:
    """Return the marked file in two parts, of which the second is `data`'s own."""
    text = mark.encode()
    text += b" " * max(0, at_least - len(data) - len(text))
    view = memoryview(data)
    if text and data.startswith(b"\x89PNG"):
        chunk = b"tEXtComment\x00" + text
        body = struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
        return data[:_PNG_HEAD] + body, view[_PNG_HEAD:]
    if text and data.startswith(b"\xff\xd8"):
        return data[:2] + b"".join(_comments(text)), view[2:]
    if text and data.startswith(b"RIFF"):
        padded = text + b" " * (len(text) % 2)
        chunk = b"note" + struct.pack("<I", len(padded)) + padded
        size = struct.pack("<I", len(data) + len(chunk) - 8)
        return b"".join((b"RIFF", size, view[8:], chunk)), view[:0]
    if text and data[4:8] == b"ftyp":
        # Behind all others: the index holds places in the file, which must not move.
        return b"".join((data, struct.pack(">I", len(text) + 8), b"free", text)), view[:0]
    if text and data.startswith(_MP3_STARTS):
        return _tag(text), view
    return b"", view


def _comments(text: bytes) -> list[bytes]:
    parts = [text[at : at + 65000] for at in range(0, len(text), 65000)]
    return [b"\xff\xfe" + struct.pack(">H", len(part) + 2) + part for part in parts]


def _tag(text: bytes) -> bytes:
    """Return an ID3 tag of version 2.3 with one text frame."""
    body = b"\x00mark\x00" + text
    frame = b"TXXX" + struct.pack(">I", len(body)) + b"\x00\x00" + body
    # Four bytes of seven bits: a set highest bit would look like sound.
    size = bytes(len(frame) >> shift & 127 for shift in (21, 14, 7, 0))
    return b"ID3\x03\x00\x00" + size + frame
