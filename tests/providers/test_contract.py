"""What every adapter promises, over each model that it offers; no network."""

from __future__ import annotations

import copy
import inspect
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from providers.adapter import Adapter, Answer, Call, Done, Finder, Job, Material, Order, Pending
from providers.catalog import Binding, Model
from providers.errors import (
    BadReplyError,
    ExpiredError,
    JobFailedError,
    MediaflowsError,
    RefusedError,
    SetupError,
    StepError,
    UnavailableError,
    UncertainError,
)
from providers.registry import PROVIDERS
from providers.replies import header
from tests.providers.replies import (
    BUSY,
    FILE,
    OFFERS,
    SITES,
    VENDORS,
    Vendor,
    body_with,
    gives_text,
    material,
    offer_name,
    order_for,
    output_path,
)

PAID = sorted(VENDORS)
JOB_RECEIPTS = {
    name: {**vendor.receipt, "output": {"image": "images[0].url"}}
    for name, vendor in VENDORS.items()
}


def adapter_of(name: str) -> Adapter:
    adapter = PROVIDERS[name].adapter
    assert adapter is not None
    return adapter


@pytest.fixture
def picture(tmp_path: Path) -> Material:
    return material(tmp_path / "in.png", b"png bytes", url=FILE, data=b"png bytes")


@pytest.fixture(params=OFFERS, ids=offer_name)
def offer(request: pytest.FixtureRequest) -> tuple[Model, Binding]:
    found: tuple[Model, Binding] = request.param
    return found


@pytest.fixture
def order(offer: tuple[Model, Binding], picture: Material) -> Order:
    return order_for(*offer, picture)


@pytest.fixture
def adapter(order: Order) -> Adapter:
    return adapter_of(order.binding.provider)


@pytest.fixture
def vendor(order: Order) -> Vendor:
    return VENDORS[order.binding.provider]


def test_a_submit_goes_to_the_vendors_own_host_as_json_and_holds_no_key(
    order: Order, adapter: Adapter, home: object
) -> None:
    call = adapter.submit(order)
    site = next(site for site in SITES if site.name == order.binding.provider)
    assert call.method == "POST"
    assert site.locate(call.url).gets_key
    assert json.loads(call.encoded())
    assert not {"authorization", "x-key", "api_token"} & {name.lower() for name in call.headers}


def test_rendering_leaves_the_order_as_it_is_and_is_the_same_twice(
    order: Order, adapter: Adapter
) -> None:
    before = copy.deepcopy((dict(order.parameters), dict(order.inputs)))
    first, second = adapter.submit(order), adapter.submit(order)
    assert first.digest() == second.digest()
    assert (dict(order.parameters), dict(order.inputs)) == before


def test_a_seed_of_0_is_sent(offer: tuple[Model, Binding], picture: Material) -> None:
    model, binding = offer
    if "seed" not in model.parameters:
        pytest.skip("the model takes no seed")
    call = adapter_of(binding.provider).submit(order_for(model, binding, picture, seed=0))
    assert call.body.get("input", call.body)["seed"] == 0


def test_the_receipt_survives_json_and_leads_to_the_result(
    order: Order, adapter: Adapter, vendor: Vendor
) -> None:
    started = adapter.read_submit(order, vendor.accepted)
    assert isinstance(started, Job)
    assert started.id == vendor.job
    job = Job(started.id, json.loads(json.dumps(started.receipt)))
    assert job == started
    for answer in vendor.pending:
        assert isinstance(adapter.read_poll(job, answer), Pending)
    site = next(site for site in SITES if site.name == order.binding.provider)
    state: Any = job
    for answer_to in vendor.done:
        call = adapter.poll(state)
        assert call.method == "GET"
        assert site.locate(call.url).is_own
        body = body_with(output_path(order.binding), FILE)
        state = adapter.read_poll(state, answer_to(body))
        if isinstance(state, Job):
            state = Job(state.id, json.loads(json.dumps(state.receipt)))
    assert isinstance(state, Done)
    (port,) = order.binding.output
    (output,) = state.outputs
    given = output.text if gives_text(order.binding) else output.url
    assert (output.port, given) == (port, FILE)


