"""The driver: it polls until a job has ended, repeats polls, and never a submit."""

from __future__ import annotations

import asyncio
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from providers.adapter import Answer, Call, Done, Job, Material, Order, Output, Pending, Upload
from providers.catalog import Binding, load_model
from providers.driver import Driver
from providers.errors import (
    BadReplyError,
    ExpiredError,
    JobFailedError,
    ParkedError,
    UnavailableError,
    UncertainError,
)
from tasks.store import Store
from tests.providers.replies import material

FLUX = load_model("flux-2-pro")
ORDER = Order(FLUX.bindings[0], {}, {"prompt": "a mug"})
JOB = Job("job-1", {"poll": "job-1"})
DONE = Done((Output("image", data=b"x"),))


class TrialAdapter:
    """Answers are what the wire says."""

    def submit(self, order: Order) -> Call:
        return Call("POST", "trial:/submit", dict(order.inputs))

    def read_submit(self, order: Order, answer: Answer) -> Job | Done:
        return JOB

    def poll(self, job: Job) -> Call:
        return Call("GET", f"trial:/{job.receipt['poll']}")

    def read_poll(self, job: Job, answer: Answer) -> Pending | Done:
        if answer.body == "pending":
            return Pending()
        if answer.body == "failed":
            raise JobFailedError("the job failed")
        if answer.body == "done":
            return DONE
        raise BadReplyError(f"unknown status {answer.body!r}")

    def cancel(self, job: Job) -> Call | None:
        return None

    def upload(self, material: Material) -> Upload | None:
        return None


class TrialWire:
    """Gives out its script in turn, the last item for ever; an error in it is raised."""

    def __init__(self, *script: Any) -> None:
        self.script = list(script)
        self.calls: list[Call] = []

    async def send(self, call: Call) -> Answer:
        self.calls.append(call)
        turn = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if isinstance(turn, Exception):
            raise turn
        return Answer(200, turn)


async def wait(wire: TrialWire, deadline_seconds: float = 5.0) -> Done:
    driver = Driver(TrialAdapter(), wire, first_poll_seconds=0.001)
    return await driver.wait(JOB, usual_seconds=10, deadline_seconds=deadline_seconds)


def busy() -> UnavailableError:
    return UnavailableError("busy", retry_after_seconds=0.001)


async def test_a_job_is_asked_for_until_it_is_done() -> None:
    wire = TrialWire("pending", "pending", "pending", "done")
    assert await wait(wire) is DONE
    assert [call.method for call in wire.calls] == ["GET"] * 4


async def test_a_failed_job_is_not_asked_for_again() -> None:
    wire = TrialWire("pending", "failed", "done")
    with pytest.raises(JobFailedError):
        await wait(wire)
    assert len(wire.calls) == 2


async def test_an_unknown_status_is_a_bad_reply_and_not_pending() -> None:
    wire = TrialWire("archived", "done")
    with pytest.raises(BadReplyError, match="archived"):
        await wait(wire)
    assert len(wire.calls) == 1


async def test_a_deadline_parks_and_does_not_fail() -> None:
    wire = TrialWire("pending")
    with pytest.raises(ParkedError, match=r"job job-1 was not finished after 0\.02 s"):
        await wait(wire, deadline_seconds=0.02)
    assert wire.calls


async def test_a_poll_is_repeated_when_the_vendor_is_unavailable() -> None:
    wire = TrialWire(busy(), busy(), "pending", busy(), "done")
    assert await wait(wire) is DONE
    assert len(wire.calls) == 5


async def test_a_poll_whose_answer_was_lost_is_repeated() -> None:
    wire = TrialWire(UncertainError("reset"), "done")
    assert await wait(wire) is DONE


async def test_a_vendor_that_stays_unavailable_parks_its_job_at_the_deadline() -> None:
    with pytest.raises(ParkedError, match="runs on at the provider"):
        await wait(TrialWire(busy()), deadline_seconds=0.05)


@pytest.mark.parametrize(
    "error", [UnavailableError("busy"), UncertainError("reset"), BadReplyError("html")]
)
async def test_a_submit_is_sent_once_whatever_comes_of_it(error: Exception) -> None:
    wire = TrialWire(error)
    driver = Driver(TrialAdapter(), wire)
    with pytest.raises(type(error)):
        await driver.submit(ORDER, driver.adapter.submit(ORDER))
    assert len(wire.calls) == 1


def test_the_digest_of_a_call_is_that_of_the_bytes_it_sends() -> None:
    body = {"prompt": "a mug", "seed": 0, "sizes": [1, 2]}
    call = Call("POST", "trial:/a", body)
    assert json.loads(call.encoded()) == body
    assert call.digest() == hashlib.sha256(call.encoded()).hexdigest()
    assert call.digest() == Call("POST", "trial:/b", dict(body), {"X-Other": "1"}).digest()
    assert call.digest() != Call("POST", "trial:/a", body | {"seed": 1}).digest()
    assert Call("PUT", "trial:/a", content=b"raw").encoded() == b"raw"


async def test_a_job_that_is_not_known_yet_is_asked_for_again() -> None:
    wire = TrialWire(*[ExpiredError("unknown")] * 5, "pending", ExpiredError("unknown"), "done")
    assert await wait(wire) is DONE


