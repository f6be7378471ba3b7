"""The store: bytes by their sha256, each written once, whole or not at all.

A part file is synced before it gets its name, so that a name in the store always stands for all
of its bytes, also after a power cut. Bytes are verified when they are first read in a process.
"""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import json
import os
import shutil
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO
from uuid import uuid4

from providers.errors import ParkedError

CHUNK = 1 << 20
_numbers = itertools.count()


class Store:
    """A folder of content-addressed files and of the receipts of what was paid for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._verified: set[str] = set()

    def path(self, sha256: str) -> Path:
        """Return where these bytes are, or would be."""
        return self.folder / sha256[:2] / sha256

    def has(self, sha256: str) -> bool:
        """True when the bytes are there; they are verified when they are read."""
        return os.path.exists(f"{self.folder}/{sha256[:2]}/{sha256}")  # asked for every result

    def put(self, data: bytes) -> str:
        """Keep `data` durably and return its sha256."""
        sha256 = hashlib.sha256(data).hexdigest()
        if sha256 not in self._verified or not self.has(sha256):
            self._write(self.path(sha256), data)  # also over a file that may be damaged by now
            self._verified.add(sha256)
        return sha256

    async def receive(self, pieces: AsyncIterator[bytes]) -> tuple[str, int]:
        """Keep durably what comes in piece by piece; return its sha256 and its size in bytes.

        Never more than a few pieces are in memory, and what breaks off leaves nothing behind.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        part = self.folder / f"{uuid4().hex}.part"
        file = await asyncio.to_thread(part.open, "wb")
        digest, size, pending = hashlib.sha256(), 0, bytearray()
        try:
            async for piece in pieces:
                pending += piece
                if len(pending) >= CHUNK:  # a thread hop costs as much as hashing 64 KB
                    await asyncio.to_thread(_append, file, digest, pending)
                    size += len(pending)
                    pending = bytearray()
            size += len(pending)
            await asyncio.to_thread(self._finish, file, digest, pending, part)
        finally:
            file.close()
            part.unlink(missing_ok=True)
        self._verified.add(digest.hexdigest())
        return digest.hexdigest(), size

    def _finish(self, file: BinaryIO, digest: Any, pending: bytearray, part: Path) -> None:
        _append(file, digest, pending)
        _sync(file)
        target = self.path(digest.hexdigest())  # replaced where it is: that one may be damaged
        if not target.parent.is_dir():
            _make_folder(target.parent)
        os.replace(part, target)
        _sync_folder(target.parent)

    def verified(self, sha256: str) -> Path:
        """Return the file of these bytes.

        Raises:
            ParkedError: the file is missing, or its bytes are no longer those of its name; a wrong
                file is set aside, so that it is never used.
        """
        path = self.path(sha256)
        if sha256 in self._verified and path.exists():
            return path
        if not path.exists():
            raise ParkedError(f"the stored result {sha256[:12]} is missing from {self.folder}")
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != sha256:
            path.rename(path.with_suffix(".damaged"))
            raise ParkedError(f"the stored result {sha256[:12]} was damaged; it was set aside")
        self._verified.add(sha256)
        return path

    def is_intact(self, sha256: str) -> bool:
        """True when the bytes are there and those of their name; damaged ones are set aside."""
        try:
            self.verified(sha256)
        except ParkedError:
            return False
        return True

    def place(self, sha256: str, target: Path) -> None:
        """Put the bytes at `target`, replacing what is there.

        A copy and not a hard link: whoever edits a file of the run folder in place would edit the
        store, and every later run that reuses it.
        """
        part = target.with_name(f".{target.name}.part")
        source = self.verified(sha256)
        try:
            shutil.copyfile(source, part)
        except FileNotFoundError:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, part)
        os.replace(part, target)

    def write_receipt(self, attempt_id: str, receipt: Mapping[str, Any]) -> None:
        """Keep durably what an attempt gave, before the ledger says so."""
        # Under its own name at once, unlike a result: a torn receipt is read as none.
        text = json.dumps(receipt, sort_keys=True, default=str)
        path = self._receipt(attempt_id)
        _write_durably(path, text.encode())
        _sync_folder(path.parent)

    def read_receipt(self, attempt_id: str) -> dict[str, Any] | None:
        """Return the receipt of an attempt, or None when it never got so far."""
        try:
            text = self._receipt(attempt_id).read_text(encoding="utf-8")
            return dict(json.loads(text))
        except (FileNotFoundError, ValueError):
            return None

    def _receipt(self, attempt_id: str) -> Path:
        return self.folder / "receipts" / attempt_id[:2] / f"{attempt_id}.json"

    def _write(self, path: Path, data: bytes) -> None:
        part = path.with_name(f"{path.name}.{os.getpid()}-{next(_numbers)}.part")
        _write_durably(part, data)
        os.replace(part, path)
        _sync_folder(path.parent)


def _write_durably(path: Path, data: bytes) -> None:
    # Plain system calls: `open` makes four more of them, and each gives the interpreter's lock away
    # and waits to have it back, which costs more than the call when fifty rows are in flight.
    descriptor = _create(path)
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(descriptor, view) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _create(path: Path) -> int:
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0)
    try:
        return os.open(path, flags, 0o644)
    except FileNotFoundError:  # its folder is not there: true of a few hundred files, then never
        _make_folder(path.parent)
        return os.open(path, flags, 0o644)


def _make_folder(folder: Path) -> None:
    """Make a folder, and those above it that are not there, durably."""
    if not folder.parent.is_dir():
        _make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    _sync_folder(folder.parent)


def _append(file: BinaryIO, digest: Any, data: bytearray) -> None:
    digest.update(data)
    file.write(data)


def _sync(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
