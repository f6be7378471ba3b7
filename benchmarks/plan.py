"""What a plan costs, in CPU (user and system) and memory of a fresh process, start included.

Measured, at a paid provider, with an empty ledger:

- 10,000 rows of three steps that are given texts, a picture each and a speech that is paid by its
  length: at most 3 s and 150 MB.
- 1,000 rows with a photograph of two megapixels each, whose header, end and digest the plan looks
  at: at most 2 s. A process that only reads and hashes the same files takes turns with it.

Run: uv run python benchmarks/plan.py [--texts 10000] [--files 1000] [--rounds 5]
"""

from __future__ import annotations

import argparse
import sys
from io import BytesIO
from pathlib import Path

from _commands import KEYS, Cost, cost_of
from _common import Line, middle, report, scratch
from PIL import Image

TEXTS_SECONDS, TEXTS_MEGABYTES = 3.0, 150.0
FILES_SECONDS = 2.0
PHOTO = (1632, 1224)
HASH = (
    "import hashlib, pathlib, sys\n"
    "for path in pathlib.Path(sys.argv[1]).glob('*.jpg'):\n"
    "    with path.open('rb') as file:\n"
    "        hashlib.file_digest(file, 'sha256')\n"
)
DIFFERENT = 8  # pictures; the files of one picture differ in a comment
TEXTS = """\
name: three-texts
version: 1
about: Two pictures and a speech from one text.
inputs:
  prompt: {type: text}
  aspect: {type: choice, options: ["1:1", "4:5", "16:9"], default: "1:1"}
steps:
  photo: {model: flux-2-pro, with: {prompt: $prompt, aspect_ratio: $aspect}}
  design: {model: recraft-v4, with: {prompt: "${prompt}, as a poster", aspect_ratio: $aspect}}
  speech: {model: elevenlabs-tts, with: {text: $prompt}}
outputs: {photo: $photo, design: $design, speech: $speech}
"""
FILES = """\
name: own-photos
version: 1
about: A cut-out of a photograph and a clip of it.
inputs:
  image: {type: image}
  prompt: {type: text}
steps:
  cutout: {model: birefnet, with: {image: $image}}
  clip: {model: kling-2.5-turbo-pro, with: {image: $image, prompt: $prompt}}
outputs: {cutout: $cutout, clip: $clip}
"""


def main() -> int:
    options = _options()
    with scratch() as folder:
        texts = _texts(folder, options.texts)
        files = _files(folder, options.files)
        photos = sorted(folder.glob("*.jpg"))
        size = sum(photo.stat().st_size for photo in photos) / len(photos)
        print(f"  {len(photos):,} photographs of {size / 1e3:.0f} kB", flush=True)
        found: dict[str, list[Cost]] = {"texts": [], "files": []}
        floor: list[float] = []
        for number in range(options.rounds):
            for name, plan in (("texts", texts), ("files", files)):
                found[name].append(cost_of(plan, folder / "home", KEYS))
            floor.append(cost_of([str(folder)], folder / "home", code=HASH).cpu_seconds)
            costs = ", ".join(
                f"{name} {costs[-1].cpu_seconds:.2f} s {costs[-1].megabytes:.0f} MB"
                for name, costs in found.items()
            )
            print(f"  {number + 1}: {costs}, hashes alone {floor[-1]:.2f} s", flush=True)
    seconds = {name: middle([one.cpu_seconds for one in costs]) for name, costs in found.items()}
    most = {name: max(one.megabytes for one in costs) for name, costs in found.items()}
    rows = f"{options.texts:,} rows x 3 texts"
    return report(
        [
            Line(f"plan, {rows}", seconds["texts"], "s", TEXTS_SECONDS),
            Line(f"plan, {rows}, at its peak", most["texts"], "MB", TEXTS_MEGABYTES),
            Line(f"plan, {options.files:,} own files", seconds["files"], "s", FILES_SECONDS),
            Line(f"plan, {options.files:,} own files, at its peak", most["files"], "MB"),
            Line(f"reading and hashing {options.files:,} own files alone", middle(floor), "s"),
        ]
    )


def _texts(folder: Path, rows: int) -> list[str]:
    """Write template and table of texts; their lengths are of a hundred kinds."""
    lines = ["sku,prompt,aspect"]
    for number in range(rows):
        prompt = f"a red ceramic mug number {number} " + "on a wooden table " * (number % 31)
        lines.append(f"MUG-{number:05},{prompt},{('1:1', '4:5', '16:9')[number % 3]}")
    return _plan(folder, "three-texts", TEXTS, lines)


def _files(folder: Path, rows: int) -> list[str]:
    """Write template, table and photographs; no two files have the same bytes or length."""
    photos = [_photo(number) for number in range(DIFFERENT)]
    lines = ["sku,image,prompt"]
    for number in range(rows):
        name = f"photo-{number:05}.jpg"
        (folder / name).write_bytes(_commented(photos[number % DIFFERENT], number))
        lines.append(f"MUG-{number:05},{name},a slow turn")
    return _plan(folder, "own-photos", FILES, lines)


def _plan(folder: Path, name: str, template: str, lines: list[str]) -> list[str]:
    path, table = folder / f"{name}.yaml", folder / f"{name}.csv"
    path.write_text(template, encoding="utf-8")
    table.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return ["plan", str(path), str(table), "--provider", "fal"]


def _photo(number: int) -> bytes:
    """Return a JPEG with as much detail as a photograph has, about half a megabyte."""
    light = Image.radial_gradient("L").rotate(number * 40).resize(PHOTO)
    grain = Image.effect_noise((PHOTO[0] // 2, PHOTO[1] // 2), 24 + number).resize(PHOTO)
    buffer = BytesIO()
    Image.merge("RGB", (Image.blend(light, grain, 0.5), grain, light)).save(
        buffer, "JPEG", quality=82
    )
    return buffer.getvalue()


def _commented(jpeg: bytes, number: int) -> bytes:
    """Return the JPEG with a comment of its own behind the start mark."""
    comment = f"photograph {number} {'-' * number}".encode()
    return jpeg[:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment + jpeg[2:]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--texts", type=int, default=10_000)
    parser.add_argument("--files", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=5)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
