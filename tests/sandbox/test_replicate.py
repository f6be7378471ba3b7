"""Replicate's predictions and files."""

from __future__ import annotations

import os
import re
import time

import pytest

from tests.sandbox.conftest import Serve, Served, data_uri, opened, png, until

SDXL = "7762fd07cf82c948538e41f63f77d685e02b063e37e496e96eefd46c929f9bdc"
BIREFNET = "f3e7ae8430032db9e9923c65f95ddf9f5b7ded8b7780163f18d1db67215dbd6d"


def create(served: Served, version: str, **given: object) -> object:
    body = {"version": version, "input": given}
    return served.call("replicate", "POST", "/v1/predictions", json=body)


def finished(served: Served, prediction: dict) -> dict:
    url = prediction["urls"]["get"]

    def ask() -> dict:
        return served.call("replicate", "GET", url).json()

    until(lambda: ask()["status"] not in ("starting", "processing"))
    return ask()


def test_a_prediction_by_model_is_201_and_goes_on_to_succeed(serve: Serve) -> None:
    served = serve(queue_seconds=60, shortest_seconds=60)
    answer = served.predict()
    begun = answer.json()
    served.later(300)
    assert (answer.status_code, begun["status"]) == (201, "starting")
    assert re.fullmatch("[a-z0-9]{26}", begun["id"])
    assert (begun["model"], begun["version"]) == ("black-forest-labs/flux-2-pro", "hidden")
    assert begun["output"] is None and begun["started_at"] is None
    ended = finished(served, begun)
    assert ended["status"] == "succeeded" and ended["error"] is None
    assert 0 < ended["metrics"]["predict_time"] <= ended["metrics"]["total_time"]
    assert opened(served.http.get(ended["output"]).content).format == "WEBP"


def test_a_prediction_can_name_a_version_in_each_way(serve: Serve) -> None:
    served = serve()
    for version in (SDXL, f"stability-ai/sdxl:{SDXL}"):
        answer = create(served, version, prompt="a mug", width=512, height=256)
        assert answer.status_code == 201
        output = finished(served, answer.json())["output"]
        assert isinstance(output, list)
        assert opened(served.http.get(output[0]).content).size == (512, 256)
    assert create(served, "black-forest-labs/flux-2-pro", prompt="x").status_code == 201
    assert create(served, "0" * 64, prompt="x").status_code == 422
    assert served.predict("stability-ai/sdxl").status_code == 404


def test_prefer_wait_answers_with_the_output_or_with_202(serve: Serve) -> None:
    served = serve(shortest_seconds=0.1, longest_seconds=5)
    answer = served.predict(headers={"Prefer": "wait=5"})
    assert (answer.status_code, answer.json()["status"]) == (201, "succeeded")
    slow = serve(home="slow", shortest_seconds=3)
    answer = slow.predict(headers={"Prefer": "wait=1"})
    assert (answer.status_code, answer.json()["status"]) == (202, "processing")


def test_a_wrong_input_is_422_at_once_and_not_on_the_invoice(serve: Serve) -> None:
    served = serve()
    answer = served.predict(input={"aspect_ratio": "7:3"})
    assert answer.status_code == 422
    assert answer.json()["title"] == "Input validation failed"
    assert [one["field"] for one in answer.json()["invalid_fields"]] == [
        "input.prompt",
        "input.aspect_ratio",
    ]
    assert served.invoice() == []


def test_an_input_that_cannot_be_fetched_fails_the_prediction(serve: Serve) -> None:
    served = serve()
    ended = finished(served, create(served, BIREFNET, image="https://example.com/x.png").json())
    assert ended["status"] == "failed" and "download" in ended["error"]
    assert served.invoice()[0]["amount"] == "0"


def test_seconds_are_what_a_model_without_a_price_is_billed_by(serve: Serve) -> None:
    served = serve(shortest_seconds=0.2, longest_seconds=1)
    ended = finished(served, create(served, BIREFNET, image=data_uri(png())).json())
    line = served.invoice()[0]
    assert line["amount"] is None
    assert float(line["units"]) == pytest.approx(ended["metrics"]["predict_time"], abs=1e-4)