def test_units_and_amounts_are_read(order: Order, adapter: Adapter, vendor: Vendor) -> None:
    state: Any = adapter.read_submit(order, vendor.accepted)
    for answer_to in vendor.done:
        state = adapter.read_poll(state, answer_to(body_with(output_path(order.binding), FILE)))
    price = order.binding.price
    by_second = price is None or price.unit == "compute_second"
    by_output = order.binding.provider == "replicate" and not by_second
    assert state.units == (None if by_output else vendor.units)
    assert state.amount_usd == vendor.amount_usd
    assert state.grade == ("exact" if vendor.amount_usd else None)


def test_a_list_at_the_outputs_place_stands_for_its_first(
    order: Order, adapter: Adapter, vendor: Vendor
) -> None:
    state: Any = adapter.read_submit(order, vendor.accepted)
    for answer_to in vendor.done:
        body = body_with(output_path(order.binding), [FILE, "https://files.example/second.png"])
        state = adapter.read_poll(state, answer_to(body))
    if gives_text(order.binding):  # of which a list are its pieces
        assert state.outputs[0].text == f"{FILE}https://files.example/second.png"
    else:
        assert state.outputs[0].url == FILE


@pytest.mark.parametrize("output", [None, "", [], {}, 7, "data:image/png;base64,AA", "/x.png"])
def test_a_result_without_a_url_or_a_text_is_a_bad_reply(
    order: Order, adapter: Adapter, vendor: Vendor, output: Any
) -> None:
    if gives_text(order.binding) and isinstance(output, str | list):
        pytest.skip("a text, if an empty one")
    state: Any = adapter.read_submit(order, vendor.accepted)
    with pytest.raises(BadReplyError):
        for answer_to in vendor.done:
            body = body_with(output_path(order.binding), output)
            state = adapter.read_poll(state, answer_to(body))


@pytest.fixture(params=PAID)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def order_at(name: str, picture: Material) -> Order:
    model, binding = next(offer for offer in OFFERS if offer[1].provider == name)
    return order_for(model, binding, picture)


def job_at(name: str) -> Job:
    return Job(VENDORS[name].job, JOB_RECEIPTS[name])


def read_submit(name: str, answer: Answer, picture: Material) -> Job | Done:
    return adapter_of(name).read_submit(order_at(name, picture), answer)


def test_an_unknown_status_is_a_bad_reply_and_not_pending(name: str) -> None:
    with pytest.raises(BadReplyError, match="unknown status"):
        adapter_of(name).read_poll(job_at(name), VENDORS[name].unknown)


STRANGE: list[Any] = [
    None,
    "text",
    [],
    7,
    True,
    {},
    {"status": None},
    {"status": 7},
    {"status": ""},
    {"status": "x" * 100_000},
    {"status": ["COMPLETED"]},
    {"status": "\ud800"},
    {"detail": {"a": {"b": {"c": {"d": {"e": 1}}}}}},
]


@pytest.mark.parametrize("body", STRANGE, ids=lambda body: repr(body)[:20])
def test_an_answer_of_a_strange_shape_is_a_bad_reply(
    name: str, body: Any, picture: Material
) -> None:
    with pytest.raises(BadReplyError) as caught:
        adapter_of(name).read_poll(job_at(name), Answer(200, body))
    assert len(str(caught.value)) < 1000
    with pytest.raises(BadReplyError):
        read_submit(name, Answer(200, body), picture)


def test_429_says_when_to_come_back_to_a_submit_and_to_a_poll(name: str, picture: Material) -> None:
    with pytest.raises(UnavailableError) as caught:
        read_submit(name, BUSY, picture)
    assert caught.value.retry_after_seconds == 7.0
    with pytest.raises(UnavailableError) as caught:
        adapter_of(name).read_poll(job_at(name), BUSY)
    assert caught.value.retry_after_seconds == 7.0


