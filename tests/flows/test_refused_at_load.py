"""What is refused when a template is loaded: one line with file, line, step, place and what helps."""

from __future__ import annotations

from typing import Any

import pytest

from flows.table import bind_one
from providers.errors import RequestError
from tests.flows.planning import graph_of, picture, plan_of, row

SPEECH = "  speech: {model: elevenlabs-tts, with: {text: $words}}\n"
SHOT = "  shot: {model: flux-2-pro, with: {prompt: $prompt}}\n"


def refusal(step: str, before: str = "") -> str:
    """Why a step is refused; the place of its line stands in front, and is checked here."""
    text = f"{before}  a: {step}\n"
    with pytest.raises(RequestError) as raised:
        graph_of(text, "a")
    line = str(raised.value)
    assert "\n" not in line
    assert line.startswith(f"trial.yaml:{14 + before.count(chr(10))}: step 'a': ")
    return line.split("step 'a': ", 1)[1]


@pytest.mark.parametrize(
    ("step", "problem"),
    [
        ("{model: flux-2-pro, with: {prompt: $shot}}", "takes a text and $shot is an image"),
        ("{model: birefnet, with: {image: $speech}}", "takes an image and $speech is an audio"),
        ("{model: birefnet, with: {image: $film}}", "takes an image and $film is a video"),
        ("{model: birefnet, with: {image: $words}}", "takes an image and $words is a text"),
        (
            "{model: mux, with: {video: $shot, audio: $speech}}",
            "takes a video and $shot is an image; connect a video. Fitting: $film.",
        ),
        (
            "{model: mux, with: {video: $film, audio: $words}}",
            "takes an audio and $words is a text; connect an audio. Fitting: $speech.",
        ),
        ("{model: elevenlabs-tts, with: {text: $film}}", "takes a text and $film is a video"),
        (
            "{model: birefnet, with: {image: {first: [$shot, $film]}}}",
            "takes an image and $film is a video",
        ),
        ("{model: contact-sheet, with: {images: [$shot, $speech]}}", "$speech is an audio"),
        (
            "{model: kling-2.5-turbo-pro, with: {image: $shot, prompt: $move, end_image: $film}}",
            "with.end_image: takes an image and $film is a video",
        ),
    ],
)
def test_a_wrong_edge_says_what_is_taken_and_what_is_given(step: str, problem: str) -> None:
    assert problem in refusal(step, SHOT + SPEECH)


@pytest.mark.parametrize(
    ("step", "port"),
    [
        ("{model: birefnet}", "image"),
        ("{model: mux, with: {video: $film}}", "audio"),
        ("{model: elevenlabs-tts}", "text"),
        # Their vendors take the request without: they draw a stock prompt, and bill for it.
        ("{model: sdxl}", "prompt"),
        ("{model: sdxl@replicate}", "prompt"),
        # Kinds where a prompt is optional, and models that make nothing of use without one.
        ("{model: kling-2.5-turbo-pro, with: {image: $photo}}", "prompt"),
        ("{model: veo-3.1-fast, with: {image: $photo}}", "prompt"),
    ],
)
def test_a_missing_input_is_named_though_a_vendor_has_a_default(step: str, port: str) -> None:
    assert f" needs '{port}'." in refusal(step)


