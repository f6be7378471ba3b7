"""Clips: of the size and length that each vendor gives, at fal and at Replicate."""

from __future__ import annotations

import hashlib
from typing import Any

import httpx
import pytest

from tests.sandbox.conftest import Serve, Served, data_uri, opened, picture, png, probed, until
from tests.sandbox.media import KLING, LUMA, SEEDANCE, SVD, SVD_AT_REPLICATE, VEO, moved

WIDE, TALL = (640, 360), (360, 640)


def clip_of(served: Served, app: str, **given: Any) -> bytes:
    answer = served.fal_result(served.fal(app, **given))
    assert answer.status_code == 200, answer.text
    return served.http.get(answer.json()["video"]["url"]).content


@pytest.mark.parametrize(
    ("app", "size", "given", "expected", "seconds"),
    [
        (KLING, WIDE, {}, (1920, 1080), 5),
        (KLING, TALL, {"duration": "10"}, (1080, 1920), 10),
        (KLING, (700, 300), {}, (1920, 822), 5),
        (SEEDANCE, WIDE, {"resolution": "720p"}, (1248, 704), 5),
        (SEEDANCE, WIDE, {"duration": "2"}, (1920, 1088), 2),
        (SEEDANCE, WIDE, {"resolution": "480p", "aspect_ratio": "9:16"}, (480, 864), 5),
        (SEEDANCE, (500, 500), {"resolution": "480p", "duration": "3"}, (640, 640), 3),
        (LUMA, TALL, {}, (960, 540), 5),
        (LUMA, TALL, {"aspect_ratio": "9:16", "resolution": "720p"}, (720, 1280), 5),
        (VEO, TALL, {"duration": "4s"}, (720, 1280), 4),
        (VEO, (500, 480), {"duration": "4s", "generate_audio": False}, (1280, 720), 4),
    ],
)
def test_a_clip_has_the_size_and_the_seconds_that_its_vendor_gives(
    serve: Serve,
    app: str,
    size: tuple[int, int],
    given: dict[str, Any],
    expected: tuple[int, int],
    seconds: float,
) -> None:
    facts = probed(clip_of(serve(), app, **moved(data_uri(picture(*size)), **given)))
    assert (facts.width, facts.height) == expected
    assert facts.seconds == pytest.approx(seconds, abs=0.05)
    assert facts.fps == 24
    assert facts.has_audio is (app == VEO and "generate_audio" not in given)


def test_stable_video_is_25_frames_at_the_rate_asked_for(serve: Serve) -> None:
    image = data_uri(picture(1280, 720))
    facts = probed(clip_of(serve(), SVD, image_url=image, fps=10))
    assert (facts.width, facts.height, facts.fps) == (1024, 576, 10)
    assert facts.seconds == pytest.approx(2.5)


def test_a_clip_is_described_without_its_size_and_length(serve: Serve) -> None:
    served = serve()
    answer = served.fal_result(served.fal(SVD, image_url=data_uri(picture(1024, 576)), seed=7))
    body = answer.json()
    file = served.http.get(body["video"]["url"])
    assert set(body) == {"video", "seed"} and body["seed"] == 7
    assert body["video"] == {
        "url": body["video"]["url"],
        "content_type": "video/mp4",
        "file_name": "00001.mp4",
        "file_size": len(file.content),
    }
    assert file.headers["content-type"] == "video/mp4"
    assert body["video"]["url"].endswith(".mp4")


@pytest.mark.parametrize("style", ["plain", "drawn"])
def test_the_same_request_gives_other_bytes_each_time(serve: Serve, style: str) -> None:
    served = serve(pictures=style)
    given = {"image_url": data_uri(picture(1024, 576)), "fps": 50}
    clips = [clip_of(served, SVD, **given) for _ in range(2)]
    lines = served.invoice()
    assert lines[0]["body_sha256"] == lines[1]["body_sha256"]
    assert len({hashlib.sha256(clip).hexdigest() for clip in clips}) == 2
    assert all(probed(clip).seconds == pytest.approx(0.5) for clip in clips)


