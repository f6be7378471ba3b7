"""Clips are cut, held, repeated, cropped and joined to the frame; nothing is stretched."""

import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from providers.errors import InputError
from providers.local import video
from providers.local.probe import decodes, probe_media
from tests.local.clips import BLUE, GREEN, RED, a_clip, colours_of, loudness, seconds_of


def written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    decodes(path)
    return path


def photo(width: int = 160, height: int = 90) -> Image.Image:
    ramp = np.linspace(0, 255, width).astype(np.uint8)
    pixels = np.stack([np.tile(ramp, (height, 1))] * 3, axis=2)
    pixels[::8] = 90
    return Image.fromarray(pixels)


def test_a_picture_becomes_a_clip_that_moves(tmp_path: Path) -> None:
    made = video.clip_from_picture(photo(), 2, 160, 90, with_sound=True)
    path = written(tmp_path / "a.mp4", made)
    facts = probe_media(path)
    assert (facts.width, facts.height, facts.seconds, facts.fps) == (160, 90, 2.0, 24)
    assert facts.has_audio and facts.sample_rate == 48_000
    first, last = (np.asarray(video.extract_frame(path, at), int) for at in ("first", "last"))
    assert np.abs(first - np.asarray(photo(), int))[:70].mean() < 8
    assert np.abs(first - last).mean() > 8
    assert 0.005 < loudness(path, 0.5, 1.5) < 0.2


def test_the_same_picture_gives_the_same_bytes() -> None:
    made = [video.clip_from_picture(photo(), 1, 160, 90, with_sound=True) for _ in range(2)]
    assert made[0] == made[1]


def test_a_clip_says_in_every_frame_that_it_is_a_stand_in(tmp_path: Path) -> None:
    grey = Image.new("RGB", (320, 180), (150, 150, 150))
    path = written(tmp_path / "a.mp4", video.clip_from_picture(grey, 1, 320, 180))
    for at in ("first", "middle", "last"):
        corner = np.asarray(video.extract_frame(path, at).convert("L"))[-10:, :60]
        assert corner.min() < 110 and corner.max() > 180


def test_a_clip_fades_to_its_end_picture(tmp_path: Path) -> None:
    start, end = (Image.new("RGB", (64, 64), colour) for colour in (RED, BLUE))
    made = video.clip_from_picture(start, 1, 64, 64, end_image=end)
    seen = colours_of(written(tmp_path / "a.mp4", made))
    assert (seen[0], seen[-1]) == ("R", "B")


def test_a_drawn_clip_of_five_seconds_costs_less_than_two() -> None:
    began = time.thread_time()
    video.clip_from_picture(photo(1280, 720), 5, 1280, 720)
    assert time.thread_time() - began < 2.5


@pytest.mark.parametrize("size", [(161, 90), (160, 91)])
def test_odd_sides_are_refused(size: tuple[int, int]) -> None:
    with pytest.raises(InputError, match="Give even sides, such as 160x90"):
        video.clip_from_picture(photo(), 1, *size)


def test_a_trimmed_clip_is_its_beginning(tmp_path: Path) -> None:
    path = a_clip(tmp_path / "a.mp4", 2.0, heard=2.0)
    short = written(tmp_path / "b.mp4", video.trim(path, 0.7))
    assert seconds_of(short) == pytest.approx({"video": 0.7, "audio": 0.7}, abs=0.002)
    assert colours_of(short) == ["R"] * 7


def test_a_clip_is_not_trimmed_to_more_than_it_has(tmp_path: Path) -> None:
    path = a_clip(tmp_path / "a.mp4")
    with pytest.raises(InputError, match=r"trim: 'a\.mp4' lasts 1\.00 s, and 3 s of it"):
        video.trim(path, 3)
    with pytest.raises(InputError, match="0 s is no length"):
        video.trim(path, 0)


def test_a_held_clip_stays_on_its_last_frame_in_silence(tmp_path: Path) -> None:
    path = a_clip(tmp_path / "a.mp4", 1.0, heard=1.0)
    held = written(tmp_path / "b.mp4", video.hold_last(path, 2.5))
    assert seconds_of(held) == pytest.approx({"video": 2.5, "audio": 2.5}, abs=0.002)
    assert colours_of(held) == ["R"] * 5 + ["G"] * 20
    assert loudness(held, 0.1, 0.9) > 0.1 > 0.01 > loudness(held, 1.2, 2.5)


