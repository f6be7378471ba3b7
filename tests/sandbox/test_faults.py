"""Each fault does what it says, and the same seed gives the same day."""

from __future__ import annotations

import io
import json
import time
import zlib
from email.utils import parsedate_to_datetime

import httpx
import pytest
from PIL import Image

from providers.sandbox.behaviour import load_profile, profile_names
from providers.sandbox.dice import FAULTS, Dice
from tests.sandbox.conftest import FLUX, Serve, Served, opened, rule, until


def submit(served: Served) -> httpx.Response:
    return served.call("fal", "POST", f"/{FLUX}", json={"prompt": "a mug"})


def picture_url(served: Served) -> str:
    return str(served.fal_result(served.fal()).json()["images"][0]["url"])


@pytest.mark.parametrize(
    ("form", "header"),
    [("seconds", "retry-after"), ("date", "retry-after"), ("ms", "retry-after-ms"), ("none", "")],
)
def test_429_comes_with_each_form_of_retry_after(serve: Serve, form: str, header: str) -> None:
    served = serve({"fault": "rate_limit", "retry_after": form, "seconds": 2, "nth": [1]})
    answer = submit(served)
    assert answer.status_code == 429
    assert [name for name in answer.headers if name.startswith("retry")] == [header] * bool(header)
    if form == "date":
        assert 0 < parsedate_to_datetime(answer.headers[header]).timestamp() - time.time() < 4
    elif header:
        assert answer.headers[header] == {"seconds": "2", "ms": "2000"}[form]
    assert served.invoice() == []
    assert submit(served).status_code == 200


@pytest.mark.parametrize("vendor", ["fal", "replicate", "bfl", "bria"])
def test_a_429_has_each_vendor_s_own_body(serve: Serve, vendor: str) -> None:
    served = serve({"fault": "rate_limit"})
    answers = {
        "fal": lambda: submit(served),
        "replicate": served.predict,
        "bfl": served.bfl,
        "bria": lambda: served.bria("x"),
    }
    body = answers[vendor]().json()
    assert ("error" if vendor == "bria" else "detail") in body


def test_a_server_error_may_or_may_not_have_accepted_the_job(serve: Serve) -> None:
    served = serve(
        {"fault": "server_error", "status": 500, "nth": [1]},
        {"fault": "server_error", "status": 502, "html": True, "accepted": True, "nth": [2]},
    )
    assert submit(served).status_code == 500
    assert served.invoice() == []
    answer = submit(served)
    assert (answer.status_code, answer.text[:6]) == (502, "<html>")
    assert len(served.invoice()) == 1


def test_a_connection_is_reset_before_or_after_acceptance(serve: Serve) -> None:
    served = serve({"fault": "reset", "nth": [1]}, {"fault": "reset", "accepted": True, "nth": [2]})
    for accepted in (0, 1):
        with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
            submit(served)
        assert len(served.invoice()) == accepted


def test_a_lost_answer_is_an_accepted_job_and_silence(serve: Serve) -> None:
    served = serve({"fault": "lost_answer", "nth": [1]})
    with pytest.raises(httpx.RemoteProtocolError):
        submit(served)
    until(lambda: served.invoice()[0]["outcome"] == "succeeded")
    assert served.invoice()[0]["amount"] == "0.03"


def test_a_slow_job_takes_longer_and_a_stuck_one_for_ever(serve: Serve) -> None:
    served = serve(
        {"fault": "slow", "seconds": 7, "nth": [1]},
        {"fault": "stuck", "nth": [2]},
    )
    submit(served), submit(served)
    slow, stuck = served.desk.jobs.values()
    assert 7 <= slow.ends_at - slow.starts_at < 8
    assert stuck.stage(time.time() + 10 * 365 * 86400) == "running"


def test_a_job_fails_after_acceptance_billed_or_not(serve: Serve) -> None:
    served = serve(
        {"fault": "fail", "nth": [1]},
        {"fault": "fail", "nth": [2], "billed": True, "error_type": "runner_disconnected"},
    )
    for status, units in ((500, "0"), (503, "1")):
        job = served.fal()
        answer = served.fal_result(job)
        assert (answer.status_code, answer.headers["x-fal-billable-units"]) == (status, units)
        told = served.call("fal", "GET", job["status_url"]).json()
        assert told["status"] == "COMPLETED"
        assert told["error_type"] == answer.json()["error_type"]
        assert answer.headers["x-fal-error-type"] == told["error_type"]
    assert [line["amount"] for line in served.invoice()] == ["0", "0.03"]