def test_an_input_that_a_model_can_do_without_may_be_left_out() -> None:
    graph_of("  a: {model: stable-video, with: {image: $photo}}\n", "a")


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ("promt: $prompt", "with.promt: flux-2-pro has no 'promt'. Did you mean 'prompt'?"),
        ("prompt: $prompt, aspect: 1:1", "has no 'aspect'. Did you mean 'aspect_ratio'?"),
        ("prompt: $prompt, megapixel: 1", "has no 'megapixel'. Did you mean 'megapixels'?"),
        ("prompt: $prompt, image: $photo", "flux-2-pro has no 'image'. Known: "),
        ("prompt: $prompt, aspect_ratio: 7:3", "with.aspect_ratio: '7:3' is not one of 1:1, "),
        ("prompt: $prompt, seed: -1", "with.seed: -1 is below 0"),
        ("prompt: $prompt, seed: 4294967296", "with.seed: 4294967296 is above 4294967295"),
        ("prompt: $prompt, seed: 1.5", "with.seed: 1.5 is not an integer"),
        ("prompt: $prompt, seed: $seconds", "takes an integer and $seconds is a number"),
        ("prompt: $prompt, megapixels: lots", "with.megapixels: 'lots' is not one of "),
        ("prompt: $promt", "with.prompt: there is no input or earlier step 'promt'. Did you mean"),
        ("prompt: $shott", "there is no input or earlier step 'shott'. Did you mean 'shot'?"),
        ("prompt: $shot.imge", "'shot' is an image without 'imge'. Did you mean 'image'?"),
    ],
)
def test_an_unknown_or_impossible_value_names_the_nearest(values: str, problem: str) -> None:
    assert problem in refusal(f"{{model: flux-2-pro, with: {{{values}}}}}", SHOT)


@pytest.mark.parametrize(
    ("step", "problem"),
    [
        (
            "{model: clarity-upscaler, with: {image: $photo, scale: 9}}",
            "with.scale: 9 is above 4",
        ),
        (
            "{model: kling-2.5-turbo-pro, with: {image: $photo, prompt: $move, seconds: 11}}",
            "with.seconds: 11 is above 10",
        ),
        (
            "{model: kling-2.5-turbo-pro, with: {image: $photo, prompt: $move, seconds: long}}",
            "with.seconds: 'long' is not a number",
        ),
        (
            "{model: veo-3.1-fast, with: {image: $photo, prompt: $move, audio: 1}}",
            "with.audio: 1 is not a boolean",
        ),
        (
            "{model: veo-3.1-fast, with: {image: $photo, prompt: $move, aspect_ratio: $shape}}",
            "input 'shape' has options that this does not take: 1:1 (is not one of 16:9, 9:16)",
        ),
    ],
)
def test_a_value_out_of_range_says_what_the_range_is(step: str, problem: str) -> None:
    assert problem in refusal(step)


@pytest.mark.parametrize(
    ("step", "problem"),
    [
        ("{model: birefnet, with: {image: [$photo]}}", "takes an image, not a list; write $photo"),
        ("{model: contact-sheet, with: {images: $photo}}", "$photo is an image; write [$photo]"),
        ("{model: concat, with: {videos: $film}}", "$film is a video; write [$film]"),
    ],
)
def test_one_and_several_are_not_the_same(step: str, problem: str) -> None:
    assert problem in refusal(step)


def test_a_list_into_a_single_port_says_each(monkeypatch: pytest.MonkeyPatch) -> None:
    before = "  many: {model: birefnet, with: {image: $one}, each: {one: $photos}}\n"
    monkeypatch.setattr(
        "tests.flows.planning.INPUTS",
        "name: trial\nversion: 1\nabout: A trial.\ninputs:\n  photos: {type: 'list[image]'}\n",
    )
    for name in ("photos", "many"):
        with pytest.raises(RequestError) as raised:
            graph_of(f"{before}  a: {{model: birefnet, with: {{image: ${name}}}}}\n", "a")
        assert str(raised.value) == (
            f"trial.yaml:8: step 'a': with.image: takes an image and ${name} is a list[image]; "
            f"add `each: {{item: ${name}}}` to the step and write $item here"
        )


@pytest.mark.parametrize(
    ("step", "problem"),
    [
        ("{model: resize, with: {image: $photo}}", "with: resize needs width or height"),
        ("{model: resize-clip, with: {video: $film}}", "with: resize-clip needs width or height"),
        (
            "{model: crop, with: {image: $photo}}",
            "with: crop needs aspect_ratio, or width or height",
        ),
        (
            "{model: pad, with: {image: $photo, colour: black}}",
            "with: pad needs aspect_ratio, or width or height",
        ),
        (
            '{model: crop-clip, with: {video: $film, aspect_ratio: "1:1", width: 640}}',
            "with: crop-clip takes aspect_ratio, or width or height, not both",
        ),
    ],
)
def test_an_edit_without_a_size_or_with_two_is_refused(step: str, problem: str) -> None:
    assert refusal(step) == problem