def test_a_looped_clip_begins_again_with_its_sound(tmp_path: Path) -> None:
    path = a_clip(tmp_path / "a.mp4", 1.0, heard=0.5)
    looped = written(tmp_path / "b.mp4", video.loop(path, 2.3))
    assert colours_of(looped) == (["R"] * 5 + ["G"] * 5) * 2 + ["R"] * 3
    assert loudness(looped, 1.1, 1.4) > 0.1 > 0.01 > loudness(looped, 1.6, 1.9)


def test_a_crop_is_the_middle_at_exactly_its_size(tmp_path: Path) -> None:
    path = a_clip(tmp_path / "a.mp4", heard=1.0)
    part = written(tmp_path / "b.mp4", video.crop_clip(path, 32, 48))
    facts = probe_media(part)
    assert (facts.width, facts.height, facts.seconds) == (32, 48, 1.0) and facts.has_audio
    assert colours_of(part) == colours_of(path)
    with pytest.raises(InputError, match=r"128x48 is larger than 'a\.mp4', 64x48"):
        video.crop_clip(path, 128, 48)
    with pytest.raises(InputError, match="even sides"):
        video.crop_clip(path, 31, 48)


def test_a_resized_clip_keeps_its_shape_where_a_side_is_left_out(tmp_path: Path) -> None:
    path = a_clip(tmp_path / "a.mp4")
    small = probe_media(written(tmp_path / "b.mp4", video.resize_clip(path, 32)))
    assert (small.width, small.height) == (32, 24)


@pytest.mark.parametrize(
    ("at", "colour"),
    [("first", RED), ("middle", GREEN), ("last", BLUE), (0.4, RED), ("0.9", GREEN)],
)
def test_a_frame_is_taken_where_it_is_asked_for(
    tmp_path: Path, at: str | float, colour: tuple[int, int, int]
) -> None:
    path = a_clip(tmp_path / "a.mp4", 1.5, colours=(RED, GREEN, BLUE))
    picture = video.extract_frame(path, at)
    found = picture.getpixel((32, 24))
    assert picture.size == (64, 48) and isinstance(found, tuple)
    assert max(abs(one - other) for one, other in zip(found, colour, strict=True)) < 8


@pytest.mark.parametrize("at", ["end", 9, -1])
def test_a_frame_outside_the_clip_is_refused(tmp_path: Path, at: str | float) -> None:
    with pytest.raises(InputError, match=r"is no place in the clip; 'a\.mp4' lasts 1\.00 s"):
        video.extract_frame(a_clip(tmp_path / "a.mp4"), at)


def test_joined_clips_come_one_after_another_at_one_size(tmp_path: Path) -> None:
    one = a_clip(tmp_path / "a.mp4", 1.0, colours=(RED,), heard=1.0)
    two = a_clip(tmp_path / "b.mp4", 0.5, (128, 96), colours=(BLUE,), fps=20)
    whole = written(tmp_path / "c.mp4", video.concat([one, two, one], 64, 48, 20))
    assert colours_of(whole) == ["R"] * 20 + ["B"] * 10 + ["R"] * 20
    assert seconds_of(whole) == pytest.approx({"video": 2.5, "audio": 2.5}, abs=0.002)
    assert loudness(whole, 1.1, 1.4) < 0.01 < 0.1 < loudness(whole, 1.7, 2.4)


def test_clips_of_another_shape_are_not_stretched(tmp_path: Path) -> None:
    wide, high = a_clip(tmp_path / "a.mp4"), a_clip(tmp_path / "b.mp4", size=(48, 64))
    with pytest.raises(InputError, match=r"'b\.mp4' is 48x64, not of the shape of 64x48"):
        video.concat([wide, high], 64, 48, 10)
    with pytest.raises(InputError, match="at least one clip"):
        video.concat([], 64, 48, 10)


def test_a_clip_that_claims_to_last_for_years_is_not_worked_on(tmp_path: Path) -> None:
    data = bytearray(a_clip(tmp_path / "a.mp4").read_bytes())
    claims = {b"stts": 16, b"mdhd": 20, b"elst": 12, b"mvhd": 20, b"tkhd": 24}
    for name, place in claims.items():
        start = data.index(name) + place
        data[start : start + 4] = (0x07FFFFFF).to_bytes(4, "big")
    (tmp_path / "b.mp4").write_bytes(data)
    with pytest.raises(InputError, match="by its own account"):
        video.trim(tmp_path / "b.mp4", 0.5)