def test_a_refusal_shows_in_each_vendor_s_own_way(serve: Serve) -> None:
    served = serve({"fault": "refuse"})
    job = served.fal()
    answer = served.fal_result(job)
    assert answer.json()["detail"][0]["type"] == "content_policy_violation"
    assert "error_type" not in served.call("fal", "GET", job["status_url"]).json()
    prediction = served.predict(headers={"Prefer": "wait"}).json()
    assert prediction["status"] == "failed" and "flagged" in prediction["error"]


def test_pictures_are_black_or_of_another_size_or_format(serve: Serve) -> None:
    served = serve(
        {"fault": "black", "nth": [1]},
        {"fault": "wrong_size", "nth": [2]},
        {"fault": "wrong_format", "nth": [3]},
    )
    black = opened(served.http.get(picture_url(served)).content)
    assert (black.size, black.getextrema()) == ((1024, 768), ((0, 0),) * 3)
    assert opened(served.http.get(picture_url(served)).content).size == (512, 384)
    answer = served.http.get(picture_url(served))
    assert answer.headers["content-type"] == "image/jpeg"
    assert opened(answer.content).format == "PNG"


def test_a_download_is_cut_off_halfway(serve: Serve) -> None:
    served = serve({"fault": "truncated", "nth": [1]})
    url = picture_url(served)
    with pytest.raises(httpx.RemoteProtocolError):
        served.http.get(url)


def test_an_output_url_may_be_expired_or_private_or_lead_to_a_private_one(serve: Serve) -> None:
    served = serve(
        {"fault": "expired_url", "nth": [1]},
        {"fault": "private_url", "nth": [2]},
        {"fault": "private_url", "nth": [3], "url": "file:///etc/passwd"},
        {"fault": "redirect", "nth": [4]},
    )
    assert served.http.get(picture_url(served)).status_code == 404
    assert picture_url(served).startswith("http://169.254.169.254/")
    assert picture_url(served) == "file:///etc/passwd"
    answer = served.http.get(picture_url(served), follow_redirects=False)
    assert answer.status_code == 302
    assert answer.headers["location"].startswith("http://169.254.169.254/")


def test_an_output_list_is_empty(serve: Serve) -> None:
    served = serve({"fault": "empty_output"})
    assert served.fal_result(served.fal()).json()["images"] == []
    assert served.predict(headers={"Prefer": "wait"}).json()["output"] is None


def test_a_download_does_not_end(serve: Serve) -> None:
    served = serve({"fault": "endless"})
    seen = 0
    with served.http.stream("GET", picture_url(served)) as answer:
        assert "content-length" not in answer.headers
        for chunk in answer.iter_raw():
            seen += len(chunk)
            if seen > 20_000_000:
                break
    assert seen > 20_000_000
    assert served.http.get(f"{served.origin}/sandbox").status_code == 200


def test_a_small_file_is_a_huge_picture(serve: Serve) -> None:
    served = serve({"fault": "bomb", "nth": [1]}, {"fault": "bomb", "nth": [2], "side": 1500})
    data = served.http.get(picture_url(served)).content
    assert len(data) < 1_500_000
    with pytest.raises(Image.DecompressionBombError):
        Image.open(io.BytesIO(data))
    small = served.http.get(picture_url(served)).content
    assert opened(small).size == (1500, 1500)  # so the large one is sound, too
    start = small.index(b"IDAT") + 4
    assert len(zlib.decompressobj().decompress(small[start:])) == 1500 * 1501


@pytest.mark.parametrize("at", ["submit", "poll", "result"])
@pytest.mark.parametrize("fault", ["malformed_json", "html", "deep_json"])
def test_an_answer_is_no_sound_json_at_the_phase_named(serve: Serve, fault: str, at: str) -> None:
    served = serve({"fault": fault, "at": at, "nth": [1]})
    answer = submit(served)
    id = list(served.desk.jobs)[0]
    url = f"/fal-ai/flux-2-pro/requests/{id}"
    if at == "poll":
        answer = served.call("fal", "GET", f"{url}/status")
    elif at == "result":
        until(lambda: served.call("fal", "GET", f"{url}/status").status_code == 200)
        answer = served.call("fal", "GET", url)
    if fault == "deep_json":
        assert answer.text == "[" * 300 + "]" * 300
    else:
        with pytest.raises(json.JSONDecodeError):
            answer.json()


