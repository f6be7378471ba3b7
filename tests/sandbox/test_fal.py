"""fal's queue, its direct call, its files and its platform API."""

from __future__ import annotations

import json

import pytest

from tests.sandbox.conftest import CUTOUT, FLUX, Serve, data_uri, opened, png, until


def test_a_submit_names_the_four_things_that_a_client_needs(serve: Serve) -> None:
    served = serve()
    job = served.fal()
    base = f"{served.origin}/fal/fal-ai/flux-2-pro/requests/{job['request_id']}"
    assert job["response_url"] == base
    assert job["status_url"] == f"{base}/status"
    assert job["cancel_url"] == f"{base}/cancel"
    assert job["queue_position"] == 0


def test_status_is_202_until_completed_and_always_has_logs(serve: Serve) -> None:
    served = serve(queue_seconds=60, shortest_seconds=60)
    job = served.fal()
    for expected in ((202, "IN_QUEUE"), (202, "IN_PROGRESS"), (200, "COMPLETED")):
        answer = served.call("fal", "GET", job["status_url"] + "?logs=false")
        body = answer.json()
        assert (answer.status_code, body["status"]) == expected
        assert body["logs"] is None
        assert ("queue_position" in body) == (body["status"] == "IN_QUEUE")
        served.later(90)
    assert body["metrics"]["inference_time"] > 0
    logged = served.call("fal", "GET", job["status_url"] + "?logs=1").json()
    assert logged["logs"][0]["message"]


def test_a_job_beyond_the_account_s_limit_waits_in_the_queue(serve: Serve) -> None:
    served = serve(in_progress={"fal": 1}, shortest_seconds=60)
    first, second, third = (served.fal() for _ in range(3))
    assert [job["queue_position"] for job in (second, third)] == [0, 1]
    assert served.call("fal", "GET", first["status_url"]).json()["status"] == "IN_PROGRESS"
    assert served.call("fal", "GET", third["status_url"]).json()["status"] == "IN_QUEUE"


def test_the_result_carries_the_billed_units_and_a_picture_of_the_size_asked(serve: Serve) -> None:
    served = serve()
    size = {"width": 1440, "height": 1440}
    answer = served.fal_result(served.fal(prompt="a mug", image_size=size, output_format="png"))
    assert answer.headers["x-fal-billable-units"] == "2"
    assert answer.headers["x-fal-request-id"]
    picture = answer.json()["images"][0]
    assert (picture["width"], picture["height"]) == (1440, 1440)
    file = served.http.get(picture["url"])
    assert file.headers["content-type"] == "image/png" == picture["content_type"]
    assert opened(file.content).size == (1440, 1440)
    assert served.invoice()[0]["amount"] == "0.045"


def test_a_result_asked_for_too_early_is_400(serve: Serve) -> None:
    served = serve(shortest_seconds=5)
    answer = served.call("fal", "GET", served.fal()["response_url"])
    assert (answer.status_code, answer.json()) == (400, {"detail": "Request is still in progress"})


@pytest.mark.parametrize(
    ("given", "field", "kind"),
    [
        ({}, "prompt", "missing"),
        ({"prompt": "x", "safety_tolerance": 2}, "safety_tolerance", "literal_error"),
        ({"prompt": "x", "seed": "7"}, "seed", "int_type"),
        ({"prompt": "x", "image_size": {"width": 0}}, "image_size", "greater_than_equal"),
        ({"prompt": "x", "guidance_scale": 3}, "guidance_scale", "extra_forbidden"),
    ],
)
def test_a_wrong_input_shows_when_the_result_is_fetched(
    serve: Serve, given: dict[str, object], field: str, kind: str
) -> None:
    served = serve()
    submitted = served.call("fal", "POST", f"/{FLUX}", json=given)
    assert submitted.status_code == 200
    answer = served.fal_result(submitted.json())
    assert answer.status_code == 422
    detail = answer.json()["detail"][0]
    assert (detail["loc"], detail["type"]) == (["body", field], kind)
    assert answer.headers["x-fal-billable-units"] == "0"
    line = served.invoice()[0]
    assert (line["outcome"], line["amount"], line["units"]) == ("refused", "0", "0")


