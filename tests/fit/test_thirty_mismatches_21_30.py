"""Mismatches 21 to 30 between one model and the next: texts, sound, alpha, prices, time, storage.

Each is put right before the call, or refused before the first paid call.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import pytest

from flows.resolve import Ready, resolve_step
from flows.routes import candidates
from providers.adapter import Answer, Call, Done, Job, Material, Order, Output
from providers.catalog import all_models
from providers.catalog.shape import Shape
from providers.driver import Driver
from providers.errors import BadReplyError, InputError
from providers.media import Media, Value
from providers.registry import PROVIDERS
from tasks.keep import Fetched, keep_outputs
from tasks.settling import cost
from tasks.store import Store
from tests.fit.chain import (
    FILES,
    candidate,
    faults,
    faults_of_rows,
    fields_of,
    foreseen,
    graph_of,
    keep,
    lints,
    load_error,
    made_model,
    price,
    refused,
    route,
    routes_of,
    send,
    shape,
    usd,
)
from tests.fit.pictures import RED, SORTS, encoded, halves, opened
from tests.local.clips import a_clip, a_sound
from tests.providers.replies import FILE, VENDORS, material

PROMPT = {"prompt": "a red mug"}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


@pytest.fixture
def photo(store: Store) -> Media:
    return keep(store, encoded(halves((640, 360)), "PNG"))


async def test_21_a_prompt_longer_than_the_next_model_takes_is_refused_or_cut_at_a_sentence(
    store: Store, photo: Media
) -> None:
    text = "The mug turns slowly. " * 200
    clip = {"model": "kling-2.5-turbo-pro", "with": {"image": "$image", "prompt": "$prompt"}}
    (fault,) = faults(graph_of({"clip": clip}), image=photo, prompt=text)
    assert fault == (
        "prompt: the text has 4,400 characters, and 2,500 are taken. "
        "Shorten it, or set fit: {text: cut} on the step"
    )
    rows: list[dict[str, Value]] = [{"image": photo, "prompt": one} for one in (text, "Turn.")]
    assert faults_of_rows(graph_of({"clip": clip}), *rows) == [[fault], []]
    cut = {**clip, "fit": {"text": "cut"}}
    assert faults(graph_of({"clip": cut}), image=photo, prompt=text) == []
    values = {"image": photo, "prompt": text}
    sent = await send(store, "kling-2.5-turbo-pro@fal", values, {"text": "cut"})
    assert sent.fields["prompt"] == ("The mug turns slowly. " * 113).rstrip()
    assert refused("recraft-v4@fal", {"prompt": Shape(characters=len(text))}) is None
    # What another step writes is known when it has run, and still before this call.
    graph = graph_of({"clip": clip})
    (step,) = graph.steps
    with pytest.raises(InputError, match="4,400 characters, and 2,500 are taken"):
        candidates(step, routes_of(graph)["clip"], values, {}, 1)


def test_22_a_prompt_is_required_left_out_or_refused_as_the_model_has_it(photo: Media) -> None:
    assert "kling-2.5-turbo-pro needs 'prompt'" in load_error("kling-2.5-turbo-pro", image="$image")
    # Replicate's own default would be drawn and billed.
    assert "sdxl needs 'prompt'" in load_error("sdxl", seed=1)
    for name in ("stable-video", "birefnet"):
        problem = load_error(name, image="$image", prompt="$prompt")
        assert f"{name} takes no prompt" in problem or f"{name} has no 'prompt'" in problem
    step = {
        "model": "kling-2.5-turbo-pro",
        "with": {"image": "$image", "prompt": "$prompt"},
        "fallback": ["stable-video"],
    }
    found = lints(graph_of({"still": step}), image=photo)
    assert "MF007 step 'still': the fallback stable-video takes no prompt" in found[0]


async def test_23_a_clip_that_brings_a_sound_is_known_before_another_is_paid_for(
    store: Store, photo: Media, tmp_path: Path
) -> None:
    veo = made_model(
        "sounding-clip",
        "image-to-video",
        {"image_url": "image", "generate_audio": "audio", "duration": "seconds"},
        parameters={
            "audio": {"type": "boolean", "default": True, "about": "Makes a sound, too."},
            "seconds": {"type": "number", "default": 4, "about": "How long."},
        },
        makes={"size": "input", "audio": "audio"},
        price=price("second", "0.1", times={"audio": {"true": "1.5"}}),
    )
    assert (usd(veo), usd(veo, audio=False)) == ("0.6", "0.4")
    found, sound = {}, keep(store, a_sound(tmp_path / "a.wav", 1).read_bytes())
    for name, given in {"loud": {}, "silent": {"audio": False}}.items():
        clip = {"model": "sounding-clip", "with": {"image": "$image", **given}}
        film = {"model": "mux", "with": {"video": "$take", "audio": "$sound"}}
        graph = graph_of({"take": clip, "joined": film}, veo)
        told = lints(graph, image=photo, sound=sound)
        found[name] = [line for line in told if line.startswith("MF006")]
    assert "'take' makes a sound of its own" in found["loud"][0]
    assert "set its audio to false" in found["loud"][0]
    assert found["silent"] == []
    assert fields_of(veo, audio=False)["generate_audio"] is False
    kling = {"model": "kling-2.5-turbo-pro", "with": {"image": "$image", "prompt": "$prompt"}}
    assert not foreseen(graph_of({"take": kling}), image=photo)["take"].made.audio
    # What comes is listened to: not what a vendor says of it.
    for heard in (None, 1.0):
        data = a_clip(tmp_path / "a.mp4", heard=heard).read_bytes()
        assert keep(store, data).has_audio is (heard is not None)


async def test_24_sizes_and_seconds_come_from_the_bytes_not_from_the_answer(
    store: Store, tmp_path: Path
) -> None:
    receipt = {**VENDORS["fal"].receipt, "output": {"image": "images[0].url"}, "is_over": True}
    adapter = PROVIDERS["fal"].adapter
    assert adapter is not None
    for stated in ({"width": 1024, "height": 1024, "content_type": "image/jpeg"}, {}):
        body = {"images": [{"url": FILE, **stated}]}
        done = cast(Done, adapter.read_poll(Job("j1", receipt), Answer(200, body)))
        assert done.outputs == (Output("image", url=FILE),)
    came = [
        Fetched("image", "image", data=encoded(halves((640, 360)), "PNG")),
        Fetched("video", "video", data=a_clip(tmp_path / "a.mp4", 0.5).read_bytes()),
        Fetched("audio", "audio", data=a_sound(tmp_path / "a.wav", 1.5).read_bytes()),
    ]
    image, video, audio = cast(tuple[Media, ...], (await keep_outputs(store, came)).values())
    assert (image.width, image.height, image.media_type) == (640, 360, "image/png")
    assert (video.width, video.height, video.seconds) == (64, 48, 0.5)
    assert (audio.seconds, audio.channels) == (1.5, 1)


async def test_25_a_cut_out_is_laid_on_a_stated_colour_where_no_transparency_is_taken(
    store: Store,
) -> None:
    cutout = keep(store, SORTS["RGBA PNG"]((640, 360)))
    assert cutout.alpha
    values: dict[str, Value] = {**PROMPT, "image": cutout}
    for written in ("kling-2.5-turbo-pro@fal", "clarity-upscaler@fal", "seedance-1-pro@fal"):
        sent = await send(store, written, values, {"colour": "#00ff00"})
        seen = opened(store.path(sent.picture().sha256).read_bytes())
        assert (seen.mode, seen.getpixel((5, 5)), seen.getpixel((5, 355))) == (
            "RGB",
            (0, 255, 0),
            RED,
        )
        assert "laid on #00ff00" in sent.done["image"][0]["done"]
    kept = await send(store, "birefnet@fal", values)
    assert kept.picture() == cutout
    steps = {
        "cut": {"model": "birefnet", "with": {"image": "$image"}},
        "clip": {
            "model": "kling-2.5-turbo-pro",
            "with": {"image": "$cut", "prompt": "$prompt"},
        },
    }
    (found,) = lints(graph_of(steps), image=cutout)
    assert found.startswith("MF008 step 'clip': image has transparent pixels")
    steps["clip"]["fit"] = {"colour": "white"}
    assert lints(graph_of(steps), image=cutout) == []


PRICES: list[tuple[str, dict[str, Any], dict[str, Any], str | None]] = [
    ("recraft-v4@fal", {}, {}, "0.04"),  # a picture
    ("flux-2-pro@fal", {}, {"aspect_ratio": "4:3"}, "0.03"),  # the first megapixel
    ("flux-2-pro@fal", {}, {"aspect_ratio": "1:1", "megapixels": 2}, "0.045"),  # and the next
    ("clarity-upscaler@fal", {"image": shape(1024, 1024)}, {"scale": 2}, "0.12"),
    ("kling-2.5-turbo-pro@fal", {"image": shape(1280, 720)}, {"seconds": 10}, "0.7"),
    # 1920 x 1088 x 24 frames x 5 s / 1024 are 244,800 tokens.
    ("seedance-1-pro@fal", {"image": shape(1920, 1080)}, {"resolution": "1080p"}, "0.612"),
    ("elevenlabs-tts@fal", {"text": Shape(characters=2500)}, {}, "0.25"),
    ("sdxl@replicate", {}, {}, "0.00585"),  # 6 usual seconds of a GPU
    ("stable-video@fal", {"image": shape(1024, 576)}, {}, "0.075"),  # a call
    ("merge-audio-video@fal", {"video": shape(1280, 720, seconds=10.0)}, {}, "0.002"),
    ("birefnet@fal", {"image": shape(1024, 1024)}, {}, None),
]


def test_26_every_unit_of_price_is_estimated_before_and_settled_after() -> None:
    for written, shapes, given, expected in PRICES:
        assert usd(written, shapes, **given) == expected, written
    edit = made_model(
        "flux-2-pro-edit",
        "image-edit",
        {"prompt": "prompt"},
        parameters={"aspect_ratio": {"type": "text", "default": "1:1", "about": "Its shape."}},
        price=price("megapixel", "0.03", each_further_usd="0.015", counts_input=True),
    )
    references = (shape(1024, 1024), shape(1920, 1088))
    assert usd(edit, {"images": references}) == "0.075"  # one made, and three given
    request = candidate(route("sdxl@replicate"), PROMPT)
    assert cost(request, Done((), units=Decimal(4))) == (Decimal("0.0039"), "estimate")
    stated = Done((), amount_usd=Decimal("0.045"), grade="exact")
    assert cost(candidate(route("flux-2-pro@bfl"), PROMPT), stated) == (Decimal("0.045"), "exact")
    unknown = candidate(route("birefnet@replicate"), {})
    assert cost(unknown, Done(())) == (None, "unpriced")


def test_27_a_language_is_a_code_of_the_model_a_word_where_its_vendor_wants_one() -> None:
    given = {"text": "Guten Morgen."}
    assert fields_of("elevenlabs-tts@fal", given, language="de")["language_code"] == "de"
    assert "language_code" not in fields_of("elevenlabs-tts@fal", given)  # found from the text
    step = {"model": "elevenlabs-tts", "with": {"text": "$prompt", "language": "$language"}}
    (fault,) = faults(graph_of({"speech": step}), language="english")
    assert re.match(
        r"language 'english' is not one of ar, .*, en, .* \(elevenlabs-tts@fal\)", fault
    )
    assert faults(graph_of({"speech": step}), language="en") == []
    rule = {"type": "choice", "options": ["en", "de"], "default": "en", "about": "Of the text."}
    chatterbox = made_model(
        "chatterbox",
        "text-to-speech",
        {
            "text": "text",
            "voice": {"from": "language", "values": {"en": "english", "de": "german"}},
        },
        parameters={"language": rule},
    )
    assert fields_of(chatterbox, given, language="de")["voice"] == "german"
    assert "'xx' is not one of en, de" in str(refused(chatterbox, language="xx"))


WRITTEN: list[Any] = [
    "A red mug on oak.",
    ["A red", " mug", " on oak."],
    '"A red mug on oak."',
    ["“", "A red mug on oak.", "”\n"],
    "```\nA red mug on oak.\n```",
    '```text\n"A red mug on oak."\n```\n',
]


async def test_28_what_a_language_model_wrote_is_one_plain_text_before_it_is_a_prompt(
    store: Store,
) -> None:
    llm = made_model(
        "gpt-4o-mini",
        "text-generation",
        {"prompt": "prompt"},
        provider="replicate",
        output={"text": "output"},
    )
    adapter = PROVIDERS["replicate"].adapter
    assert adapter is not None
    steps = {
        "better": {"model": "gpt-4o-mini", "with": {"prompt": "$prompt"}},
        "photo": {"model": "flux-2-pro", "with": {"prompt": "$better"}},
    }
    graph = graph_of(steps, llm)
    job = Job("rep1", {**VENDORS["replicate"].receipt, "output": {"text": "output"}})
    for written in WRITTEN:
        body = {"id": "rep1", "status": "succeeded", "output": written}
        (output,) = cast(Done, adapter.read_poll(job, Answer(200, body))).outputs
        values = await keep_outputs(store, [Fetched("text", "text", text=output.text)])
        ready = resolve_step(graph, graph.step("photo"), {}, {"better": values})
        assert isinstance(ready, Mapping)
        (only,) = ready.values()
        assert isinstance(only, Ready)
        assert only.ports == {"prompt": "A red mug on oak."}, written
    for nothing in ("", [], "```\n```", None, {"text": "A"}):
        body = {"id": "rep1", "status": "succeeded", "output": nothing}
        with pytest.raises(BadReplyError, match="has no text at 'output'"):
            adapter.read_poll(job, Answer(200, body))


def test_29_time_is_in_seconds_here_and_in_the_unit_that_each_vendor_counts_in(
    store: Store, photo: Media, tmp_path: Path
) -> None:
    offset = {"type": "number", "default": 0, "about": "When it begins."}
    compose = made_model(
        "compose",
        "mux",
        {"timestamp": {"from": "offset_seconds", "form": "milliseconds"}},
        parameters={"offset_seconds": offset},
    )
    assert fields_of("merge-audio-video@fal", offset_seconds=1.25)["start_offset"] == 1.25
    assert fields_of(compose, offset_seconds=1.25)["timestamp"] == 1250
    # Frames: the playing time of 25 of them is asked for by their rate, and never as seconds.
    assert fields_of("stable-video@fal", fps=10)["fps"] == 10
    assert "stable-video has no 'seconds'" in load_error("stable-video", image="$image", seconds=2)
    for model in all_models():
        for name, rule in model.parameters.items():
            if name.endswith("seconds"):
                assert rule.unit == "seconds", (model.model, name)
    # And what comes out of one step is seconds for the next, whatever the file counts in.
    speech = keep(store, a_sound(tmp_path / "a.wav", 7.25).read_bytes())
    clip = {
        "model": "kling-2.5-turbo-pro",
        "with": {"image": "$image", "prompt": "$prompt", "seconds": "$sound.seconds"},
    }
    seen = foreseen(graph_of({"take": clip}), image=photo, sound=speech)["take"]
    assert (seen.parameters["seconds"], seen.made.seconds) == (7.25, 10)


class _Uploads:
    """A wire to a vendor's storage that counts what is sent."""

    def __init__(self) -> None:
        self.calls: list[Call] = []

    async def send(self, call: Call) -> Answer:
        self.calls.append(call)
        place = {"upload_url": f"{FILES}put", "file_url": f"{FILES}a.png", "urls": {"get": FILE}}
        return Answer(200, place)