SUBMIT_ERRORS: list[tuple[int, type[MediaflowsError]]] = [
    (400, RefusedError),
    (401, SetupError),
    (402, SetupError),
    (403, SetupError),
    (404, RefusedError),
    (408, UncertainError),
    (409, BadReplyError),
    (413, RefusedError),
    (415, RefusedError),
    (418, BadReplyError),
    (422, RefusedError),
    (500, UncertainError),
    (502, UncertainError),
    (503, UncertainError),
    (504, UncertainError),
    (302, BadReplyError),
]


@pytest.mark.parametrize(("status", "error"), SUBMIT_ERRORS)
@pytest.mark.parametrize("body", [{"detail": "because of this"}, "<html>nothing</html>", None])
def test_what_a_status_means_to_a_submit(
    name: str, status: int, error: type[MediaflowsError], body: Any, picture: Material
) -> None:
    with pytest.raises(MediaflowsError) as caught:
        read_submit(name, Answer(status, body), picture)
    assert type(caught.value) is error
    assert str(status) in str(caught.value)
    if status == 401:
        assert "because" not in str(caught.value)
    elif isinstance(body, dict):
        assert "because of this" in str(caught.value)
    assert "html" not in str(caught.value)


POLL_ERRORS: list[tuple[int, type[MediaflowsError]]] = [
    (401, SetupError),
    (403, SetupError),
    (404, ExpiredError),
    (408, UnavailableError),
    (410, ExpiredError),
    (418, BadReplyError),
    (500, UnavailableError),
    (502, UnavailableError),
    (503, UnavailableError),
    (504, UnavailableError),
]


@pytest.mark.parametrize(("status", "error"), POLL_ERRORS)
def test_what_a_status_means_to_a_poll(
    name: str, status: int, error: type[MediaflowsError]
) -> None:
    with pytest.raises(MediaflowsError) as caught:
        adapter_of(name).read_poll(job_at(name), Answer(status, {"detail": "x"}))
    assert type(caught.value) is error


@pytest.mark.parametrize("status", [401, 402, 403])
def test_a_problem_with_the_account_names_the_variable_to_set(
    name: str, status: int, picture: Material
) -> None:
    with pytest.raises(SetupError) as caught:
        read_submit(name, Answer(status, None), picture)
    assert status == 402 or str(PROVIDERS[name].key_variable) in str(caught.value)


def test_a_long_complaint_is_cut_and_in_one_line(name: str, picture: Material) -> None:
    answer = Answer(422, {"detail": "no\n" * 100_000})
    with pytest.raises(RefusedError) as caught:
        read_submit(name, answer, picture)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


def test_what_the_vendor_says_of_a_field_is_passed_on(name: str, picture: Material) -> None:
    detail = [{"loc": ["body", "seed"], "msg": "Input should be less", "type": "less_than"}]
    with pytest.raises(RefusedError, match=r"body\.seed: Input should be less"):
        read_submit(name, Answer(422, {"detail": detail}), picture)


def test_cancelling_is_asked_for_where_the_vendor_can(name: str, picture: Material) -> None:
    started = read_submit(name, VENDORS[name].accepted, picture)
    assert isinstance(started, Job)
    call = adapter_of(name).cancel(started)
    if name in ("bfl", "bria"):
        assert call is None
        return
    assert call is not None
    assert call.url.endswith("/cancel")
    assert (call.method, call.body) == ({"fal": "PUT", "replicate": "POST"}[name], None)


def fal_result(status: int, body: Any, **headers: str) -> Any:
    job = Job("req-1", {**JOB_RECEIPTS["fal"], "is_over": True})
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return adapter_of("fal").read_poll(job, Answer(status, body, named))


def violation(kind: str) -> dict[str, Any]:
    return {"detail": [{"loc": ["body", "prompt"], "msg": "flagged", "type": kind}]}


