"""What a file is, is told by its bytes: picture, clip or sound, with its facts."""

from fractions import Fraction
from io import BytesIO
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from providers.errors import InputError
from providers.local.probe import decodes, probe_media
from providers.local.upright import from_rgb
from providers.local.video import extract_frame
from tests.local.clips import a_clip, a_sound, tone


def test_a_clip_tells_its_size_length_frames_and_sound(tmp_path: Path) -> None:
    path = a_clip(tmp_path / "a.mp4", 1.5, heard=1.5)
    facts = probe_media(path)
    assert (facts.kind, facts.media_type) == ("video", "video/mp4")
    assert (facts.width, facts.height, facts.seconds, facts.fps) == (64, 48, 1.5, 10)
    assert (facts.has_audio, facts.sample_rate, facts.channels) == (True, 48_000, 2)
    assert facts.size_bytes == path.stat().st_size and facts.mode is None
    decodes(path)


def test_a_silent_clip_has_no_sound(tmp_path: Path) -> None:
    facts = probe_media(a_clip(tmp_path / "a.mp4"))
    assert (facts.has_audio, facts.sample_rate, facts.channels) == (False, None, None)


@pytest.mark.parametrize(
    ("form", "media_type"), [("wav", "audio/wav"), ("mp3", "audio/mpeg"), ("m4a", "audio/mp4")]
)
def test_a_sound_tells_its_length_rate_and_channels(
    tmp_path: Path, form: str, media_type: str
) -> None:
    path = a_sound(tmp_path / "a.bin", 2.0, form)
    facts = probe_media(path)
    assert (facts.kind, facts.media_type) == ("audio", media_type)
    assert facts.seconds == pytest.approx(2.0, abs=0.06)  # an MP3 is made of whole packets
    assert (facts.sample_rate, facts.channels) == (44_100, 1)
    assert (facts.width, facts.fps, facts.has_audio) == (None, None, None)
    decodes(path)


@pytest.mark.parametrize(
    ("form", "codec", "media_type"),
    [
        ("flac", "flac", "audio/flac"),
        ("ogg", "libopus", "audio/ogg"),
        ("adts", "aac", "audio/aac"),
        ("webm", "libopus", "audio/webm"),
        ("matroska", "aac", "audio/x-matroska"),
    ],
)
def test_other_sounds_are_known_as_well(
    tmp_path: Path, form: str, codec: str, media_type: str
) -> None:
    path = tmp_path / "a.bin"
    sound = tone(1.0)
    with av.open(str(path), "w", format=form) as container:
        stream = container.add_stream(codec, rate=48_000, layout="stereo")
        frame = av.AudioFrame.from_ndarray(
            (sound.samples.T * 32767).astype(np.int16).reshape(1, -1), "s16", "stereo"
        )
        frame.sample_rate, frame.pts = 48_000, 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    facts = probe_media(path)
    assert (facts.kind, facts.media_type) == ("audio", media_type)
    assert facts.seconds == pytest.approx(1.0, abs=0.06)
    decodes(path)


@pytest.mark.parametrize(
    ("name", "mode", "form"),
    [
        ("a.mp4", "RGB", "PNG"),
        ("b.wav", "CMYK", "JPEG"),
        ("c.mp4", "I;16", "PNG"),
        ("d.mov", "RGB", "AVIF"),
        ("e.mp4", "LA", "PNG"),
        ("f.webm", "P", "GIF"),
    ],
)
def test_a_still_picture_is_never_a_clip_whatever_its_name(
    tmp_path: Path, name: str, mode: str, form: str
) -> None:
    path = tmp_path / name
    Image.new(mode, (20, 16)).save(path, format=form)
    facts = probe_media(path)
    assert (facts.kind, facts.mode, facts.width, facts.height) == ("image", mode, 20, 16)
    assert facts.seconds is None


def test_bytes_in_hand_are_read_and_not_the_file(tmp_path: Path) -> None:
    data = a_clip(tmp_path / "a.mp4").read_bytes()
    assert probe_media(tmp_path / "nowhere", data).seconds == 1.0
    decodes(tmp_path / "nowhere", data)


@pytest.mark.parametrize("content", [b"", b"hello, I am text" * 9, b"#EXTM3U\nhttp://x/a.ts\n"])
def test_text_in_an_mp4s_clothes_is_refused_in_one_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"a\.mp4' is neither a picture, a clip nor a") as caught:
        probe_media(path)
    assert "\n" not in str(caught.value)


def test_a_clip_without_its_index_is_refused_in_one_line(tmp_path: Path) -> None:
    data = a_clip(tmp_path / "a.mp4").read_bytes()
    start = data.index(b"moov") - 4
    size = int.from_bytes(data[start : start + 4], "big")
    path = tmp_path / "cut.mp4"
    for broken in (data[: start + size // 2], data[:start] + data[start + size :], data[:40]):
        path.write_bytes(broken)
        with pytest.raises(InputError, match=r"cut\.mp4'") as caught:
            probe_media(path)
        assert "\n" not in str(caught.value)


def test_a_clip_that_ends_early_does_not_decode(tmp_path: Path) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (40, 48, 64, 3)).astype(np.uint8)
    from providers.local.clip_file import write_clip

    data = write_clip((from_rgb(one) for one in noise), Fraction(10))
    path = tmp_path / "a.mp4"
    path.write_bytes(data[: len(data) * 6 // 10])
    assert probe_media(path).seconds == 4.0  # as its index says
    with pytest.raises(InputError, match=r"cut short|damaged"):
        decodes(path)


def test_a_sound_that_ends_early_does_not_decode(tmp_path: Path) -> None:
    path = a_sound(tmp_path / "a.m4a", 3.0, "m4a")
    data = path.read_bytes()
    # The index is last in this one: what lies before it is put out of place.
    hole = data.index(b"mdat") + 4
    path.write_bytes(data[:hole] + bytes(len(data[hole:]) // 2))
    with pytest.raises(InputError):
        decodes(path)


def test_a_clip_that_was_filmed_upright_is_upright(tmp_path: Path) -> None:
    pixels = np.zeros((32, 64, 3), np.uint8)
    pixels[:, 32:] = (230, 30, 30)  # lies on its side: the right half will be above
    path = tmp_path / "phone.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10, pix_fmt="yuv420p")
        stream.width, stream.height = 64, 32
        stream.set_display_rotation(90)
        for number in range(5):
            frame = from_rgb(pixels)
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    facts = probe_media(path)
    assert (facts.width, facts.height) == (32, 64)
    picture = extract_frame(path)
    assert picture.size == (32, 64)
    reds = np.asarray(picture)[:, :, 0].astype(int)
    assert abs(int(reds[:24].mean()) - int(reds[40:].mean())) > 150
    expected = np.rot90(pixels, 1)[:, :, 0]  # a quarter turn to the left
    assert np.abs(reds - expected).mean() < 25


def test_a_song_with_a_cover_is_a_sound(tmp_path: Path) -> None:
    cover = BytesIO()
    Image.new("RGB", (32, 32), "red").save(cover, "PNG")
    path = a_sound(tmp_path / "a.mp3", 1.0, "mp3")
    picture = b"\0image/png\0\x03\0" + cover.getvalue()
    frame = b"APIC" + len(picture).to_bytes(4, "big") + b"\0\0" + picture
    size = len(frame)
    head = b"ID3\x03\0\0" + bytes((size >> shift) & 127 for shift in (21, 14, 7, 0))
    path.write_bytes(head + frame + path.read_bytes())
    assert probe_media(path).kind == "audio"
    decodes(path)