def test_a_running_prediction_that_is_cancelled_is_charged(serve: Serve) -> None:
    served = serve(shortest_seconds=30)
    model = "black-forest-labs/flux-schnell"
    begun = served.predict(model).json()
    until(lambda: served.call("replicate", "GET", begun["urls"]["get"]).json()["started_at"])
    answer = served.call("replicate", "POST", begun["urls"]["cancel"])
    assert (answer.status_code, answer.json()["status"]) == (200, "canceled")
    assert answer.json()["completed_at"]
    line = served.invoice()[0]
    assert (line["outcome"], line["amount"]) == ("cancelled", "0.003")
    assert served.call("replicate", "POST", begun["urls"]["cancel"]).json()["status"] == "canceled"


def test_a_finished_prediction_is_unchanged_by_a_cancel(serve: Serve) -> None:
    served = serve()
    ended = finished(served, served.predict().json())
    answer = served.call("replicate", "POST", ended["urls"]["cancel"])
    assert (answer.status_code, answer.json()["status"]) == (200, "succeeded")


def test_a_deadline_before_the_start_aborts_free_of_charge(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    served = serve(queue_seconds=60)
    assert served.predict(headers={"Cancel-After": "4"}).status_code == 422
    begun = served.predict(headers={"Cancel-After": "0m5s"}).json()
    assert begun["deadline"]
    job = served.desk.jobs[begun["id"]]
    job.note["deadline"] = time.time() - 0.01
    ended = served.call("replicate", "GET", begun["urls"]["get"]).json()
    assert ended["status"] == "aborted"
    assert served.invoice()[0]["amount"] == "0"


def test_the_list_is_newest_first_and_goes_on_at_next(serve: Serve) -> None:
    served = serve()
    made = [served.predict().json()["id"] for _ in range(103)]
    first = served.call("replicate", "GET", "/v1/predictions").json()
    assert [one["id"] for one in first["results"]] == made[:2:-1]
    second = served.call("replicate", "GET", first["next"]).json()
    assert [one["id"] for one in second["results"]] == made[2::-1]
    assert second["next"] is None


def test_input_and_output_are_gone_after_a_while(serve: Serve) -> None:
    served = serve(url_seconds={"replicate": 0.2})
    url = finished(served, served.predict().json())["urls"]["get"]
    until(lambda: served.call("replicate", "GET", url).json()["data_removed"])
    ended = served.call("replicate", "GET", url).json()
    assert (ended["status"], ended["output"], ended["input"]) == ("succeeded", None, {})


def test_files_can_be_uploaded_used_listed_and_deleted(serve: Serve) -> None:
    served = serve()
    raw = os.urandom(5000) + b"\r\n--\r\n\r\n"
    answer = served.call(
        "replicate", "POST", "/v1/files", files={"content": ("x.bin", raw, "image/png")}
    )
    file = answer.json()
    assert (answer.status_code, file["size"], file["content_type"]) == (201, len(raw), "image/png")
    upload = {"content": ("in.png", png(), "image/png")}
    picture = served.call("replicate", "POST", "/v1/files", files=upload).json()
    ended = finished(served, create(served, BIREFNET, image=picture["urls"]["get"]).json())
    assert opened(served.http.get(ended["output"]).content).size == (96, 64)
    listed = served.call("replicate", "GET", "/v1/files").json()["results"]
    assert [one["id"] for one in listed] == [picture["id"], file["id"]]
    url = file["urls"]["get"]
    assert served.call("replicate", "DELETE", url).status_code == 204
    assert served.call("replicate", "GET", url).status_code == 404


def test_a_model_s_schema_can_be_read(serve: Serve) -> None:
    served = serve()
    model = served.call("replicate", "GET", "/v1/models/men1scus/birefnet").json()
    assert model["latest_version"]["id"] == BIREFNET
    url = f"/v1/models/men1scus/birefnet/versions/{BIREFNET}"
    schemas = served.call("replicate", "GET", url).json()["openapi_schema"]["components"]
    assert schemas["schemas"]["Input"]["required"] == ["image"]


def test_creates_beyond_the_rate_are_429(serve: Serve) -> None:
    served = serve(creates_per_minute={"replicate": 2})
    assert [served.predict().status_code for _ in range(3)] == [201, 201, 429]
    answer = served.predict()
    assert answer.headers["retry-after"] == "30"
    assert "throttled" in answer.json()["detail"]