@pytest.mark.parametrize(
    ("model", "given", "expected", "seconds"),
    [
        ("kwaivgi/kling-v2.5-turbo-pro", {"start_image": WIDE}, (1920, 1080), 5),
        ("kwaivgi/kling-v2.5-turbo-pro", {"aspect_ratio": "1:1"}, (1080, 1080), 5),
        (
            "bytedance/seedance-1-pro",
            {"image": TALL, "aspect_ratio": "16:9", "resolution": "480p", "duration": 2},
            (480, 864),
            2,
        ),
        ("google/veo-3.1-fast", {"image": WIDE, "resolution": "720p"}, (1280, 720), 8),
    ],
)
def test_replicate_makes_clips_as_well(
    serve: Serve,
    model: str,
    given: dict[str, Any],
    expected: tuple[int, int],
    seconds: float,
) -> None:
    served = serve()
    given = {
        name: data_uri(picture(*value)) if isinstance(value, tuple) else value
        for name, value in given.items()
    }
    answer = served.predict(
        model, input={"prompt": "it turns"} | given, headers={"Prefer": "wait"}
    ).json()
    assert answer["status"] == "succeeded", answer
    assert answer["output"].endswith(".mp4")
    facts = probed(served.http.get(answer["output"]).content)
    assert (facts.width, facts.height) == expected
    assert facts.seconds == pytest.approx(seconds, abs=0.05)


def test_replicate_s_stable_video_takes_any_shape(serve: Serve) -> None:
    served = serve()
    body = {"version": SVD_AT_REPLICATE, "input": {"input_image": data_uri(png())}}
    wait = {"Prefer": "wait"}
    answer = served.call("replicate", "POST", "/v1/predictions", json=body, headers=wait).json()
    facts = probed(served.http.get(answer["output"]).content)
    assert (facts.width, facts.height) == (1024, 576)
    assert facts.seconds == pytest.approx(14 / 6, abs=0.01)


def test_a_drawn_clip_shows_the_picture_and_fades_to_the_last(serve: Serve) -> None:
    served = serve(pictures="drawn")
    first, last = (data_uri(png(320, 320, colour)) for colour in ("#c02020", "#2020c0"))
    given = moved(first, end_image_url=last, resolution="480p", duration="2")
    url = served.fal_result(served.fal(SEEDANCE, **given)).json()["video"]["url"]
    for place, brighter in (("first", 0), ("last", 2)):
        app = "fal-ai/ffmpeg-api/extract-frame"
        answer = served.fal_result(served.fal(app, video_url=url, frame_type=place))
        frame = opened(served.http.get(answer.json()["images"][0]["url"]).content)
        middle = frame.getpixel((frame.width // 2, frame.height // 2))
        assert middle[brighter] > 150 and middle[2 - brighter] < 80


@pytest.mark.parametrize(
    ("fault", "width"), [("black", 1024), ("wrong_size", 512), ("truncated", None)]
)
def test_faults_of_a_download_strike_clips_too(serve: Serve, fault: str, width: int | None) -> None:
    served = serve({"fault": fault, "nth": [1]})
    answer = served.fal_result(served.fal(SVD, image_url=data_uri(picture(1024, 576))))
    url = answer.json()["video"]["url"]
    if width is None:
        with pytest.raises(httpx.RemoteProtocolError):
            served.http.get(url)
        return
    assert probed(served.http.get(url).content).width == width


def test_a_restart_finds_a_clip_again(serve: Serve) -> None:
    first = serve()
    job = first.fal(SVD, image_url=data_uri(picture(1024, 576)))
    before = clip_bytes(first, job)
    first.close()
    assert clip_bytes(serve(), job) == before


def clip_bytes(served: Served, job: dict[str, Any]) -> bytes:
    path = f"/{SVD}/requests/{job['request_id']}"
    until(lambda: served.call("fal", "GET", f"{path}/status").status_code == 200)
    url = served.call("fal", "GET", path).json()["video"]["url"]
    return served.http.get(url).content
