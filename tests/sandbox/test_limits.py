"""Limits of what is sent: each is refused with the vendor's own error, and never billed."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.sandbox.conftest import CUTOUT, Serve, data_uri, picture, png
from tests.sandbox.media import CHATTERBOX, JOIN, KLING, LUMA, SEEDANCE, SFX, SPEECH, SVD, moved

KONTEXT = "fal-ai/flux-pro/kontext"
BRIA = "fal-ai/bria/background/remove"
CLARITY = "fal-ai/clarity-upscaler"
RECRAFT = "fal-ai/recraft/v4/text-to-image"

SMALL, LARGE = picture(299, 400), picture(6001, 3000)
FLAT, TALL = picture(1000, 390), picture(390, 1000)
GIF, WEBP, TIFF = (picture(640, 360, form) for form in ("GIF", "WEBP", "TIFF"))


def heavy(size: int) -> bytes:
    data = picture(640, 360)
    return data + bytes(size + 1 - len(data))


@pytest.mark.parametrize(
    ("app", "image", "kind"),
    [
        (KLING, SMALL, "image_too_small"),
        (KLING, FLAT, "value_error"),
        (KLING, TALL, "value_error"),
        (KLING, WEBP, "unsupported_image_format"),
        (KLING, heavy(10_000_000), "file_too_large"),
        (SEEDANCE, SMALL, "image_too_small"),
        (SEEDANCE, LARGE, "image_too_large"),
        (SEEDANCE, FLAT, "value_error"),
        (SEEDANCE, GIF, "unsupported_image_format"),
        (SEEDANCE, heavy(30_000_000), "file_too_large"),
        (SVD, picture(1008, 567), "image_too_small"),
        (SVD, picture(1024, 580), "value_error"),
        (SVD, picture(1024, 1024), "value_error"),
        (KONTEXT, picture(720, 300), "value_error"),
        (KONTEXT, TIFF, "unsupported_image_format"),
        (BRIA, GIF, "unsupported_image_format"),
        (BRIA, heavy(12_000_000), "file_too_large"),
        (CUTOUT, GIF, "unsupported_image_format"),
    ],
)
def test_a_picture_beyond_a_limit_is_422_and_costs_nothing(
    serve: Serve, app: str, image: bytes, kind: str
) -> None:
    served = serve()
    is_bare = app in (SVD, BRIA, CUTOUT)
    url = served.upload(image)
    given = {"image_url": url} if is_bare else moved(url)
    answer = served.fal_result(served.fal(app, **given))
    assert answer.status_code == 422
    (detail,) = answer.json()["detail"]
    assert (detail["loc"], detail["type"]) == (["body", "image_url"], kind)
    assert detail["ctx"]
    assert answer.headers["x-fal-billable-units"] == "0"
    (line,) = served.invoice()
    assert (line["outcome"], line["units"], line["amount"]) == ("refused", "0", "0")


@pytest.mark.parametrize(
    ("app", "image"),
    [
        (KLING, picture(300, 750)),
        (KLING, picture(300, 300, mode="RGBA")),
        (SEEDANCE, picture(6000, 2400)),
        (SEEDANCE, picture(640, 360, "WEBP")),
        (SVD, picture(1024, 576, mode="RGBA")),
        (SVD, picture(1920, 1081)),
        (KONTEXT, picture(700, 300)),
        (KONTEXT, GIF),
        (BRIA, WEBP),
    ],
)
def test_a_picture_at_a_limit_is_taken_and_alpha_is_no_matter(
    serve: Serve, app: str, image: bytes
) -> None:
    served = serve()
    given = {"image_url": data_uri(image)} if app in (SVD, BRIA) else moved(data_uri(image))
    assert served.fal_result(served.fal(app, **given)).status_code == 200


def test_the_last_frame_has_the_limits_of_the_first(serve: Serve) -> None:
    served = serve()
    given = moved(data_uri(picture(640, 360)), tail_image_url=data_uri(SMALL))
    (detail,) = served.fal_result(served.fal(KLING, **given)).json()["detail"]
    assert (detail["loc"], detail["type"]) == (["body", "tail_image_url"], "image_too_small")


@pytest.mark.parametrize(
    ("app", "given", "field", "kind"),
    [
        (KLING, {"prompt": "x" * 2501}, "prompt", "string_too_long"),
        (LUMA, {"prompt": "go"}, "prompt", "string_too_short"),
        (RECRAFT, {"prompt": "x" * 10_001}, "prompt", "string_too_long"),
        (SPEECH, {"text": "x" * 10_001}, "text", "string_too_long"),
        (CHATTERBOX, {"text": "x" * 5001}, "text", "string_too_long"),
        (SFX, {"text": "x", "duration_seconds": 0.4}, "duration_seconds", "greater_than_equal"),
        (SFX, {"text": "x", "duration_seconds": 23}, "duration_seconds", "less_than_equal"),
        (KLING, {"prompt": "x", "duration": "7"}, "duration", "literal_error"),
        (KLING, {"prompt": "x", "duration": 5}, "duration", "literal_error"),
        (CLARITY, {"upscale_factor": 5}, "upscale_factor", "less_than_equal"),
        (JOIN, {"target_fps": 61}, "target_fps", "less_than_equal"),
        (JOIN, {"resolution": {"width": 500, "height": 512}}, "resolution", "greater_than_equal"),
        (JOIN, {"resolution": {"width": 640, "height": 2050}}, "resolution", "less_than_equal"),
    ],
)
def test_a_value_beyond_a_limit_is_422_and_costs_nothing(
    serve: Serve, app: str, given: dict[str, Any], field: str, kind: str
) -> None:
    served = serve()
    if app in (KLING, CLARITY):
        given = given | {"image_url": data_uri(picture(640, 360))}
    if app == JOIN:
        given = given | {"video_urls": ["https://example.com/a.mp4"]}
    answer = served.fal_result(served.fal(app, **given))
    assert answer.status_code == 422
    (detail,) = answer.json()["detail"]
    assert (detail["loc"], detail["type"]) == (["body", field], kind)
    assert served.invoice()[0]["amount"] == "0"


def test_replicate_fails_a_prediction_with_such_a_picture_unbilled(serve: Serve) -> None:
    served = serve()
    given = {"prompt": "it turns", "start_image": data_uri(SMALL)}
    answer = served.predict(
        "kwaivgi/kling-v2.5-turbo-pro", input=given, headers={"Prefer": "wait"}
    ).json()
    assert answer["status"] == "failed"
    assert "start_image" in answer["error"] and "300x300" in answer["error"]
    assert served.invoice()[0]["units"] == "0"


def test_replicate_s_durations_are_numbers(serve: Serve) -> None:
    served = serve()
    for model, wrong in (("kwaivgi/kling-v2.5-turbo-pro", "5"), ("google/veo-3.1-fast", 5)):
        given = {"prompt": "it turns", "duration": wrong}
        assert served.predict(model, input=given).status_code == 422


def test_bria_takes_jpeg_and_png_only(serve: Serve) -> None:
    served = serve()
    webp, jpeg = (base64.b64encode(picture(96, 64, form)).decode() for form in ("WEBP", "JPEG"))
    assert served.bria(webp).status_code == 415
    assert served.bria(jpeg).status_code == 202


def test_bfl_s_kontext_refuses_a_shape_at_once(serve: Serve) -> None:
    served = serve()
    for size, status in (((300, 100), 422), ((96, 64), 200)):
        image = base64.b64encode(png(*size)).decode()
        given = {"prompt": "x", "input_image": image}
        answer = served.call("bfl", "POST", "/v1/flux-kontext-pro", json=given)
        assert answer.status_code == status
    assert len(served.invoice()) == 1
