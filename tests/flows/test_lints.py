"""Lints: what is allowed and most likely not meant, said with the step, what it is, what to do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import pytest

from flows.graph import Graph
from flows.lint_codes import LINTS
from flows.rows import ReadyRow
from flows.run_plan import Plan
from providers.catalog import Model, load_model
from providers.errors import RequestError
from tests.flows.planning import clip, graph_of, picture, plan_of, row

pytestmark = pytest.mark.usefixtures("home")

SHOT = '  shot: {model: flux-2-pro, with: {prompt: $prompt, aspect_ratio: "16:9"}}\n'
SPEECH = "  speech: {model: elevenlabs-tts, with: {text: $words}}\n"


@dataclass(frozen=True)
class Case:
    """Steps of which one is found, its name, words of what is said, and one change for the good."""

    code: str
    steps: str
    outputs: str
    step: str
    words: tuple[str, ...]
    old: str
    new: str
    rows: int = 1
    provider: str = "fal"

    def graph(self, steps: str = "") -> Graph:
        return graph_of(steps or self.steps, self.outputs, {"flux-2-pro": _leaves_soon(self)})

    def plan(self, steps: str = "") -> Plan:
        rows = [row(f"r{number}", photo=picture(), film=clip()) for number in range(self.rows)]
        return plan_of(self.graph(steps), rows, provider=(self.provider,))


def _leaves_soon(case: Case) -> Model:
    model = load_model("flux-2-pro")
    if case.code != "MF009":
        return model
    gone = {"retires_on": str(date.today() + timedelta(days=20)), "replaced_by": "flux-3-pro"}
    bindings = tuple(binding.model_copy(update=gone) for binding in model.bindings)
    return model.model_copy(update={"bindings": bindings})


CASES = (
    Case(
        "MF001",
        SHOT
        + '  clip: {model: kling-2.5-turbo-pro, with: {image: $shot, prompt: $move, aspect_ratio: "1:1"},'
        " fit: {mode: crop}}\n",
        "clip",
        "clip",
        ("'shot' makes 1280x720 and this makes 1080x1080", "ask for one aspect ratio"),
        'aspect_ratio: "1:1"',
        'aspect_ratio: "16:9"',
    ),
    Case(
        "MF002",
        SHOT
        + "  large: {model: clarity-upscaler, with: {image: $shot, scale: 4}}\n"
        + "  clip: {model: kling-2.5-turbo-pro, with: {image: $large, prompt: $move}}\n",
        "clip",
        "clip",
        (
            "'large' was upscaled to 5120x2880, and kling-2.5-turbo-pro makes 1920x1080",
            "leave the upscale out, or put it after",
        ),
        "image: $large",
        "image: $shot",
    ),
    Case(
        "MF003",
        SHOT + "  clip: {model: kling-2.5-turbo-pro, with: {image: $shot, prompt: $prompt}}\n",
        "clip",
        "clip",
        ("$prompt is the prompt of 'shot' as well", "a good picture is not what a clip should"),
        "image: $shot, prompt: $prompt",
        "image: $shot, prompt: $move",
    ),
    Case(
        "MF003",
        "  better: {model: writer, with: {prompt: $prompt}}\n"
        '  shot: {model: flux-2-pro, with: {prompt: "${better}, ${prompt}"}}\n',
        "shot",
        "shot",
        ("$prompt is what 'better' is told to do", "use $better alone"),
        '"${better}, ${prompt}"',
        "$better",
    ),
    Case(
        "MF004",
        SHOT + "  other: {model: flux-2-pro, with: {prompt: $words}}\n",
        "shot",
        "other",
        ("it is paid for, and neither an output nor a later step uses it",),
        "  other: {model: flux-2-pro, with: {prompt: $words}}\n",
        "  other: {model: flatten, with: {image: $shot}}\n",
    ),
    Case(
        "MF005",
        "  clip: {model: veo-3.1-fast, with: {image: $photo, prompt: $move}}\n",
        "clip",
        "clip",
        (
            "veo-3.1-fast makes 16:9 unless it is told otherwise, whatever the picture",
            "set aspect_ratio",
        ),
        "prompt: $move",
        'prompt: $move, aspect_ratio: "16:9"',
    ),
    Case(
        "MF006",
        SPEECH
        + '  clip: {model: veo-3.1-fast, with: {image: $photo, prompt: $move, aspect_ratio: "16:9"}}\n'
        + "  whole: {model: mux, with: {video: $clip, audio: $speech}}\n",
        "whole",
        "whole",
        ("'clip' makes a sound of its own", "paid for and then replaced or", "audio to false"),
        'aspect_ratio: "16:9"',
        'aspect_ratio: "16:9", audio: false',
    ),
    Case(
        "MF007",
        "  shot: {model: flux-2-pro, with: {prompt: $prompt, seed: 7}, fallback: [recraft-v4]}\n",
        "shot",
        "shot",
        ("the fallback recraft-v4 takes no seed",),
        ", seed: 7",
        "",
    ),
    Case(
        "MF008",
        SHOT
        + "  cut: {model: birefnet, with: {image: $shot}}\n"
        + "  clip: {model: kling-2.5-turbo-pro, with: {image: $cut, prompt: $move}, fit: {mode: crop}}\n",
        "clip",
        "clip",
        (
            "image has transparent pixels, and kling-2.5-turbo-pro takes none",
            "laid on white",
            "set fit: {colour: ...}",
        ),
        "fit: {mode: crop}",
        "fit: {mode: crop, colour: black}",
    ),
    Case(
        "MF009",
        SHOT,
        "shot",
        "shot",
        (f"flux-2-pro is switched off on {date.today() + timedelta(days=20)}; flux-3-pro follows",),
        "model: flux-2-pro",
        "model: recraft-v4",
    ),
    Case(
        "MF010",
        "  clip: {model: kling-2.5-turbo-pro, with: {image: $photo, prompt: $move}}\n",
        "clip",
        "clip",
        (
            "replicate keeps results for 60 min and the run takes longer",
            "must be resumed within that time",
        ),
        "model: kling-2.5-turbo-pro, with: {image: $photo, prompt: $move}",
        "model: resize, with: {image: $photo, width: 640}",
        rows=500,
        provider="replicate",
    ),
)


def ids(case: Case) -> str:
    return case.code


def test_every_code_has_a_case_here() -> None:
    of_a_table = {"MF011"}  # tests/core/test_routing.py
    assert {case.code for case in CASES} | of_a_table == set(LINTS)


@pytest.mark.parametrize("case", CASES, ids=ids)
def test_a_lint_names_the_step_what_it_is_and_what_to_do(case: Case) -> None:
    plan = case.plan()
    (found,) = (one for one in plan.lints if one.code == case.code)
    assert found.step == case.step
    line = str(found)
    assert line.startswith(f"{case.code} step {case.step!r}: ")
    assert line.endswith(f" (silence: [{case.code}])")
    assert "\n" not in line
    for words in case.words:
        assert words in line


@pytest.mark.parametrize("case", CASES, ids=ids)
def test_the_template_as_it_is_most_likely_meant_has_no_such_lint(case: Case) -> None:
    assert case.old in case.steps
    plan = case.plan(case.steps.replace(case.old, case.new))
    assert plan.faults == ()
    assert case.code not in {one.code for one in plan.lints}


@pytest.mark.parametrize("case", CASES, ids=ids)
def test_a_step_can_silence_a_lint(case: Case) -> None:
    lines = case.steps.splitlines(keepends=True)
    place = next(at for at, line in enumerate(lines) if line.startswith(f"  {case.step}:"))
    lines[place] = lines[place].rstrip("\n").removesuffix("}") + f", silence: {case.code}}}\n"
    assert case.code not in {one.code for one in case.plan("".join(lines)).lints}


def test_what_one_step_silences_another_still_says() -> None:
    spare = "{{model: flux-2-pro, with: {{prompt: $words}}{}}}"
    steps = SHOT + f"  one: {spare.format(', silence: [MF004]')}\n  two: {spare.format('')}\n"
    assert [(one.code, one.step) for one in plan_of(graph_of(steps, "shot")).lints] == [
        ("MF004", "two")
    ]


def test_an_unknown_code_is_refused_at_load_with_the_nearest() -> None:
    with pytest.raises(RequestError) as raised:
        graph_of("  a: {model: flux-2-pro, with: {prompt: $prompt}, silence: [MF0O4]}\n", "a")
    assert str(raised.value) == (
        "trial.yaml:14: step 'a': silence: there is no lint 'MF0O4'. Did you mean 'MF004'?"
    )


def test_a_lint_of_many_rows_is_said_once() -> None:
    case = next(case for case in CASES if case.code == "MF001")
    rows = [row(f"r{number}", photo=picture(700 + number, 700)) for number in range(9)]
    assert [one.code for one in plan_of(case.graph(), rows).lints] == ["MF001"]


def test_a_step_that_does_not_run_for_any_row_has_no_lint() -> None:
    steps = SHOT + '  other: {model: flux-2-pro, with: {prompt: $words}, when: words == "x"}\n'
    assert plan_of(graph_of(steps, "shot")).lints == ()
    said = plan_of(graph_of(steps, "shot"), [row(words="x")]).lints
    assert [one.code for one in said] == ["MF004"]


def test_on_this_machine_nothing_is_switched_off_and_no_result_expires() -> None:
    for case in CASES:
        if case.code in ("MF009", "MF010"):
            plan = plan_of(case.graph(), [row(photo=picture())] * case.rows, local=True)
            assert plan.lints == (), case.code


def test_the_sound_of_a_clip_is_followed_through_an_edit() -> None:
    case = next(case for case in CASES if case.code == "MF006")
    crop = '  square: {model: crop-clip, with: {video: $clip, aspect_ratio: "1:1"}}\n'
    steps = case.steps.replace("video: $clip", "video: $square")
    steps = steps.replace("  whole:", f"{crop}  whole:")
    (found,) = case.plan(steps).lints
    assert (found.code, found.step) == ("MF006", "whole")
    assert "'clip' makes a sound of its own" in found.problem


def test_a_film_of_the_user_s_may_have_any_sound() -> None:
    steps = SPEECH + "  out: {model: mux, with: {video: $film, audio: $speech}}\n"
    rows: list[ReadyRow] = [row(film=clip(has_audio=True))]
    assert plan_of(graph_of(steps, "out"), rows).lints == ()


def test_a_plan_file_holds_the_lints() -> None:
    case = CASES[0]
    assert case.plan().to_json()["lints"] == [
        {"code": "MF001", "step": "clip", "problem": case.plan().lints[0].problem}
    ]
