"""Sounds, and what is composed of clips and sounds: really made, in every profile."""

from __future__ import annotations

from typing import Any

import pytest

from providers.local.audio import ambience, speech_tone
from providers.sandbox.films import plain_clip
from tests.sandbox.conftest import Serve, Served, data_uri, opened, picture, probed
from tests.sandbox.media import AMBIENCE, CHATTERBOX, FRAME, JOIN, MUX, SFX, SPEECH, SVD

TEXT = "Three words here."  # 3 * 0.35 s and a stop of 0.4 s


def made(served: Served, app: str, **given: Any) -> dict[str, Any]:
    answer = served.fal_result(served.fal(app, **given))
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize("style", ["plain", "drawn"])
@pytest.mark.parametrize(
    ("app", "given", "kind", "ending", "seconds"),
    [
        (SPEECH, {"text": TEXT}, "audio/mpeg", ".mp3", 1.45),
        (SPEECH, {"text": "...", "speed": 1.2}, "audio/mpeg", ".mp3", 0.5),
        (CHATTERBOX, {"text": TEXT}, "audio/wav", ".wav", 1.45),
        (SFX, {"text": "rain", "duration_seconds": 2.5}, "audio/mpeg", ".mp3", 2.5),
        (SFX, {"text": "rain", "output_format": "pcm_16000"}, "audio/wav", ".wav", 5),
        (AMBIENCE, {"prompt": "a street", "seconds_total": 3}, "audio/wav", ".wav", 3),
    ],
)
def test_a_sound_is_what_its_content_type_says_and_as_long_as_asked(
    serve: Serve,
    style: str,
    app: str,
    given: dict[str, Any],
    kind: str,
    ending: str,
    seconds: float,
) -> None:
    served = serve(pictures=style)
    first, second = (made(served, app, **given)["audio"] for _ in range(2))
    assert set(first) == {"url", "content_type", "file_name", "file_size"}
    files = [served.http.get(one["url"]) for one in (first, second)]
    facts = probed(files[0].content)
    assert first["content_type"] == files[0].headers["content-type"] == facts.media_type == kind
    assert first["url"].endswith(ending) and first["file_size"] == len(files[0].content)
    assert facts.seconds == pytest.approx(seconds, abs=0.1)
    assert files[0].content != files[1].content


def test_replicate_speaks_as_well(serve: Serve) -> None:
    answer = (served := serve()).predict(
        "resemble-ai/chatterbox", input={"prompt": TEXT}, headers={"Prefer": "wait"}
    )
    output = answer.json()["output"]
    assert output.endswith(".wav")
    assert probed(served.http.get(output).content).seconds == pytest.approx(1.45)


def test_a_sound_is_laid_under_a_clip_whose_length_stays(serve: Serve) -> None:
    served = serve()
    clip = served.upload(plain_clip(0, 320, 240, 2, 24, False), "video/mp4")
    sound = served.upload(speech_tone(TEXT), "audio/wav")
    url = made(served, MUX, video_url=clip, audio_url=sound, start_offset=0.5)["video"]["url"]
    facts = probed(served.http.get(url).content)
    assert (facts.width, facts.height, facts.has_audio) == (320, 240, True)
    assert facts.seconds == pytest.approx(2, abs=0.05)


def test_the_outputs_of_other_jobs_can_be_composed(serve: Serve) -> None:
    served = serve()
    clip = made(served, SVD, image_url=data_uri(picture(1024, 576)))["video"]["url"]
    sound = made(served, SPEECH, text=TEXT)["audio"]["url"]
    url = made(served, MUX, video_url=clip, audio_url=sound)["video"]["url"]
    assert probed(served.http.get(url).content).has_audio


def test_joined_clips_have_the_least_size_and_rate_unless_told(serve: Serve) -> None:
    served = serve()
    one, two = (
        "data:video/mp4;base64," + data_uri(plain_clip(0, *size, 1, fps, False)).split(",")[1]
        for size, fps in (((640, 360), 30), ((400, 400), 24))
    )
    body = made(served, JOIN, video_urls=[one, two])
    assert body["metadata"] == {}
    facts = probed(served.http.get(body["video"]["url"]).content)
    assert (facts.width, facts.height, facts.fps) == (400, 360, 24)
    assert facts.seconds == pytest.approx(2, abs=0.1)
    asked = {"resolution": {"width": 640, "height": 512}, "target_fps": 12}
    url = made(served, JOIN, video_urls=[one, two], **asked)["video"]["url"]
    facts = probed(served.http.get(url).content)
    assert (facts.width, facts.height, facts.fps) == (640, 512, 12)


@pytest.mark.parametrize("place", ["first", "middle", "last"])
def test_a_frame_is_taken_from_a_clip(serve: Serve, place: str) -> None:
    served = serve()
    clip = served.upload(plain_clip(0, 320, 240, 1, 24, False), "video/mp4")
    (image,) = made(served, FRAME, video_url=clip, frame_type=place)["images"]
    assert (image["width"], image["height"], image["content_type"]) == (320, 240, "image/png")
    assert opened(served.http.get(image["url"]).content).size == (320, 240)


def test_what_is_no_clip_or_sound_is_refused(serve: Serve) -> None:
    served = serve()
    clip = served.upload(plain_clip(0, 320, 240, 1, 24, False), "video/mp4")
    sound = served.upload(ambience("rain", 1), "audio/wav")
    for given, field, kind in (
        ({"video_url": sound, "audio_url": sound}, "video_url", "unsupported_video_format"),
        ({"video_url": clip, "audio_url": clip}, "audio_url", "unsupported_audio_format"),
        (
            {"video_url": served.upload(b"no clip"), "audio_url": sound},
            "video_url",
            "unsupported_video_format",
        ),
        (
            {"video_url": "https://example.com/x.mp4", "audio_url": sound},
            "video_url",
            "file_download_error",
        ),
    ):
        answer = served.fal_result(served.fal(MUX, **given))
        assert answer.status_code == 422
        (detail,) = answer.json()["detail"]
        assert (detail["loc"], detail["type"]) == (["body", field], kind)
    assert {line["amount"] for line in served.invoice()} == {"0"}


def test_an_offset_after_which_nothing_is_heard_is_refused_unbilled(serve: Serve) -> None:
    served = serve()
    clip = served.upload(plain_clip(0, 320, 240, 1, 24, False), "video/mp4")
    sound = served.upload(ambience("rain", 1), "audio/wav")
    given = {"video_url": clip, "audio_url": sound, "start_offset": -2}
    answer = served.fal_result(served.fal(MUX, **given))
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["type"] == "unsupported_video_format"
    assert served.invoice()[0]["amount"] == "0"