def test_pictures_come_from_this_sandbox_or_from_data_uris_only(serve: Serve) -> None:
    served = serve()
    for url in (served.upload(png()), data_uri(png())):
        answer = served.fal_result(served.fal(CUTOUT, image_url=url))
        cut_out = opened(served.http.get(answer.json()["image"]["url"]).content)
        assert (cut_out.mode, cut_out.size) == ("RGBA", (96, 64))
    for url, kind in (
        ("https://example.com/x.png", "file_download_error"),
        (data_uri(b"no picture"), "image_load_error"),
        (served.upload(b"no picture"), "image_load_error"),
    ):
        answer = served.fal_result(served.fal(CUTOUT, image_url=url))
        assert answer.json()["detail"][0]["type"] == kind


def test_one_model_s_output_is_another_s_input(serve: Serve) -> None:
    served = serve()
    photo = served.fal_result(served.fal()).json()["images"][0]
    answer = served.fal_result(served.fal("fal-ai/esrgan", image_url=photo["url"], scale=2))
    assert answer.json()["image"]["width"] == 2 * photo["width"]


def test_background_removal_and_upscaling_are_done_for_real_where_asked(serve: Serve) -> None:
    served = serve(pictures="drawn")
    url = served.upload(png(160, 120))
    answer = served.fal_result(served.fal("fal-ai/bria/background/remove", image_url=url))
    cut_out = opened(served.http.get(answer.json()["image"]["url"]).content)
    assert cut_out.getpixel((2, 2))[3] == 0
    red, green, blue, alpha = cut_out.getpixel((80, 60))
    assert alpha == 255 and red > 150 and green < 100
    answer = served.fal_result(served.fal("fal-ai/esrgan", image_url=url, scale=3))
    large = opened(served.http.get(answer.json()["image"]["url"]).content)
    assert large.size == (480, 360)
    assert large.getpixel((240, 180))[0] > 150


def test_the_same_input_gives_the_same_picture_in_two_sandboxes(serve: Serve) -> None:
    pictures = []
    for home in ("one", "two"):
        served = serve(home=home, pictures="drawn")
        job = served.fal(prompt="a red mug", image_size={"width": 128, "height": 96})
        url = served.fal_result(job).json()["images"][0]["url"]
        pictures.append(served.http.get(url).content)
    assert pictures[0] == pictures[1]
    assert opened(pictures[0]).size == (128, 96)


def test_asking_again_without_a_seed_gives_another_picture(serve: Serve) -> None:
    served = serve()
    pictures = set()
    for _ in range(2):
        url = served.fal_result(served.fal(prompt="a red mug")).json()["images"][0]["url"]
        pictures.add(served.http.get(url).content)
    assert len(pictures) == 2


def test_sync_mode_answers_with_the_picture_itself(serve: Serve) -> None:
    served = serve()
    answer = served.fal_result(served.fal(prompt="a mug", sync_mode=True))
    assert answer.json()["images"][0]["url"].startswith("data:image/jpeg;base64,")


def test_cancelling_a_queued_job_costs_nothing_and_a_finished_one_is_400(serve: Serve) -> None:
    served = serve(queue_seconds=5)
    job = served.fal()
    answer = served.call("fal", "PUT", job["cancel_url"])
    assert (answer.status_code, answer.json()["status"]) == (202, "CANCELLATION_REQUESTED")
    status = served.call("fal", "GET", job["status_url"])
    assert (status.status_code, status.json()["error_type"]) == (200, "client_cancelled")
    assert served.call("fal", "GET", job["response_url"]).status_code == 499
    again = served.call("fal", "PUT", job["cancel_url"])
    assert (again.status_code, again.json()["status"]) == (400, "ALREADY_COMPLETED")
    gone = served.call("fal", "PUT", job["cancel_url"].replace(job["request_id"], "nobody"))
    assert (gone.status_code, gone.json()["status"]) == (404, "NOT_FOUND")
    line = served.invoice()[0]
    assert (line["outcome"], line["amount"]) == ("cancelled", "0")


