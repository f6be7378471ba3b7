"""Seven chains of models that do not fit each other as they come, and the rows that are sent through.

A row is made from its prompt or begins with a picture of the user's, of any size, format and mode.
"""

from __future__ import annotations

import csv
import random
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

from PIL import Image

from flows.run_plan import Plan
from providers.media import Media
from tasks.invoke import result_of
from tests.core.plain import Ran

SIDES = (560, 600, 640, 777, 1023, 1024, 1333, 1500, 1999, 2400)
ASPECTS = ("1:1", "16:9", "9:16", "4:3", "3:4", "3:2", "2:3", "4:5", "5:4")
MODES = ("RGB", "RGBA", "L", "P", "CMYK", "I;16", "LA")
FORMATS = {"RGB": ("png", "jpg", "webp"), "CMYK": ("jpg", "tif"), "RGBA": ("png", "webp")}

_INPUTS = """\
inputs:
  source: {type: choice, options: [made, given]}
  image: {type: image, default: null}
  prompt: {type: text}
  aspect: {type: choice, options: %s, default: "16:9"}
"""


@dataclass(frozen=True)
class Chain:
    """One chain: the steps of its template, the aspects that it is asked for, and what it makes."""

    name: str
    steps: str
    output: str
    aspects: tuple[str, ...] = ASPECTS

    @property
    def template(self) -> str:
        """The template as a YAML file."""
        aspects = "[" + ", ".join(f'"{aspect}"' for aspect in self.aspects) + "]"
        return (
            f"name: {self.name}\nversion: 1\nabout: A chain of models.\n{_INPUTS % aspects}"
            f"steps:\n{self.steps}outputs: {{result: ${self.output}}}\n"
        )


_PHOTO = """\
  photo:
    model: {model}
    with: {{prompt: $prompt, aspect_ratio: $aspect}}
    when: source == "made"
"""
_START = "{first: [$photo, $image]}"
_SILENT = "silence: [MF001, MF003, MF008]"


def _photo(model: str) -> str:
    return _PHOTO.format(model=model)


CHAINS = (
    Chain(
        "flux-to-birefnet",
        _photo("flux-2-pro") + f"  cutout: {{model: birefnet, with: {{image: {_START}}}}}\n",
        "cutout",
    ),
    Chain(
        "nano-banana-to-clarity",
        _photo("nano-banana")
        + f"""\
  large:
    model: clarity-upscaler
    with: {{image: {_START}, prompt: $prompt, scale: 2, seed: 7}}
    fit: {{colour: white}}
""",
        "large",
    ),
    Chain(
        "sdxl-to-stable-video",
        _photo("sdxl")
        + f"""\
  clip:
    model: stable-video
    with: {{image: {_START}}}
    fit: {{mode: crop, colour: white}}
    {_SILENT}
""",
        "clip",
        ("16:9",),
    ),
    Chain(
        "flux-to-kling",
        _photo("flux-2-pro")
        + f"""\
  clip:
    model: kling-2.5-turbo-pro
    with: {{image: {_START}, prompt: $prompt, aspect_ratio: $aspect}}
    fit: {{mode: crop, colour: "#203040"}}
    {_SILENT}
""",
        "clip",
    ),
    Chain(
        "flux-to-seedance",
        _photo("flux-2-pro")
        + f"""\
  clip:
    model: seedance-1-pro
    with: {{image: {_START}, prompt: $prompt, aspect_ratio: $aspect, seconds: 3.5}}
    fit: {{mode: pad, colour: black}}
    {_SILENT}
""",
        "clip",
    ),
    Chain(
        "speech-and-kling-to-mux",
        _photo("flux-2-pro")
        + f"""\
  speech: {{model: elevenlabs-tts, with: {{text: $prompt}}}}
  clip:
    model: kling-2.5-turbo-pro
    with:
      image: {_START}
      prompt: slow camera move
      aspect_ratio: $aspect
      seconds: $speech.seconds
    fit: {{mode: crop, colour: white}}
    {_SILENT}
  film: {{model: mux, with: {{video: $clip, audio: $speech, length: audio}}}}
""",
        "film",
        ("16:9", "9:16", "1:1"),
    ),
    Chain(
        "kontext-to-four-scenes",
        _photo("flux-2-pro")
        + "".join(
            f"""\
  scene_{number}:
    model: flux-kontext-pro
    with: {{prompt: "${{prompt}}, {place}", images: [${{start}}], aspect_ratio: $aspect, seed: {number}}}
    fit: {{mode: crop, colour: white}}
    {_SILENT}
""".replace("${start}", "$start")
            for number, place in enumerate(("at home", "in a wood", "by the sea", "in town"), 1)
        )
        + "  sheet: {model: contact-sheet, with: {images: [$scene_1, $scene_2, $scene_3, $scene_4]}}\n",
        "scene_1",
        ("1:1", "16:9", "9:16", "4:3", "3:4", "3:2", "2:3"),
    ),
)
# A list takes references alone, so the picture that scenes begin with is a step of its own.
START_STEP = f"  start: {{model: flatten, with: {{image: {_START}}}}}\n"


