"""The invoice, the keys and what a restart finds again."""

from __future__ import annotations

import hashlib
import json

import pytest

from tests.sandbox.conftest import CUTOUT, FLUX, Serve, data_uri, opened, png, until


def test_every_accepted_job_is_a_line_with_the_digest_of_the_body_received(serve: Serve) -> None:
    served = serve()
    body = b'{ "prompt":\n "a m\\u0075g" }'
    url = f"/{FLUX}"
    job = served.call("fal", "POST", url, content=body).json()
    served.fal_result(job)
    line = served.invoice()[0]
    assert line["body_sha256"] == hashlib.sha256(body).hexdigest()
    assert line["job"] == job["request_id"]
    assert {key: line[key] for key in ("provider", "endpoint", "units", "amount", "outcome")} == {
        "provider": "fal",
        "endpoint": FLUX,
        "units": "1",
        "amount": "0.03",
        "outcome": "succeeded",
    }


def test_an_unknown_price_is_null_and_its_units_are_counted(serve: Serve) -> None:
    served = serve(shortest_seconds=0.1, longest_seconds=1)
    served.fal_result(served.fal(CUTOUT, image_url=data_uri(png())))
    line = served.invoice()[0]
    assert line["amount"] is None and float(line["units"]) >= 0.1


def test_a_running_job_costs_nothing_yet_unless_the_vendor_bills_at_submit(serve: Serve) -> None:
    served = serve(shortest_seconds=30)
    served.fal()
    served.bfl()
    lines = served.invoice()
    assert [line["outcome"] for line in lines] == ["running", "running"]
    assert [line["amount"] for line in lines] == ["0", "0.03"]


@pytest.mark.parametrize(
    ("vendor", "path", "status"),
    [
        ("fal", f"/{FLUX}", 401),
        ("replicate", "/v1/predictions", 401),
        ("bfl", "/v1/flux-2-pro", 403),
        ("bria", "/v2/image/edit/remove_background", 401),
    ],
)
def test_a_wrong_or_missing_key_is_turned_away(
    serve: Serve, vendor: str, path: str, status: int
) -> None:
    served = serve()
    url = served.base[vendor] + path
    assert served.http.post(url, json={}).status_code == status
    others = {"authorization": "Bearer nobody", "x-key": "nobody", "api_token": "nobody"}
    assert served.http.post(url, json={}, headers=others).status_code == status
    assert served.invoice() == []


def test_keys_differ_between_vendors_and_sandboxes(serve: Serve) -> None:
    one, two = serve(home="one"), serve(home="two")
    keys = [*one.folder.keys.values(), *two.folder.keys.values()]
    assert len(set(keys)) == 8
    assert all(key.startswith("sandbox-") for key in keys)


def test_a_restart_finds_jobs_media_invoice_and_keys_again(serve: Serve) -> None:
    limited = {"fault": "rate_limit", "provider": "fal", "nth": [1]}
    first = serve(limited, pictures="drawn")
    assert first.call("fal", "POST", f"/{FLUX}", json={"prompt": "x"}).status_code == 429
    size = {"width": 96, "height": 64}
    job = first.fal(prompt="a red mug", image_size=size)
    picture = first.fal_result(job).json()["images"][0]
    before = first.http.get(picture["url"]).content
    upload = first.upload(png())
    small = {"prompt": "a mug", "megapixels": "0.25"}
    cancelled = first.predict("black-forest-labs/flux-schnell", input=small).json()
    assert cancelled["status"] in ("starting", "processing")
    first.call("replicate", "POST", cancelled["urls"]["cancel"])
    invoice, keys, id = first.invoice(), first.folder.keys, first.folder.id
    first.close()

    second = serve(pictures="drawn")
    assert (second.folder.keys, second.folder.id) == (keys, id)
    assert second.invoice() == invoice
    path = picture["url"].partition("/fal/")[2]
    assert second.http.get(f"{second.base['fal']}/{path}").content == before
    path = upload.partition("/fal/")[2]
    assert second.http.get(f"{second.base['fal']}/{path}").content == png()
    assert second.fal()["request_id"] not in {line["job"] for line in invoice}
    assert second.desk.jobs[list(second.desk.jobs)[-1]].number == 3


def test_a_journal_that_a_kill_cut_short_is_read_as_far_as_it_goes(serve: Serve) -> None:
    first = serve()
    first.fal()
    first.fal()
    first.close()
    journal = first.home / "journal.jsonl"
    text = journal.read_text()
    journal.write_text(text[:-40])
    assert len(serve().invoice()) == 1


def test_a_job_that_nobody_watched_ends_on_its_own(serve: Serve) -> None:
    first = serve(shortest_seconds=0.2, longest_seconds=1)
    job = first.fal()
    first.close()
    second = serve()
    url = f"/fal-ai/flux-2-pro/requests/{job['request_id']}"
    until(lambda: second.invoice()[0]["outcome"] == "succeeded")
    picture = second.call("fal", "GET", url).json()["images"][0]
    assert opened(second.http.get(picture["url"]).content).size == (1024, 768)


def test_answers_name_the_host_that_was_asked(serve: Serve) -> None:
    served = serve()
    headers = {"Host": "queue.example:8443", "X-Forwarded-Proto": "https"}
    answer = served.call("fal", "POST", f"/{FLUX}", json={"prompt": "x"}, headers=headers)
    assert answer.json()["status_url"].startswith("https://queue.example:8443/fal/fal-ai/")


def test_what_is_the_sandbox_s_own_is_for_this_machine_only(serve: Serve) -> None:
    served = serve()
    for path in ("invoice", "jobs", "sandbox", "control/watch"):
        url = f"{served.origin}/{path}"
        assert served.http.get(url).status_code == 200
        assert served.http.get(url, headers={"Host": "evil.example"}).status_code == 403
    assert served.http.get(f"{served.origin}/sandbox").json()["id"] == served.folder.id
    served.fal()
    assert json.loads(served.http.get(f"{served.origin}/jobs").text)[0]["number"] == 1