def test_a_start_deadline_ends_a_job_that_still_waits(serve: Serve) -> None:
    served = serve(queue_seconds=60)
    headers = {"X-Fal-Request-Timeout": "0.05"}
    job = served.call("fal", "POST", f"/{FLUX}", json={"prompt": "x"}, headers=headers).json()
    answer = served.fal_result(job)
    assert answer.status_code == 504
    assert answer.headers["x-fal-request-timeout-type"] == "user"


def test_the_direct_call_answers_with_the_result(serve: Serve) -> None:
    served = serve()
    answer = served.call("fal", "POST", f"/run/{FLUX}", json={"prompt": "a mug"})
    assert answer.status_code == 200 and answer.json()["images"]
    assert answer.headers["x-fal-billable-units"] == "1"


def test_the_direct_call_is_turned_away_above_the_limit(serve: Serve) -> None:
    served = serve(in_progress={"fal": 1}, shortest_seconds=5)
    served.fal()
    answer = served.call("fal", "POST", f"/run/{FLUX}", json={"prompt": "a mug"})
    assert answer.status_code == 429
    assert answer.json()["error_type"] == "concurrent_requests_limit"
    assert answer.headers["x-fal-needs-retry"] == "1"


def test_an_unknown_app_is_404_and_not_on_the_invoice(serve: Serve) -> None:
    served = serve()
    assert served.call("fal", "POST", "/fal-ai/nothing", json={"prompt": "x"}).status_code == 404
    assert served.invoice() == []


def test_a_file_can_be_uploaded_in_two_requests_and_in_parts(serve: Serve) -> None:
    served = serve()
    asked = {"file_name": "a.png", "content_type": "image/png"}
    place = served.call("fal", "POST", "/storage/upload/initiate?storage_type=gcs", json=asked)
    served.http.put(place.json()["upload_url"], content=png())
    assert served.http.get(place.json()["file_url"]).content == png()

    token = served.call("fal", "POST", "/storage/auth/token", json={}).json()
    headers = {"Authorization": f"Bearer {token['token']}", "Content-Type": "image/png"}
    url = f"{token['base_url']}/files/upload/multipart"
    begun = served.http.post(url, headers=headers).json()
    base = f"{begun['access_url']}/multipart/{begun['uploadId']}"
    for number, part in ((2, b"second"), (1, b"first")):
        assert served.http.put(f"{base}/{number}", content=part, headers=headers).headers["etag"]
    served.http.post(f"{base}/complete", json={"parts": []}, headers=headers)
    assert served.http.get(begun["access_url"]).content == b"firstsecond"


def test_an_upload_without_the_token_is_refused(serve: Serve) -> None:
    served = serve()
    assert served.http.post(served.base["fal"] + "/files/upload", content=b"x").status_code == 401


def test_the_stream_of_statuses_ends_with_completed(serve: Serve) -> None:
    served = serve(shortest_seconds=0.2, longest_seconds=1)
    answer = served.call("fal", "GET", served.fal()["status_url"] + "/stream?logs=1")
    lines = [json.loads(line[6:]) for line in answer.text.splitlines() if line]
    assert lines[0]["status"] == "IN_PROGRESS"
    assert lines[-1]["status"] == "COMPLETED"


def test_prices_and_true_costs_can_be_asked_for(serve: Serve) -> None:
    served = serve()
    prices = served.call("fal", "GET", f"/v1/models/pricing?endpoint_id={FLUX}").json()["prices"]
    assert prices[0]["unit_price"] == 0.03
    job = served.fal()
    served.fal_result(job)
    url = f"/v1/models/billing-events?request_id={job['request_id']}"
    event = served.call("fal", "GET", url).json()["billing_events"][0]
    assert (event["output_units"], event["cost_total"]) == (1, 0.03)
    url = f"/v1/models/requests/by-endpoint?endpoint_id={FLUX}"
    assert served.call("fal", "GET", url).json()["items"][0]["request_id"] == job["request_id"]
    assert served.call("fal", "GET", "/v1/models/pricing").status_code == 400


def test_an_output_s_url_expires(serve: Serve) -> None:
    served = serve(url_seconds={"fal": 0.1})
    url = served.fal_result(served.fal()).json()["images"][0]["url"]
    until(lambda: served.http.get(url).status_code == 404)
