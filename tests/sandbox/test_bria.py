"""Bria v2: 202, a status that is always 200, and its odd codes."""

from __future__ import annotations

import base64
import io

from PIL import Image

from tests.sandbox.conftest import Serve, Served, opened, png, until

INLINE = base64.b64encode(png()).decode()


def ended(served: Served, answer) -> dict:
    url = answer.json()["status_url"]
    until(lambda: served.call("bria", "GET", url).json()["status"] != "IN_PROGRESS")
    status = served.call("bria", "GET", url)
    assert status.status_code == 200
    return status.json()


def test_a_request_is_202_and_its_status_goes_on_to_completed(serve: Serve) -> None:
    served = serve(shortest_seconds=60)
    answer = served.bria(INLINE)
    assert answer.status_code == 202
    url = answer.json()["status_url"]
    assert served.call("bria", "GET", url).json()["status"] == "IN_PROGRESS"
    served.later(300)
    status = ended(served, answer)
    assert status["status"] == "COMPLETED"
    assert opened(served.http.get(status["result"]["image_url"]).content).mode == "RGBA"
    assert served.invoice()[0]["amount"] == "0.018"


def test_sync_answers_with_the_result(serve: Serve) -> None:
    served = serve()
    answer = served.bria(INLINE, sync=True)
    assert answer.status_code == 200
    assert answer.json()["result"]["image_url"]


def test_what_is_wrong_with_an_inline_picture_is_told_at_once(serve: Serve) -> None:
    served = serve()
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, "GIF")
    gif = base64.b64encode(buffer.getvalue()).decode()
    heavy = base64.b64encode(png() + bytes(12_000_000)).decode()
    for picture, code in (("???", 415), (gif, 415), (heavy, 413)):
        answer = served.bria(picture)
        assert (answer.status_code, answer.json()["error"]["code"]) == (code, code)
    assert served.bria(INLINE, preserve_alpha="yes").status_code == 422
    assert served.invoice() == []


def test_a_picture_that_cannot_be_fetched_is_460_in_the_status(serve: Serve) -> None:
    served = serve()
    status = ended(served, served.bria("https://example.com/x.png"))
    assert (status["status"], status["error"]["code"]) == ("ERROR", 460)
    assert served.invoice()[0]["amount"] == "0"


def test_failures_and_moderation_are_errors_within_http_200(serve: Serve) -> None:
    served = serve({"fault": "fail", "nth": [1]}, {"fault": "refuse", "nth": [2]})
    codes = [ended(served, served.bria(INLINE))["error"]["code"] for _ in range(2)]
    assert codes == [500, 422]


def test_an_unknown_id_is_404(serve: Serve) -> None:
    served = serve()
    assert served.call("bria", "GET", "/v2/status/nobody").status_code == 404