async def test_30_a_file_travels_as_its_url_or_its_bytes_as_the_vendor_reads_it(
    tmp_path: Path,
) -> None:
    picture = material(tmp_path / "a.png", b"\x00\xff")
    for written, name, sent, calls in (
        ("birefnet@fal", "image_url", f"{FILES}a.png", 2),
        ("birefnet@replicate", "image", FILE, 1),
        ("bria-rmbg-2@bria", "image", "AP8=", 0),  # base64, and no "data:" before it
    ):
        one, wire = route(written), _Uploads()
        adapter = PROVIDERS[one.provider].adapter
        assert adapter is not None
        driver = Driver(adapter, wire)
        order = Order(one.binding, one.defaults, {"image": picture})
        for _ in range(2):  # the same bytes are uploaded once
            ready = await driver.prepare(order)
            body = adapter.submit(ready).body
            assert body.get("input", body)[name] == sent, written
        assert len(wire.calls) == calls
    inside = made_model("gemini", "upscale", {"image": {"from": "image", "form": "data_uri"}})
    read = Material(picture.media, picture.path, data=b"\x00\xff")
    assert fields_of(inside, {"image": read})["image"] == "data:image/png;base64,AP8="


def test_there_is_one_test_for_each_of_the_thirty() -> None:
    files = Path(__file__).parent.glob("test_thirty_mismatches_*.py")
    found = [
        int(number)
        for file in files
        for number in re.findall(r"^(?:async )?def test_(\d\d)_", file.read_text("utf-8"), re.M)
    ]
    assert sorted(found) == list(range(1, 31))