def test_a_poll_is_struck_as_often_as_its_rule_says(serve: Serve) -> None:
    served = serve(
        {"fault": "server_error", "at": "poll", "status": 502, "times": 2, "nth": [1]},
        {"fault": "unknown_status", "times": 0, "nth": [2]},
        {"fault": "early_404", "times": 3, "nth": [3]},
        {"fault": "reset", "at": "poll", "nth": [4]},
    )
    ask = [served.fal()["status_url"] for _ in range(4)]

    def poll(number: int) -> httpx.Response:
        return served.call("fal", "GET", ask[number])

    assert [poll(0).status_code for _ in range(3)][:2] == [502, 502]
    assert [poll(1).json()["status"] for _ in range(3)] == ["HIBERNATING"] * 3
    assert [poll(2).status_code for _ in range(3)] == [404] * 3
    assert poll(2).status_code in (200, 202)
    with pytest.raises(httpx.HTTPError):
        poll(3)
    assert poll(3).status_code in (200, 202)


def test_a_cancel_is_ignored_or_billed(serve: Serve) -> None:
    served = serve(
        {"fault": "ignored_cancel", "nth": [1]},
        {"fault": "cancel_billed", "nth": [2]},
        shortest_seconds=0.3,
    )
    jobs = [served.fal(), served.fal()]
    for job in jobs:
        assert served.call("fal", "PUT", job["cancel_url"]).status_code == 202
    assert served.fal_result(jobs[0]).status_code == 200
    lines = [(line["outcome"], line["amount"]) for line in served.invoice()]
    assert lines == [("succeeded", "0.03"), ("cancelled", "0.03")]


def test_the_same_seed_gives_the_same_faults_whatever_else_runs() -> None:
    rules = tuple(rule({"fault": name, "probability": 0.3}) for name in FAULTS)

    def day(seed: int, numbers: list[int]) -> dict[int, list[str]]:
        dice = Dice(seed, rules)
        found = {}
        for number in numbers:
            dice.faults("bfl", "/v1/flux-2-pro", number)
            found[number] = [fault.name for fault in dice.faults("fal", FLUX, number)]
        return found

    forwards, backwards = list(range(1, 40)), list(range(39, 0, -1))
    assert day(7, forwards) == day(7, backwards)
    assert day(7, forwards) != day(8, forwards)


def test_two_sandboxes_with_one_seed_live_the_same_day(serve: Serve) -> None:
    def day(home: str, seed: int) -> list[object]:
        served = serve(
            {"fault": "rate_limit", "probability": 0.3, "retry_after": "none"},
            {"fault": "fail", "probability": 0.3},
            home=home,
            seed=seed,
        )
        codes: list[object] = [submit(served).status_code for _ in range(25)]
        until(lambda: all(line["outcome"] != "running" for line in served.invoice()))
        return codes + [line["outcome"] for line in served.invoice()]

    assert day("one", 3) == day("two", 3) != day("three", 4)


def test_rules_choose_by_vendor_endpoint_and_number() -> None:
    chosen = rule({"fault": "fail", "provider": "fal", "endpoint": "fal-ai/flux*", "every": 3})
    dice = Dice(0, (chosen,))
    struck = [number for number in range(1, 10) if dice.faults("fal", "fal-ai/flux/dev", number)]
    assert struck == [3, 6, 9]
    assert not dice.faults("fal", "fal-ai/birefnet/v2", 3)
    assert not dice.faults("bfl", "fal-ai/flux/dev", 3)


def test_every_named_profile_loads_and_the_hostile_one_knows_nearly_every_fault() -> None:
    profiles = {name: load_profile(name) for name in profile_names()}
    assert set(profiles) == {"calm", "fast", "flaky", "hostile"}
    assert not profiles["calm"].rules and not profiles["fast"].rules
    used = {rule.fault for name in ("flaky", "hostile") for rule in profiles[name].rules}
    assert set(FAULTS) - used == {"cancel_billed"}