def write(chain: Chain, folder: Path, rows: int) -> tuple[Path, Path]:
    """Write the chain's template and a table of so many rows; every second begins with a picture."""
    steps = chain.steps
    if "$start" in steps:
        head, _, tail = steps.partition("  scene_1:")
        steps = f"{head}{START_STEP}  scene_1:{tail}"
    template = folder / f"{chain.name}.yaml"
    template.write_text(Chain(chain.name, steps, chain.output, chain.aspects).template, "utf-8")
    table = folder / f"{chain.name}.csv"
    chance = random.Random(chain.name)
    with table.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "source", "image", "prompt", "aspect"])
        for number in range(rows):
            picture = _picture(folder, chance, number) if number % 2 else ""
            source = "given" if picture else "made"
            aspect = chain.aspects[number % len(chain.aspects)]
            writer.writerow(
                [f"r{number:02}", source, picture, f"a red mug, number {number}", aspect]
            )
    return template, table


def _picture(folder: Path, chance: random.Random, number: int) -> str:
    """Write a picture of some size, mode and format; no side is below what every vendor takes."""
    width, height = chance.choice(SIDES), chance.choice(SIDES)
    mode = MODES[number // 2 % len(MODES)]
    ending = chance.choice(FORMATS.get(mode, ("png",)))
    base = Image.radial_gradient("L").resize((width, height))
    image = base.convert("RGB").convert(mode) if mode not in ("I;16", "LA") else base.convert(mode)
    if mode == "RGBA":
        image.putalpha(base)
    name = f"{folder.name}-{number:02}-{mode.replace(';', '')}.{ending}"
    image.save(folder / name)
    return name


def shapes_of(ran: Ran, steps: tuple[str, ...]) -> dict[str, dict[str, Media]]:
    """By row and step: the media of the accepted attempts."""
    found: dict[str, dict[str, Media]] = {}
    for attempt in ran.attempts:
        if attempt.outcome == "accepted" and attempt.place.step in steps:
            (media,) = result_of(attempt, reused=False).values.values()
            assert isinstance(media, Media)
            found.setdefault(attempt.place.row, {})[attempt.place.step] = media
    return found


def off_by(media: Media, aspect: str) -> float:
    """How many pixels a side is from the aspect ratio, measured on the better side."""
    assert media.width is not None and media.height is not None
    ratio = Fraction(aspect.replace(":", "/"))
    return float(
        min(abs(media.width - media.height * ratio), abs(media.height - media.width / ratio))
    )


def spans(
    plan: Plan, invoice: list[Mapping[str, str | None]]
) -> tuple[Decimal, Decimal, Decimal, Decimal]:
    """Return low, expected and high of the plan, and what the vendors have billed."""
    low, expected, high = (
        sum((getattr(step, name) for step in plan.steps), Decimal(0))
        for name in ("low", "expected", "high")
    )
    billed = sum((Decimal(line["amount"]) for line in invoice if line["amount"]), Decimal(0))
    return low, expected, high, billed
