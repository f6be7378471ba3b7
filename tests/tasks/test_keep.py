"""A port's word decides what may come on it; a user's file is what its bytes are."""

from collections.abc import Iterator
from concurrent.futures import Executor
from io import BytesIO
from pathlib import Path
from typing import cast

import pytest
from PIL import Image

from flows.cells import InputFile
from flows.rows import ready_rows
from flows.table import Row
from providers.errors import InputError, RejectedError
from providers.local.adapter import workers
from providers.media import EXTENSIONS, Media
from tasks.keep import Fetched, describe_file, keep_file, keep_outputs
from tasks.store import Store
from tests.local.clips import a_clip, a_sound


@pytest.fixture
def files(tmp_path: Path) -> Iterator[dict[str, Path]]:
    picture = tmp_path / "a.png"
    Image.new("LA", (20, 16)).save(picture)
    yield {
        "image": picture,
        "video": a_clip(tmp_path / "a.mp4", heard=1.0),
        "audio": a_sound(tmp_path / "a.wav", 1.0),
    }


def came(word: str, path: Path) -> Fetched:
    return Fetched("out", word, data=path.read_bytes())


async def kept(store: Store, word: str, path: Path) -> Media:
    values = await keep_outputs(store, [came(word, path)])
    return cast(Media, values["out"])


@pytest.mark.parametrize("word", ["image", "video", "audio"])
async def test_each_port_keeps_its_kind_with_all_facts(
    tmp_path: Path, files: dict[str, Path], word: str
) -> None:
    store = Store(tmp_path / "store")
    found = await kept(store, word, files[word])
    assert found.kind == word and store.path(found.sha256).is_file()
    facts = {
        "image": (20, 16, None, True, None, None, None, None, "LA"),
        "video": (64, 48, 1.0, None, 10.0, True, 48_000, 2, None),
        "audio": (None, None, 1.0, None, None, None, 44_100, 1, None),
    }
    assert facts[word] == (
        *(found.width, found.height, found.seconds, found.alpha, found.fps, found.has_audio),
        *(found.sample_rate, found.channels, found.mode),
    )


async def test_a_mask_is_a_picture_that_is_called_a_mask(
    tmp_path: Path, files: dict[str, Path]
) -> None:
    found = await kept(Store(tmp_path / "store"), "mask", files["image"])
    assert (found.kind, found.media_type) == ("mask", "image/png")


@pytest.mark.parametrize(
    ("word", "sent", "said"),
    [
        ("video", "image", "the out that came is an image/png"),
        ("image", "video", "the out that came is a video/mp4"),
        ("image", "audio", "the out that came is an audio/wav"),
        ("audio", "video", "the out that came is a video/mp4"),
        ("mask", "video", "the out that came is a video/mp4"),
    ],
)
async def test_a_result_of_another_kind_is_rejected(
    tmp_path: Path, files: dict[str, Path], word: str, sent: str, said: str
) -> None:
    with pytest.raises(RejectedError, match=said):
        await kept(Store(tmp_path / "store"), word, files[sent])


async def test_a_clip_that_is_cut_short_is_rejected(tmp_path: Path, files: dict[str, Path]) -> None:
    path = tmp_path / "cut.mp4"
    path.write_bytes(files["video"].read_bytes()[:-3000])
    with pytest.raises(RejectedError, match="the out that came cannot be used"):
        await kept(Store(tmp_path / "store"), "video", path)


@pytest.mark.parametrize("word", ["image", "video", "audio"])
async def test_a_users_file_may_be_of_any_kind(
    tmp_path: Path, files: dict[str, Path], word: str
) -> None:
    store = Store(tmp_path / "store")
    described = describe_file(files[word])
    assert described.kind == word
    await keep_file(store, files[word], described)
    assert store.has(described.sha256)
    files[word].write_text("no media")
    with pytest.raises(InputError, match="is neither a picture, a clip nor a sound"):
        describe_file(files[word])


def bound(word: str, path: Path) -> Row:
    return Row(0, "r1", {}, {"clip": InputFile(path, path.name, word)})


def test_a_file_of_another_kind_is_a_fault_of_its_row(files: dict[str, Path]) -> None:
    threads: Executor = workers()
    (row,) = ready_rows([bound("video", files["image"])], threads)
    assert [fault.problem for fault in row.faults] == [
        "a.png is an image, and `clip` takes a video"
    ]
    assert row.files == () and row.inputs["clip"] is None
    (row,) = ready_rows([bound("audio", files["video"])], threads)
    assert [fault.problem for fault in row.faults] == ["a.mp4 is a video, and `clip` takes a sound"]
    (row,) = ready_rows([bound("mask", files["image"])], threads)
    assert cast(Media, row.inputs["clip"]).kind == "mask" and row.faults == ()


def test_facts_that_are_not_known_are_not_written_and_older_records_are_read() -> None:
    older = {"media": {"kind": "image", "sha256": "ab", "media_type": "image/png", "size_bytes": 3}}
    older["media"] |= {"width": 2, "height": 1, "seconds": None, "alpha": False}
    media = Media.from_json(older)
    assert media.fps is None and media.mode is None
    assert media.to_json() == older
    clip = Media("video", "cd", "video/quicktime", 9, 2, 2, 1.5, fps=23.976, has_audio=False)
    assert clip.extension == "mov"
    assert Media.from_json(clip.to_json()) == clip and clip.to_json()["media"]["has_audio"] is False


def test_every_media_type_has_an_extension_of_its_own() -> None:
    assert len(set(EXTENSIONS.values())) == len(EXTENSIONS)
    for media_type, extension in (
        ("audio/ogg", "ogg"),
        ("audio/flac", "flac"),
        ("image/avif", "avif"),
    ):
        assert EXTENSIONS[media_type] == extension


def test_a_broken_picture_keeps_its_own_message(tmp_path: Path) -> None:
    buffer = BytesIO()
    Image.effect_noise((64, 48), 80).save(buffer, "PNG")
    (tmp_path / "a.png").write_bytes(buffer.getvalue()[:20])
    with pytest.raises(InputError, match=r"a\.png'"):
        describe_file(tmp_path / "a.png")