FAL_RESULTS: list[tuple[int, Any, dict[str, str], type[StepError], bool | None]] = [
    (422, violation("content_policy_violation"), {}, RefusedError, None),
    (422, violation("one_of"), {"x_fal_billable_units": "0"}, RefusedError, False),
    (422, violation("no_media_generated"), {"x_fal_billable_units": "1"}, RefusedError, True),
    (422, violation("a_new_one"), {}, RefusedError, None),
    (422, violation("a_new_one"), {"x_fal_needs_retry": "true"}, JobFailedError, None),
    (500, violation("internal_server_error"), {"x_fal_retryable": "true"}, JobFailedError, False),
    (504, violation("generation_timeout"), {"x_fal_request_id": "1"}, JobFailedError, False),
    (400, violation("downstream_service_error"), {}, JobFailedError, None),
    (503, {"detail": "x", "error_type": "runner_disconnected"},
     {"x_fal_error_type": "runner_disconnected"}, JobFailedError, False),
    (499, {"detail": "x", "error_type": "client_cancelled"}, {"x_fal_request_id": "1"},
     JobFailedError, None),
    (418, {"detail": "a teapot"}, {"x_fal_request_id": "1"}, RefusedError, None),
    (503, {"detail": "x", "error_type": "runner_scheduling_failure"}, {}, UnavailableError, None),
    (502, "<html>nginx</html>", {}, UnavailableError, None),
    (429, {"detail": "x"}, {"x_fal_request_id": "1"}, UnavailableError, None),
    (400, {"detail": "Request is still in progress"}, {}, UnavailableError, None),
    (404, {"detail": "x"}, {"x_fal_request_id": "1"}, ExpiredError, None),
    (200, {"images": [{"url": FILE}], "has_nsfw_concepts": [True]}, {}, RefusedError, True),
]  # fmt: skip


@pytest.mark.parametrize(("status", "body", "headers", "error", "billed"), FAL_RESULTS)
def test_fal_a_result_that_replays_a_failure(
    status: int, body: Any, headers: dict[str, str], error: type[StepError], billed: bool | None
) -> None:
    with pytest.raises(StepError) as caught:
        fal_result(status, body, **headers)
    assert type(caught.value) is error
    assert error is UnavailableError or caught.value.billed is billed


@pytest.mark.parametrize(
    ("kind", "error", "billed"),
    [
        ("runner_server_error", JobFailedError, False),
        ("client_cancelled", JobFailedError, None),
        ("content_policy_violation", RefusedError, None),
        (None, RefusedError, None),
    ],
)
def test_fal_completed_with_an_error_is_a_failure(
    kind: str | None, error: type[StepError], billed: bool | None
) -> None:
    body = {"status": "COMPLETED", "error": "it went wrong", "error_type": kind}
    with pytest.raises(error, match="it went wrong") as caught:
        adapter_of("fal").read_poll(job_at("fal"), Answer(200, body))
    assert caught.value.billed is billed


@pytest.mark.parametrize("units", ["", "many", "-1", "NaN", "1e999", None])
def test_fal_units_that_are_no_count_are_left_out(units: str | None) -> None:
    headers = {} if units is None else {"x_fal_billable_units": units}
    assert fal_result(200, {"images": [{"url": FILE}]}, **headers).units is None


def test_fal_a_503_of_its_entrance_proves_that_nothing_was_accepted(picture: Material) -> None:
    page = "<html><center>nginx</center></html>"
    with pytest.raises(UnavailableError):
        read_submit("fal", Answer(503, page), picture)
    for answer in (Answer(503, page, {"X-Fal-Request-Id": "1"}), Answer(502, page)):
        with pytest.raises(UncertainError):
            read_submit("fal", answer, picture)


def test_fal_a_status_url_with_a_query_keeps_it() -> None:
    job = Job("1", {"status_url": "https://queue.fal.run/x?region=eu"})
    assert adapter_of("fal").poll(job).url == "https://queue.fal.run/x?region=eu&logs=0"


def uploads(name: str, picture: Material, answers: list[Answer]) -> tuple[list[Call], str | None]:
    """Drive an upload with these answers."""
    steps = adapter_of(name).upload(picture)
    assert inspect.isgenerator(steps)
    calls, url = [next(steps)], None
    for answer in answers:
        try:
            calls.append(steps.send(answer))
        except StopIteration as done:
            url = done.value
    return calls, url


