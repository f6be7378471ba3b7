"""A sound is laid under a clip: the picture is not touched unless its length is."""

from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from providers.errors import InputError
from providers.local.probe import decodes, probe_media
from providers.local.video import mux
from tests.local.clips import (
    FPS,
    a_clip,
    a_sound,
    colours_of,
    loudness,
    packets_of,
    seconds_of,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    a_clip(tmp_path / "clip.mp4", 2.0)
    a_sound(tmp_path / "short.wav", 1.23)
    a_sound(tmp_path / "long.mp3", 3.31, "mp3")
    return tmp_path


def muxed(folder: Path, audio: str, **options: Any) -> Path:
    path = folder / "out.mp4"
    path.write_bytes(mux(folder / "clip.mp4", folder / audio, **options))
    decodes(path)
    return path


@pytest.mark.parametrize("audio", ["short.wav", "long.mp3"])
def test_a_new_sound_leaves_the_picture_as_it_was_bit_by_bit(folder: Path, audio: str) -> None:
    out = muxed(folder, audio)
    assert packets_of(out) == packets_of(folder / "clip.mp4")
    assert seconds_of(out) == pytest.approx({"video": 2.0, "audio": 2.0}, abs=0.002)
    facts = probe_media(out)
    assert (facts.sample_rate, facts.channels) == (48_000, 2)


def test_a_short_sound_is_followed_by_silence(folder: Path) -> None:
    out = muxed(folder, "short.wav")
    assert loudness(out, 0.1, 1.1) > 0.1 > 0.01 > loudness(out, 1.4, 2.0)


def test_a_clip_cut_to_its_sound_ends_with_it(folder: Path) -> None:
    out = muxed(folder, "short.wav", length="audio")
    found = seconds_of(out)
    assert abs(found["audio"] - 1.23) < 0.002
    assert 0 <= found["video"] - 1.23 < 1 / FPS
    assert colours_of(out) == ["R"] * 10 + ["G"] * 3


def test_a_clip_is_held_on_its_last_frame_until_its_sound_ends(folder: Path) -> None:
    out = muxed(folder, "long.mp3", length="audio")
    found = seconds_of(out)
    assert abs(found["video"] - found["audio"]) < 1 / FPS
    assert abs(found["audio"] - 3.31) < 0.06
    assert set(colours_of(out)[10:]) == {"G"}


@pytest.mark.parametrize(("audio", "seconds"), [("short.wav", 1.3), ("long.mp3", 2.0)])
def test_the_shortest_ends_both(folder: Path, audio: str, seconds: float) -> None:
    found = seconds_of(muxed(folder, audio, length="shortest"))
    assert found == pytest.approx({"video": seconds, "audio": seconds}, abs=0.002)


def test_a_sound_may_begin_later_or_within_itself(folder: Path) -> None:
    late = muxed(folder, "short.wav", offset_seconds=0.7)
    assert loudness(late, 0.0, 0.6) < 0.01 < 0.1 < loudness(late, 0.8, 1.9)
    early = muxed(folder, "short.wav", offset_seconds=-1.0)
    assert loudness(early, 0.0, 0.2) > 0.1 > 0.01 > loudness(early, 0.4, 2.0)
    with pytest.raises(InputError, match=r"offset_seconds -5 leaves nothing of 'short\.wav'"):
        muxed(folder, "short.wav", offset_seconds=-5)


def test_a_mixed_sound_keeps_the_clips_own(folder: Path) -> None:
    a_clip(folder / "clip.mp4", 2.0, heard=2.0)
    mixed = muxed(folder, "short.wav", mode="mix")
    assert packets_of(mixed) == packets_of(folder / "clip.mp4")
    assert loudness(mixed, 0.1, 1.1) > loudness(mixed, 1.4, 1.9) > 0.1
    replaced = muxed(folder, "short.wav")
    assert loudness(replaced, 1.4, 1.9) < 0.01


def test_a_sound_is_taken_from_another_clip(folder: Path) -> None:
    a_clip(folder / "other.mp4", 1.0, heard=1.0)
    assert loudness(muxed(folder, "other.mp4"), 0.1, 0.9) > 0.1


def test_a_picture_that_an_mp4_cannot_hold_is_encoded_again(folder: Path) -> None:
    with av.open(str(folder / "clip.mp4"), "w", format="webm") as container:
        stream = container.add_stream("libvpx", rate=10, pix_fmt="yuv420p")
        stream.width, stream.height = 64, 48
        for number in range(10):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 90, np.uint8))
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    assert probe_media(folder / "clip.mp4").media_type == "video/webm"
    out = muxed(folder, "short.wav")
    assert probe_media(out).media_type == "video/mp4"
    assert seconds_of(out) == pytest.approx({"video": 1.0, "audio": 1.0}, abs=0.002)


def test_the_same_files_give_the_same_bytes(folder: Path) -> None:
    assert muxed(folder, "short.wav").read_bytes() == muxed(folder, "short.wav").read_bytes()


def test_what_cannot_be_laid_together_is_said(folder: Path) -> None:
    with pytest.raises(InputError, match="mode 'both' is none of replace, mix"):
        muxed(folder, "short.wav", mode="both")
    with pytest.raises(InputError, match=r"clip\.mp4' has no sound"):
        muxed(folder, "clip.mp4")
    with pytest.raises(InputError, match=r"short\.wav' is a sound, not a clip"):
        mux(folder / "short.wav", folder / "short.wav")
