"""Mismatches 1 to 10 between the output of one model and the input of the next: names and sizes.

Each is put right before the call, or refused before the first paid call.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from providers.adapter import Material
from providers.catalog import load_model
from providers.errors import BadReplyError
from providers.media import Media
from providers.replies import outputs_in
from tasks.keep import Fetched, keep_outputs
from tasks.store import Store
from tests.fit.chain import (
    candidate,
    faults,
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
    send,
    shape,
    usd,
)
from tests.fit.pictures import encoded, halves
from tests.providers.replies import FILE, body_with, material

PROMPT = {"prompt": "a red mug"}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


@pytest.fixture
def picture(tmp_path: Path) -> Material:
    return material(tmp_path / "in.png", b"\x00\xff", url=FILE, data=b"\x00\xff")


IMAGE_FIELDS = {
    "birefnet@fal": "image_url",
    "birefnet@replicate": "image",
    "bria-rmbg-2@bria": "image",
    "clarity-upscaler@fal": "image_url",
    "kling-2.5-turbo-pro@fal": "image_url",
    "kling-2.5-turbo-pro@replicate": "start_image",
    "seedance-1-pro@replicate": "image",
    "stable-video@fal": "image_url",
    "stable-video@replicate": "input_image",
    "flux-kontext-pro@fal": "image_url",
    "flux-kontext-pro@replicate": "input_image",
    "flux-kontext-pro@bfl": "input_image",
}


def test_01_a_picture_goes_under_the_name_that_each_vendor_gives_it(picture: Material) -> None:
    for written, name in IMAGE_FIELDS.items():
        port = "images" if "kontext" in written else "image"
        fields = fields_of(written, {**PROMPT, port: picture})
        as_bytes = written.endswith(("@bria", "@bfl"))
        assert fields[name] == ("AP8=" if as_bytes else FILE), written
        holding = [field for field, value in fields.items() if value in (FILE, "AP8=")]
        assert holding == [name], written


def test_02_one_reference_is_a_text_for_one_vendor_and_a_list_for_another(
    picture: Material,
) -> None:
    many = made_model(
        "flux-2-pro-edit",
        "image-edit",
        {"prompt": "prompt", "image_urls": {"from": "images", "form": "list"}},
        limits={"takes": {"images": {"max_items": 8}}},
    )
    one = {**PROMPT, "images": (picture,)}
    assert fields_of("flux-kontext-pro@fal", one)["image_url"] == FILE
    assert fields_of(many, one)["image_urls"] == [FILE]
    assert fields_of(many, {**one, "images": (picture,) * 2})["image_urls"] == [FILE, FILE]
    two = {"images": (shape(800, 800),) * 2}
    assert refused(many, two) is None
    assert refused("flux-kontext-pro@fal", two) == (
        "images: 2 are given, and 1 are taken (flux-kontext-pro@fal). Leave some out"
    )


def test_03_a_last_frame_has_a_name_of_its_own_and_is_refused_where_there_is_none(
    picture: Material,
) -> None:
    both = {**PROMPT, "image": picture, "end_image": picture}
    assert fields_of("kling-2.5-turbo-pro@fal", both)["tail_image_url"] == FILE
    assert fields_of("seedance-1-pro@fal", both)["end_image_url"] == FILE
    assert fields_of("seedance-1-pro@replicate", both)["last_frame_image"] == FILE
    last = {"image": shape(1280, 720), "end_image": shape(1280, 720)}
    assert refused("kling-2.5-turbo-pro@fal", last) is None
    assert refused("kling-2.5-turbo-pro@replicate", last) == (
        "end_image: kling-2.5-turbo-pro@replicate takes none. Leave it out, or choose "
        "another provider"
    )
    assert refused("kling-2.5-turbo-pro@replicate", {"image": shape(1280, 720)}) is None
    assert "takes no end_image; leave it out" in load_error(
        "stable-video", image="$image", end_image="$last"
    )


def test_04_one_size_is_an_object_two_numbers_a_word_or_a_closed_list() -> None:
    asked = {**PROMPT}, {"aspect_ratio": "16:9", "megapixels": 2}
    flux = {name: fields_of(f"flux-2-pro@{name}", asked[0], **asked[1]) for name in ("fal", "bfl")}
    assert flux["fal"]["image_size"] == {"width": 1792, "height": 1008}
    assert (flux["bfl"]["width"], flux["bfl"]["height"]) == (1792, 1008)
    words = fields_of("flux-2-pro@replicate", asked[0], **asked[1])
    assert (words["aspect_ratio"], words["resolution"]) == ("16:9", "2 MP")
    wide = {"aspect_ratio": "16:9"}
    sdxl = fields_of("sdxl@replicate", PROMPT, **wide)
    assert fields_of("sdxl@fal", PROMPT, **wide)["image_size"] == {
        "width": sdxl["width"],
        "height": sdxl["height"],
    }
    assert (sdxl["width"] % 64, sdxl["height"] % 64) == (0, 0)
    assert fields_of("recraft-v4@fal", PROMPT, **wide)["image_size"] == {
        "width": 1344,
        "height": 768,
    }
    assert fields_of("recraft-v4@replicate", PROMPT, **wide)["aspect_ratio"] == "16:9"
    native = made_model(
        "recraft-native",
        "text-to-image",
        {"prompt": "prompt", "size": "size"},
        parameters={"aspect_ratio": {"type": "text", "default": "1:1", "about": "Its shape."}},
    )
    assert fields_of(native, PROMPT, **wide)["size"] == "1280x720"


async def test_05_a_16_9_of_one_vendor_is_cut_to_the_16_9_of_the_next(store: Store) -> None:
    made = Fetched("image", "image", data=encoded(halves((1344, 768)), "PNG"))
    photo = cast(Media, (await keep_outputs(store, [made], aspect="16:9"))["image"])
    assert (photo.width, photo.height, photo.cut_from is None) == (1344, 756, False)
    graph = graph_of(
        {
            "photo": {
                "model": "recraft-v4",
                "with": {"prompt": "$prompt", "aspect_ratio": "16:9"},
            },
            "clip": {
                "model": "seedance-1-pro",
                "with": {"image": "$photo", "prompt": "$prompt", "aspect_ratio": "16:9"},
            },
        }
    )
    assert foreseen(graph)["photo"].made.size == (photo.width, photo.height)
    assert faults(graph) == []
    sent = await send(store, "seedance-1-pro@fal", {**PROMPT, "image": photo}, aspect_ratio="16:9")
    assert (sent.picture(), sent.done) == (photo, {})
    # 3:2 is not a few pixels off: it is kept as it was made, and what needs 16:9 says so.
    made = Fetched("image", "image", data=encoded(halves((1536, 1024)), "PNG"))
    other = cast(Media, (await keep_outputs(store, [made], aspect="16:9"))["image"])
    assert (other.width, other.height, other.cut_from) == (1536, 1024, None)
    assert refused(
        "kling-2.5-turbo-pro@fal", {"image": shape(1536, 1024)}, aspect_ratio="16:9"
    ) == (
        "image: the picture is 1536x1024, and 16:9 is needed (kling-2.5-turbo-pro@fal). Set fit: "
        "{mode: crop} or fit: {mode: pad, colour: white} on the step; nothing is ever stretched"
    )


def test_06_an_aspect_that_a_model_does_not_have_is_refused_with_those_it_has() -> None:
    assert "with.aspect_ratio: '4:5' is not one of match, 1:1, 16:9" in load_error(
        "flux-kontext-pro", prompt="$prompt", images=["$image"], aspect_ratio="4:5"
    )
    step = {"with": {"prompt": "$prompt", "aspect_ratio": "$aspect"}}
    assert faults(graph_of({"a": {**step, "model": "nano-banana"}}), aspect="21:9") == []
    (fault,) = faults(graph_of({"a": {**step, "model": "flux-2-pro@fal"}}), aspect="21:9")
    assert fault.startswith("aspect_ratio '21:9' is not one of 1:1, 16:9, 9:16, 4:3")
    # With both at hand the one that can is sent to, and the row has no fault.
    both = {**step, "model": "flux-2-pro@fal", "fallback": ["nano-banana"]}
    assert faults(graph_of({"a": both}), aspect="21:9") == []


async def test_07_match_is_said_as_each_vendor_says_it_and_never_left_to_its_default(
    store: Store, picture: Material
) -> None:
    one = {**PROMPT, "image": picture, "images": picture}
    assert fields_of("seedance-1-pro@fal", one)["aspect_ratio"] == "auto"
    assert "aspect_ratio" not in fields_of("kling-2.5-turbo-pro@fal", one)
    assert "aspect_ratio" not in fields_of("flux-kontext-pro@fal", one)
    kontext = fields_of("flux-kontext-pro@replicate", one)
    assert kontext["aspect_ratio"] == "match_input_image"
    # Where a clip has the shape of its picture, the picture is cropped before it is sent.
    values = {**PROMPT, "image": keep(store, encoded(halves((1280, 720)), "PNG"))}
    sent = await send(
        store, "kling-2.5-turbo-pro@fal", values, {"mode": "crop"}, aspect_ratio="1:1"
    )
    assert (sent.picture().width, sent.picture().height) == (720, 720)
    assert "aspect_ratio" not in sent.fields
    luma = made_model(
        "luma-ray-2",
        "image-to-video",
        {"image_url": {"from": "image", "form": "url"}, "aspect_ratio": "aspect_ratio"},
        parameters={
            "aspect_ratio": {
                "type": "choice",
                "options": ["16:9", "1:1"],
                "default": "16:9",
                "about": "Its shape.",
            }
        },
    )
    graph = graph_of({"clip": {"model": "luma-ray-2", "with": {"image": "$image"}}}, luma)
    (found,) = lints(graph, image=values["image"])
    assert "luma-ray-2 makes 16:9 unless it is told otherwise, whatever the picture" in found


COUNTS = {"num_images", "num_outputs", "n", "number_of_images", "sampleCount"}


def test_08_several_pictures_are_several_requests_each_for_one() -> None:
    for written, name in {
        "nano-banana@fal": "num_images",
        "sdxl@fal": "num_images",
        "sdxl@replicate": "num_outputs",
        "flux-2-pro@fal": None,
        "flux-2-pro@replicate": None,
        "recraft-v4@fal": None,
    }.items():
        fields = fields_of(written, PROMPT)
        assert {field: fields[field] for field in COUNTS & set(fields)} == (
            {name: 1} if name else {}
        )
    for name in sorted(COUNTS):
        assert f"flux-2-pro has no {name!r}" in load_error(
            "flux-2-pro", prompt="$prompt", **{name: 4}
        )
    seeded = {candidate(route("flux-2-pro@fal"), PROMPT, seed=seed).key for seed in range(4)}
    taken = {candidate(route("recraft-v4@fal"), PROMPT, take=take).key for take in range(1, 5)}
    assert (len(seeded), len(taken)) == (4, 4)


RESULTS: list[tuple[str, Any]] = [
    ("images[0].url", {"images": [{"url": FILE}, {"url": "https://files.example/2.png"}]}),
    ("image.url", {"image": {"url": FILE}}),
    ("output", {"output": FILE}),
    ("output", {"output": [FILE]}),
    ("output[0]", {"output": [FILE]}),
    ("output[0]", {"output": FILE}),
    ("result.sample", {"result": {"sample": FILE}}),
    ("data[0].url", {"data": [{"url": FILE}]}),
    ("video_url", {"video_url": FILE}),
    ("assets.video", {"assets": {"video": FILE}}),
    ("data.task_result.videos[0].url", {"data": {"task_result": {"videos": [{"url": FILE}]}}}),
    ("content.video_url", {"content": {"video_url": FILE}}),
    ("result.image_url", {"result": {"image_url": FILE}}),
]


def test_09_a_result_is_found_wherever_each_vendor_puts_it() -> None:
    for path, body in RESULTS:
        (found,) = outputs_in(body, {"image": path}, "vendor")
        assert found.url == FILE, path
    for name in ("flux-2-pro", "sdxl", "birefnet", "clarity-upscaler", "stable-video"):
        for binding in load_model(name).bindings:
            ((port, path),) = binding.output.items()
            assert outputs_in(body_with(path, FILE), {port: path}, "vendor")[0].url == FILE
    # What is not there, or is no URL, is never passed on.
    for body in ({}, {"image": None}, {"image": {"url": "AP8="}}, {"image": {"url": []}}):
        with pytest.raises(BadReplyError, match=r"has no URL at 'image\.url'"):
            outputs_in(body, {"image": "image.url"}, "vendor")


def test_10_seconds_are_raised_to_the_next_that_is_sold_and_priced_so(picture: Material) -> None:
    given = {**PROMPT, "image": picture}
    assert fields_of("kling-2.5-turbo-pro@fal", given, seconds=7)["duration"] == "10"
    assert fields_of("kling-2.5-turbo-pro@replicate", given, seconds=7)["duration"] == 10
    assert fields_of("seedance-1-pro@fal", given, seconds=3.5)["duration"] == "4"
    assert fields_of("seedance-1-pro@replicate", given, seconds=3.5)["duration"] == 4
    seconds = {"type": "number", "minimum": 1, "maximum": 20, "default": 5, "about": "How long."}
    luma = made_model(
        "luma-ray-2",
        "image-to-video",
        {"duration": {"from": "seconds", "round_up_to": [5, 9], "values": {"5": "5s", "9": "9s"}}},
        parameters={"seconds": seconds},
        price=price("second", "0.1"),
    )
    assert fields_of(luma, given, seconds=5.2)["duration"] == "9s"
    frame = {"image": shape(1280, 720)}
    assert [usd("kling-2.5-turbo-pro@fal", frame, seconds=s) for s in (3, 5, 7)] == [
        "0.35",
        "0.35",
        "0.7",
    ]
    assert usd(luma, frame, seconds=5.2) == "0.9"
    assert refused("kling-2.5-turbo-pro@fal", frame, seconds=11) == (
        "seconds 11 is above 10 (kling-2.5-turbo-pro@fal). Choose an allowed value"
    )
    assert refused(luma, frame, seconds=12) == (
        "luma-ray-2@fal makes nothing of 12 seconds. Ask for less"
    )
    assert "stable-video has no 'seconds'" in load_error("stable-video", image="$image", seconds=3)