def test_fal_uploads_in_two_calls(picture: Material) -> None:
    place = {"upload_url": "https://storage.example/put?sig=1", "file_url": FILE}
    (asked, put), url = uploads("fal", picture, [Answer(200, place), Answer(200, None)])
    assert asked.url.startswith("https://rest.fal.ai/storage/upload/initiate?")
    assert asked.body["content_type"] == "image/png"
    assert asked.body["file_name"].endswith(".png")
    assert (put.method, put.url, put.content) == ("PUT", place["upload_url"], b"png bytes")
    assert put.headers["content-type"] == "image/png"
    assert url == FILE


def test_replicate_uploads_a_form(picture: Material) -> None:
    (call,), url = uploads("replicate", picture, [Answer(201, {"urls": {"get": FILE}})])
    assert call.url == "https://api.replicate.com/v1/files"
    assert call.files is not None
    assert call.files["content"][1:] == (b"png bytes", "image/png")
    assert url == FILE


@pytest.mark.parametrize("vendor_name", ["fal", "replicate"])
@pytest.mark.parametrize(
    ("status", "error"),
    [(413, RefusedError), (401, SetupError), (503, UnavailableError), (200, BadReplyError)],
)
def test_an_upload_that_is_not_taken_says_why(
    vendor_name: str, status: int, error: type[MediaflowsError], picture: Material
) -> None:
    with pytest.raises(error):
        uploads(vendor_name, picture, [Answer(status, {})])


@pytest.mark.parametrize("vendor_name", ["bfl", "bria"])
def test_vendors_that_take_files_inside_the_request_upload_none(
    vendor_name: str, picture: Material
) -> None:
    assert adapter_of(vendor_name).upload(picture) is None


def replicate_poll(**more: Any) -> Any:
    body = {**VENDORS["replicate"].pending[0].body, **more}
    return adapter_of("replicate").read_poll(job_at("replicate"), Answer(200, body))


@pytest.mark.parametrize(
    ("status", "billed"), [("failed", None), ("canceled", True), ("aborted", False)]
)
def test_replicate_says_which_of_its_bad_ends_are_billed(status: str, billed: bool | None) -> None:
    with pytest.raises(JobFailedError, match=status) as caught:
        replicate_poll(status=status, error="CUDA out of memory")
    assert caught.value.billed is billed


def test_replicate_a_result_that_was_removed_has_expired() -> None:
    with pytest.raises(ExpiredError, match="removed") as caught:
        replicate_poll(status="succeeded", output=None, data_removed=True)
    assert caught.value.billed is True


def test_replicate_addresses_official_models_by_path_and_others_by_version(
    picture: Material,
) -> None:
    calls = {
        model.model: adapter_of("replicate").submit(order_for(model, binding, picture))
        for model, binding in OFFERS
        if binding.provider == "replicate"
    }
    official, versioned = calls["flux-2-pro"], calls["birefnet"]
    assert official.url.endswith("/v1/models/black-forest-labs/flux-2-pro/predictions")
    assert set(official.body) == {"input"}
    assert versioned.url == "https://api.replicate.com/v1/predictions"
    assert len(versioned.body["version"]) == 64
    assert official.headers == {"cancel-after": "1200s"}


def test_replicate_a_lost_prediction_is_found_by_what_was_sent(picture: Material) -> None:
    adapter = adapter_of("replicate")
    assert isinstance(adapter, Finder)
    for model, binding in OFFERS:
        if binding.provider != "replicate":
            continue
        order = order_for(model, binding, picture)
        call = adapter.submit(order)
        name = binding.endpoint.partition(":")[0]
        mine = {**VENDORS["replicate"].accepted.body, "model": name, "input": call.body["input"]}
        other = {**mine, "id": "rep2", "input": {**call.body["input"], "prompt": "a vase"}}
        elsewhere = {**mine, "id": "rep3", "model": "someone/else"}
        page = {"results": [other, mine, elsewhere, None, {}], "next": "https://api/next"}
        found = adapter.read_find(order, call.digest(), Answer(200, page))
        assert [(job.id, created) for job, created in found.jobs] == [
            ("rep1", "2026-11-20T10:00:00.000Z")
        ]
        assert found.jobs[0][0] == adapter.read_submit(order, Answer(201, mine))
        assert adapter.find(found.next_page).url == "https://api/next"
    assert adapter.find().url == "https://api.replicate.com/v1/predictions"