OPTIONAL = """\
name: trial
version: 1
about: A trial.
inputs:
  photo: {type: image, default: null}
  wide: {type: integer, default: null}
  high: {type: integer, default: null}
"""


def test_a_row_that_leaves_every_size_empty_is_a_fault_of_that_row(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.setattr("tests.flows.planning.INPUTS", OPTIONAL)
    graph = graph_of(
        "  a: {model: resize, with: {image: $photo, width: $wide, height: $high}}\n", "a"
    )
    with pytest.raises(RequestError, match=r"resize needs width or height\. Give one\."):
        bind_one(graph, {}, tmp_path)
    bind_one(graph, {"high": "300"}, tmp_path)


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize(
    ("step", "problem"),
    [
        (
            "{model: resize, with: {image: $photo, width: 500, height: 500}}",
            "image: the picture is 1280x720, and 1:1 is needed (resize@local). Set fit: "
            "{mode: crop} or fit: {mode: pad, colour: white} on the step; nothing is ever stretched",
        ),
        (
            "{model: resize-clip, with: {video: $film, width: 500, height: 500}}",
            "video: the clip is 1280x720, and 1:1 is needed (resize-clip@local). Put crop-clip "
            'with aspect_ratio: "1:1" before; nothing is ever stretched',
        ),
        (
            '{model: kling-2.5-turbo-pro, with: {image: $photo, prompt: $move, aspect_ratio: "1:1"}}',
            "image: the picture is 1280x720, and 1:1 is needed (kling-2.5-turbo-pro@fal). Set fit: "
            "{mode: crop} or fit: {mode: pad, colour: white} on the step; nothing is ever stretched",
        ),
    ],
)
def test_what_would_have_to_be_stretched_says_what_to_choose(step: str, problem: str) -> None:
    (fault,) = plan_of(graph_of(f"  a: {step}\n", "a"), provider=("fal",)).faults
    assert str(fault).split("step 'a': ")[1] == f"{problem}."


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize(
    "step",
    [
        "{model: resize, with: {image: $photo, width: 500, height: 500}, fit: {mode: crop}}",
        "{model: resize, with: {image: $photo, width: 500, height: 500}, fit: {mode: pad}}",
        "{model: resize, with: {image: $photo, width: 640, height: 360}}",
        "{model: resize, with: {image: $photo, width: 639, height: 360}}",  # within a pixel
        "{model: resize, with: {image: $photo, width: 500}}",
        "{model: resize-clip, with: {video: $film, width: 640, height: 360}}",
        "{model: resize-clip, with: {video: $film, height: 480}}",
    ],
)
def test_what_needs_no_stretch_is_no_fault(step: str) -> None:
    assert plan_of(graph_of(f"  a: {step}\n", "a")).faults == ()


@pytest.mark.usefixtures("home")
def test_a_picture_of_another_shape_in_one_row_is_a_fault_of_that_row() -> None:
    step = "{model: resize, with: {image: $photo, width: 640, height: 360}}"
    rows = [row("wide", photo=picture()), row("square", photo=picture(800, 800))]
    assert [fault.row_id for fault in plan_of(graph_of(f"  a: {step}\n", "a"), rows).faults] == [
        "square"
    ]


@pytest.mark.usefixtures("home")
def test_a_vendor_without_a_field_for_what_is_given_is_passed_over_or_refused() -> None:
    step = "{model: veo-3.1-fast, with: {image: $photo, end_image: $photo, prompt: $move}}"
    graph = graph_of(f"  a: {step}\n", "a")
    (fault,) = plan_of(graph, provider=("fal",)).faults
    assert fault.problem == "end_image: veo-3.1-fast@fal takes none"
    assert fault.fix == "Leave it out, or choose another provider"
    assert plan_of(graph, provider=("fal", "replicate")).faults == ()
