"""Sounds have the length that is promised, and stand-ins for speech have its rhythm."""

import io
import wave
from pathlib import Path

import numpy as np
import pytest

from providers.errors import InputError
from providers.local import audio
from providers.local.probe import decodes, probe_media
from providers.local.sound import read_sound
from tests.local.clips import a_clip, a_sound, tone

TEXT = "Good morning, this is a mug. It holds tea!"


def heard(data: bytes) -> tuple[int, int, int, float]:
    with wave.open(io.BytesIO(data)) as file:
        frames, rate = file.getnframes(), file.getframerate()
        return file.getnchannels(), file.getsampwidth() * 8, rate, frames / rate


@pytest.mark.parametrize("speed", [0.5, 1.0, 1.3, 4.0])
@pytest.mark.parametrize("rate", [44_100, 48_000, 16_000])
def test_speech_lasts_exactly_as_long_as_is_said(rate: int, speed: float) -> None:
    spoken = audio.speech_tone(TEXT, rate, speed)
    assert heard(spoken) == (1, 16, rate, audio.spoken_seconds(TEXT, speed))


def test_a_word_takes_about_a_third_of_a_second_and_stops_take_longer() -> None:
    assert audio.spoken_seconds("one two three four") == 1.4
    assert audio.spoken_seconds("one, two three four.") > 1.8
    assert audio.spoken_seconds("one two three four", 2.0) == 0.7
    assert audio.spoken_seconds("私は茶を飲む。") > 1.5  # nobody puts spaces there


def test_each_word_is_one_blip(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(audio.speech_tone("one two three"))
    samples = np.abs(read_sound(tmp_path / "a.wav", None, None).samples[0])
    level = samples[: len(samples) // 441 * 441].reshape(-1, 441).max(1)  # hundredths of a second
    starts = np.flatnonzero((level[1:] > 0.02) & (level[:-1] <= 0.02))
    assert len(starts) == 3
    assert np.abs(np.diff(starts) - 35).max() <= 1


def test_the_same_text_sounds_the_same_and_another_does_not() -> None:
    assert audio.speech_tone(TEXT) == audio.speech_tone(TEXT)
    assert audio.speech_tone("one two") != audio.speech_tone("one six")


@pytest.mark.parametrize("text", ["", "  ", "...", "—"])
def test_a_text_without_a_word_is_not_spoken(text: str) -> None:
    with pytest.raises(InputError, match="the text has no word"):
        audio.speech_tone(text)


def test_a_speed_nobody_speaks_at_is_refused() -> None:
    with pytest.raises(InputError, match=r"a speed of 9 is not from 0\.25 to 4"):
        audio.spoken_seconds("one", 9)


def test_an_ambience_is_soft_lasts_as_asked_and_follows_its_prompt_and_seed() -> None:
    made = audio.ambience("rain on a roof", 2.5, 1)
    assert heard(made) == (2, 16, 44_100, 2.5)
    assert made == audio.ambience(" rain on a roof\n", 2.5, 1)
    assert made != audio.ambience("rain on a roof", 2.5, 2) != audio.ambience("a forest", 2.5, 2)
    samples = np.frombuffer(made[44:], "<i2") / 32767
    assert 0.02 < np.sqrt(np.mean(samples**2)) < 0.3 and np.abs(samples).max() < 0.99
    with pytest.raises(InputError, match="0 s is no length"):
        audio.ambience("rain", 0, 1)


def test_a_sound_is_padded_and_trimmed_to_the_sample(tmp_path: Path) -> None:
    path = a_sound(tmp_path / "a.wav", 1.0)
    assert heard(audio.pad_sound(path, 1.7)) == (1, 16, 44_100, 1.7)
    assert heard(audio.trim_sound(path, 0.3)) == (1, 16, 44_100, 0.3)
    with pytest.raises(InputError, match=r"lasts 1\.00 s, longer than 0\.5 s. Use trim_sound"):
        audio.pad_sound(path, 0.5)
    with pytest.raises(InputError, match=r"lasts 1\.00 s, shorter than 2 s. Use pad_sound"):
        audio.trim_sound(path, 2)


def test_a_sound_is_resampled_without_a_change_of_length(tmp_path: Path) -> None:
    path = a_sound(tmp_path / "a.wav", 1.5)
    assert heard(audio.resample(path, 16_000, 2)) == (2, 16, 16_000, 1.5)
    with pytest.raises(InputError, match="6 channels"):
        audio.resample(path, 16_000, 6)


@pytest.mark.parametrize("form", ["wav", "mp3", "m4a"])
def test_a_sound_is_written_in_every_form_alike_each_time(tmp_path: Path, form: str) -> None:
    sound = tone(1.0, 44_100)
    made = audio.encode_sound(sound.samples, sound.rate, form)
    assert made == audio.encode_sound(sound.samples, sound.rate, form)
    path = tmp_path / "a.bin"
    path.write_bytes(made)
    decodes(path)
    facts = probe_media(path)
    assert (facts.sample_rate, facts.channels) == (44_100, 2)
    assert read_sound(path).seconds == pytest.approx(1.0, abs=0.06)


def test_a_form_nobody_knows_is_refused() -> None:
    with pytest.raises(InputError, match="cannot be written as 'wma'"):
        audio.encode_sound(tone(0.1).samples, 48_000, "wma")


def test_a_clip_without_sound_has_none_to_give(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"a\.mp4' has no sound"):
        audio.trim_sound(a_clip(tmp_path / "a.mp4"), 0.5)