@pytest.mark.parametrize("status", ["Request Moderated", "Content Moderated"])
def test_bfl_moderation_is_a_refusal_in_a_200(status: str) -> None:
    body = {"id": "bfl1", "status": status, "details": {"Moderation Reasons": ["x"]}}
    with pytest.raises(RefusedError, match=status) as caught:
        adapter_of("bfl").read_poll(job_at("bfl"), Answer(200, body))
    assert caught.value.billed is None


def test_bfl_other_ends() -> None:
    for status, error in (("Error", JobFailedError), ("Task not found", ExpiredError)):
        with pytest.raises(error):
            adapter_of("bfl").read_poll(job_at("bfl"), Answer(200, {"status": status}))


def test_bfl_a_submit_without_a_polling_url_is_a_bad_reply(picture: Material) -> None:
    with pytest.raises(BadReplyError, match="polling_url"):
        read_submit("bfl", Answer(200, {"id": "bfl1", "cost": 3}), picture)


def test_bfl_without_a_stated_cost_leaves_the_amount_open(picture: Material) -> None:
    body = {"id": "bfl1", "polling_url": "https://api.bfl.ai/v1/get_result?id=1"}
    job = read_submit("bfl", Answer(200, body), picture)
    assert isinstance(job, Job)
    done = adapter_of("bfl").read_poll(
        job, Answer(200, {"status": "Ready", "result": {"sample": FILE}})
    )
    assert isinstance(done, Done)
    assert (done.amount_usd, done.grade) == (None, None)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        ({"code": 460, "message": "cannot download"}, RefusedError),
        ({"code": 422, "message": "moderated"}, RefusedError),
        ({"code": 413, "message": "large"}, RefusedError),
        ({"code": 500, "message": "internal"}, JobFailedError),
        ("odd", JobFailedError),
        (None, JobFailedError),
    ],
)
def test_bria_a_failure_stands_in_a_200(error: Any, expected: type[StepError]) -> None:
    body = {"status": "ERROR", "error": error, "request_id": "bria1"}
    with pytest.raises(expected):
        adapter_of("bria").read_poll(job_at("bria"), Answer(200, body))


@pytest.mark.parametrize("status", [412, 460])
def test_bria_has_codes_of_its_own_for_a_picture_it_cannot_use(
    status: int, picture: Material
) -> None:
    answer = Answer(status, {"error": {"code": status, "message": "cannot use it"}})
    with pytest.raises(RefusedError, match="cannot use it"):
        read_submit("bria", answer, picture)


def test_bria_unknown_alone_ends_nothing_that_is_paid() -> None:
    with pytest.raises(BadReplyError):
        adapter_of("bria").read_poll(job_at("bria"), Answer(200, {"status": "UNKNOWN"}))
    body = {"status": "UNKNOWN", "error": {"code": 500, "message": "x"}}
    with pytest.raises(JobFailedError):
        adapter_of("bria").read_poll(job_at("bria"), Answer(200, body))


def test_bria_an_answer_at_once_is_a_result(picture: Material) -> None:
    body = {"request_id": "bria1", "result": {"image_url": FILE}}
    done = read_submit("bria", Answer(200, body), picture)
    assert isinstance(done, Done)
    assert done.outputs[0].url == FILE


def test_a_header_is_found_in_any_case() -> None:
    assert header(Answer(200, None, {"X-Fal-Request-Id": "1"}), "x-fal-request-id") == "1"
    assert VENDORS["bfl"].amount_usd == Decimal("0.045")