async def test_a_job_that_stays_unknown_is_parked_and_never_failed() -> None:
    wire = TrialWire(ExpiredError("unknown"))
    with pytest.raises(ParkedError, match="unknown"):
        await wait(wire)
    assert len(wire.calls) == 6


class UploadingAdapter(TrialAdapter):
    """Uploads in one call and says where the file is."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []

    def upload(self, material: Material) -> Upload:
        answer = yield Call("PUT", "trial:/upload", content=material.data)
        if answer.body == "busy":
            raise busy()
        self.sent.append(material.data or b"")
        return f"https://files.example/{len(self.sent)}.png"

    def cancel(self, job: Job) -> Call | None:
        return Call("PUT", "trial:/cancel")


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("providers.driver.PAUSE_SECONDS", 0.001)
    monkeypatch.setattr("providers.driver.POLL_FIRST_SECONDS", 0.02)


CUTOUT = load_model("birefnet").bindings[0]
BRIA = next(one for one in load_model("bria-rmbg-2").bindings if one.provider == "bria")


async def test_a_file_is_uploaded_once_for_all_who_need_it(tmp_path: Path) -> None:
    file = material(tmp_path / "a.png", b"picture")
    adapter = UploadingAdapter()
    driver = Driver(adapter, TrialWire("busy", UncertainError("reset"), "ok"))
    order = Order(CUTOUT, {}, {"image": file})
    first, *others = await asyncio.gather(*[driver.prepare(order) for _ in range(5)])
    found = first.inputs["image"]
    assert isinstance(found, Material)
    assert (found.url, found.data) == ("https://files.example/1.png", None)
    assert all(other == first for other in others)
    assert adapter.sent == [b"picture"]
    assert order.inputs["image"] is file


async def test_an_upload_that_fails_for_good_may_be_tried_again_later(tmp_path: Path) -> None:
    order = Order(CUTOUT, {}, {"image": material(tmp_path / "a.png", b"picture")})
    wire = TrialWire("busy")
    driver = Driver(UploadingAdapter(), wire)
    with pytest.raises(UnavailableError):
        await driver.prepare(order)
    assert len(wire.calls) == 4
    wire.script = ["ok"]
    assert await driver.prepare(order)


async def test_an_old_upload_is_done_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    order = Order(CUTOUT, {}, {"image": material(tmp_path / "a.png", b"picture")})
    adapter = UploadingAdapter()
    driver = Driver(adapter, TrialWire("ok"))
    await driver.prepare(order)
    monkeypatch.setattr("providers.driver.UPLOAD_LIFE_SECONDS", -1.0)
    await driver.prepare(order)
    assert len(adapter.sent) == 2


@pytest.mark.parametrize(
    ("binding", "adapter"), [(BRIA, UploadingAdapter()), (CUTOUT, TrialAdapter())]
)
async def test_bytes_are_read_where_the_field_or_the_vendor_wants_them(
    tmp_path: Path, binding: Binding, adapter: TrialAdapter
) -> None:
    driver = Driver(adapter, TrialWire("ok"))
    file = material(tmp_path / "a.png", b"picture")
    prepared = (await driver.prepare(Order(binding, {}, {"image": file}))).inputs["image"]
    assert isinstance(prepared, Material)
    assert (prepared.url, prepared.data) == (None, b"picture")


async def test_local_files_stay_where_they_are(tmp_path: Path) -> None:
    file = material(tmp_path / "a.png", b"picture")
    order = Order(load_model("crop").bindings[0], {}, {"image": file})
    assert (await Driver(TrialAdapter(), TrialWire("ok")).prepare(order)).inputs["image"] is file


async def test_a_list_of_files_is_prepared_one_by_one(tmp_path: Path) -> None:
    files = tuple(material(tmp_path / f"{name}.png", name.encode()) for name in "ab")
    binding = CUTOUT.model_copy(update={"fields": {"image_urls": "image"}})
    driver = Driver(UploadingAdapter(), TrialWire("ok"))
    found = (await driver.prepare(Order(binding, {}, {"image": files}))).inputs["image"]
    assert isinstance(found, tuple)
    assert [one.url for one in found if isinstance(one, Material)] == [
        "https://files.example/1.png",
        "https://files.example/2.png",
    ]


class Answering(TrialWire):
    """Answers with the status that the script says."""

    async def send(self, call: Call) -> Answer:
        answer = await super().send(call)
        return Answer(answer.body, None)


@pytest.mark.parametrize(
    ("script", "taken", "calls"),
    [
        ((202,), True, 1),
        ((UncertainError("reset"), 200), True, 2),
        ((400,), False, 1),
        ((busy(),), False, 4),
        ((BadReplyError("html"),), False, 1),
    ],
)
async def test_a_cancel_says_whether_the_vendor_takes_it(
    script: tuple[Any, ...], taken: bool, calls: int
) -> None:
    wire = Answering(*script)
    assert await Driver(UploadingAdapter(), wire).cancel(JOB) is taken
    assert len(wire.calls) == calls


async def test_nothing_is_sent_where_the_vendor_cannot_cancel() -> None:
    wire = TrialWire("ok")
    assert await Driver(TrialAdapter(), wire).cancel(JOB) is False
    assert wire.calls == []


async def test_a_url_from_a_provider_without_downloads_is_a_bad_reply(tmp_path: Path) -> None:
    with pytest.raises(BadReplyError, match="without downloads"):
        await Driver(TrialAdapter(), TrialWire("ok")).download("https://x", Store(tmp_path).receive)
