"""Black Forest Labs: the polling URL, the cost at submit, samples that expire."""

from __future__ import annotations

import base64

from tests.sandbox.conftest import Serve, Served, opened, png, until


def ready(served: Served, url: str) -> dict:
    until(lambda: served.call("bfl", "GET", url).json()["status"] != "Pending")
    return served.call("bfl", "GET", url).json()


def test_the_cost_is_told_at_submit_in_cents(serve: Serve) -> None:
    served = serve()
    picture = base64.b64encode(png()).decode()
    receipt = served.bfl(width=1440, height=1440, input_image=picture).json()
    assert (receipt["cost"], receipt["input_mp"], receipt["output_mp"]) == (6.0, 1, 2)
    assert served.invoice()[0]["amount"] == "0.06"
    assert served.invoice()[0]["units"] == "3"
    assert served.call("bfl", "GET", "/v1/credits").json()["credits"] == 100_000 - 6


def test_a_job_is_known_only_by_its_whole_polling_url(serve: Serve) -> None:
    served = serve(shortest_seconds=60)
    receipt = served.bfl(output_format="png", seed=7).json()
    bare = served.call("bfl", "GET", f"/v1/get_result?id={receipt['id']}")
    assert (bare.status_code, bare.json()["status"]) == (404, "Task not found")
    assert served.call("bfl", "GET", receipt["polling_url"]).json()["status"] == "Pending"
    served.later(300)
    ended = ready(served, receipt["polling_url"])
    assert ended["status"] == "Ready" and ended["result"]["seed"] == 7
    assert opened(served.http.get(ended["result"]["sample"]).content).size == (1024, 1024)


def test_sides_have_limits(serve: Serve) -> None:
    served = serve()
    for sides in ({"width": 1000, "height": 64}, {"width": 32}, {"width": 4096, "height": 4096}):
        answer = served.bfl(**sides)
        assert answer.status_code == 422
        assert answer.json()["detail"][0]["loc"] == ["body", "width"]
    assert served.bfl(input_image="no picture").status_code == 422
    assert served.invoice() == []


def test_a_sample_expires(serve: Serve) -> None:
    served = serve(url_seconds={"bfl": 0.1})
    sample = ready(served, served.bfl().json()["polling_url"])["result"]["sample"]
    until(lambda: served.http.get(sample).status_code == 403)


def test_tasks_above_the_limit_are_429(serve: Serve) -> None:
    served = serve(in_progress={"bfl": 2}, shortest_seconds=5)
    assert [served.bfl().status_code for _ in range(3)] == [200, 200, 429]


def test_moderation_before_and_after_the_run(serve: Serve) -> None:
    served = serve(
        {"fault": "refuse", "nth": [1]},
        {"fault": "refuse", "nth": [2], "output": True, "billed": True},
        {"fault": "fail", "nth": [3]},
    )
    words = [ready(served, served.bfl().json()["polling_url"])["status"] for _ in range(3)]
    assert words == ["Request Moderated", "Content Moderated", "Error"]
    assert [line["amount"] for line in served.invoice()] == ["0", "0.03", "0"]
    assert [line["outcome"] for line in served.invoice()] == ["refused", "refused", "failed"]
