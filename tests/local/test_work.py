"""Each local endpoint gives bytes for its own port, of the kind that the port holds."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from providers.adapter import Call
from providers.catalog.size import size_of
from providers.errors import InputError
from providers.local.adapter import LocalWire
from providers.local.image import open_image
from providers.local.probe import MediaFacts, probe_media
from providers.local.work import WORK
from tests.local.clips import a_clip, a_sound


@pytest.fixture
def inputs(tmp_path: Path) -> dict[str, Any]:
    Image.new("RGB", (161, 90), (120, 130, 140)).save(tmp_path / "a.png")
    clip = a_clip(tmp_path / "clip.mp4", 1.0)
    picture = tmp_path / "a.png"
    return {
        "image": picture,
        "images": [picture],
        "video": clip,
        "videos": [clip, clip],
        "audio": a_sound(tmp_path / "a.wav", 0.8),
        "text": "one two three",
        "prompt": "a red mug",
    }


def made(name: str, inputs: dict[str, Any], take: int = 1, **parameters: Any) -> MediaFacts:
    return probe_media(Path("made"), WORK[name].make(parameters, inputs, take))


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("animate", {"seconds": 1, "audio": True}),
        ("mux", {}),
        ("concat", {}),
        ("trim_clip", {"seconds": 0.5}),
        ("resize_clip", {"width": 32}),
        ("crop_clip", {"aspect_ratio": "1:1"}),
        ("speak", {}),
        ("hum", {"seconds": 1}),
        ("extract_frame", {"at": "last"}),
        ("enlarge", {"scale": 2}),
        ("redraw", {}),
        ("resize", {"width": 20}),
    ],
)
def test_what_comes_is_of_the_kind_of_its_port(
    inputs: dict[str, Any], name: str, parameters: dict[str, Any]
) -> None:
    assert made(name, inputs, **parameters).kind == WORK[name].port


def test_a_picture_is_animated_at_its_own_size_in_even_sides(
    inputs: dict[str, Any], tmp_path: Path
) -> None:
    facts = made("animate", inputs, seconds=1.5, audio=True)
    assert (facts.width, facts.height, facts.seconds) == (160, 90, 1.5) and facts.has_audio
    Image.new("RGB", (300, 2600)).save(tmp_path / "tall.png")
    tall = made("animate", {"image": tmp_path / "tall.png"}, seconds=0.2)
    assert (tall.width, tall.height, tall.has_audio) == (148, 1280, False)


def test_joined_clips_have_the_first_ones_size_and_frames(inputs: dict[str, Any]) -> None:
    facts = made("concat", inputs)
    assert (facts.width, facts.height, facts.fps, facts.seconds) == (64, 48, 10, 2.0)
    assert (made("concat", inputs, width=32).height, made("concat", inputs, fps=20).fps) == (24, 20)


def test_a_clip_is_cropped_to_the_largest_of_an_aspect(inputs: dict[str, Any]) -> None:
    facts = made("crop_clip", inputs, aspect_ratio="9:16")
    assert (facts.width, facts.height) == (28, 48)


def test_a_redrawn_picture_keeps_its_shape_and_has_its_prompts_tint(
    inputs: dict[str, Any], tmp_path: Path
) -> None:
    pictures = []
    for prompt, take in (
        ("make it gold", 1),
        ("make it gold", 1),
        ("at night", 1),
        ("at night", 2),
    ):
        data = WORK["redraw"].make({}, inputs | {"prompt": prompt}, take)
        (tmp_path / "b.png").write_bytes(data)
        pictures.append(np.asarray(open_image(tmp_path / "b.png"), int))
    gold, again, night, other = pictures
    width, height = size_of("161:90", 1)
    assert gold.shape == (height, width, 3) and np.array_equal(gold, again)
    for one, two in ((gold, night), (night, other)):
        assert np.abs(one - two)[:60].mean() > 4


def test_an_enlarged_picture_keeps_its_transparency_and_says_what_it_is(tmp_path: Path) -> None:
    Image.new("RGBA", (150, 150), (120, 130, 140, 0)).save(tmp_path / "a.png")
    data = WORK["enlarge"].make({"scale": 2}, {"image": tmp_path / "a.png"}, 1)
    (tmp_path / "b.png").write_bytes(data)
    alpha = np.asarray(open_image(tmp_path / "b.png"))[:, :, 3]
    assert alpha.shape == (300, 300) and alpha[:250].max() == 0 and alpha[-8:, :20].min() > 0
    with pytest.raises(InputError, match="a scale of 9 is not from 1 to 8"):
        WORK["enlarge"].make({"scale": 9}, {"image": tmp_path / "a.png"}, 1)


async def test_the_wire_answers_with_the_port_of_the_work(inputs: dict[str, Any]) -> None:
    body = {"parameters": {}, "inputs": {"text": "one two"}, "take": 1}
    answer = await LocalWire().send(Call("RUN", "local:speak", body))
    assert answer.status == 200 and set(answer.body) == {"audio"}
    silent = body | {"inputs": {"text": ""}}
    refused = await LocalWire().send(Call("RUN", "local:speak", silent))
    assert refused.status == 422 and "no word" in refused.body
