"""The store: a name in it always stands for all of its bytes."""

from __future__ import annotations

import hashlib
import os
from decimal import Decimal
from pathlib import Path

import pytest

from providers.errors import ParkedError
from tasks.store import Store

DATA = b"a picture"
SHA256 = hashlib.sha256(DATA).hexdigest()


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def files(store: Store) -> list[Path]:
    return [path for path in store.folder.rglob("*") if path.is_file()]


def test_bytes_are_kept_under_their_digest_and_read_back(store: Store) -> None:
    assert not store.has(SHA256)
    assert store.put(DATA) == SHA256
    assert store.has(SHA256)
    assert store.verified(SHA256).read_bytes() == DATA
    assert files(store) == [store.path(SHA256)]


def test_the_same_bytes_are_written_once(store: Store) -> None:
    store.put(DATA)
    before = store.path(SHA256).stat().st_mtime_ns
    assert store.put(DATA) == SHA256
    assert store.path(SHA256).stat().st_mtime_ns == before
    assert len(files(store)) == 1


def test_a_write_that_is_cut_short_leaves_no_name(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", cut)
        with pytest.raises(OSError, match="No space left"):
            store.put(DATA)
    assert not store.has(SHA256)
    assert store.put(DATA) == SHA256
    assert store.verified(SHA256).read_bytes() == DATA


def test_bytes_are_synced_before_they_get_their_name(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    sync, replace = os.fsync, os.replace

    def fsync(descriptor: int) -> None:
        seen.append("sync")
        sync(descriptor)

    def rename(source: Path, target: Path) -> None:
        seen.append("rename")
        replace(source, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "replace", rename)
    store.put(DATA)
    assert seen[-3:] == ["sync", "rename", "sync"]  # the bytes, their name, the name's folder
    assert seen.count("rename") == 1


def test_a_damaged_file_is_set_aside_and_never_used(store: Store) -> None:
    store.put(DATA)
    store.path(SHA256).write_bytes(b"a pictur")
    fresh = Store(store.folder)
    with pytest.raises(ParkedError, match=f"{SHA256[:12]} was damaged; it was set aside"):
        fresh.verified(SHA256)
    assert not fresh.has(SHA256)
    assert fresh.path(SHA256).with_suffix(".damaged").read_bytes() == b"a pictur"
    fresh.put(DATA)
    assert fresh.verified(SHA256).read_bytes() == DATA


def test_missing_bytes_are_parked(store: Store) -> None:
    with pytest.raises(ParkedError, match=f"{SHA256[:12]} is missing"):
        store.verified(SHA256)
    store.put(DATA)
    store.path(SHA256).unlink()
    with pytest.raises(ParkedError, match="is missing"):
        store.verified(SHA256)


def test_a_placed_file_is_a_copy_that_can_be_edited(store: Store, tmp_path: Path) -> None:
    store.put(DATA)
    target = tmp_path / "run" / "outputs" / "mug" / "photo.png"
    store.place(SHA256, target)
    target.write_bytes(b"edited in place")
    assert store.path(SHA256).read_bytes() == DATA
    store.place(SHA256, target)
    assert target.read_bytes() == DATA
    assert [path.name for path in target.parent.iterdir()] == ["photo.png"]


def test_a_receipt_is_read_back_as_it_was_written(store: Store) -> None:
    assert store.read_receipt("a1b2") is None
    store.write_receipt("a1b2", {"job": "j-1", "amount_usd": Decimal("0.03"), "units": None})
    assert store.read_receipt("a1b2") == {"job": "j-1", "amount_usd": "0.03", "units": None}
