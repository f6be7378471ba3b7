"""What fitting a picture costs beside bare Pillow that does the same work.

Measured in one process; the ways take turns, and the median of the rounds' ratios counts. CPU is
the process's own, user and system.

- A photograph of 12 megapixels to one: decided and carried out, at most 1.1 times draft, reduce,
  Lanczos and the same JPEG by bare Pillow. The pictures must be the same.
- A picture that conforms: its header read and the decision, at most twice Pillow's own opening and
  reading of its size. It passes byte for byte, and its pixels are not touched.

Run: uv run python benchmarks/fit.py [--rounds 60]
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import sys
import time
from collections.abc import Callable, Mapping
from io import BytesIO
from pathlib import Path

from _common import Line, middle, report, scratch
from PIL import Image, ImageChops

from providers.adapter import Material, Order
from providers.catalog import load_model
from providers.catalog.limits import PortLimits
from providers.catalog.shape import Shape
from providers.fit import FitChoice, fit_picture
from providers.local.fit_picture import JPEG_QUALITIES, fitted
from providers.local.probe import probe_image
from tasks.candidate import Candidate
from tasks.fit import fit_order
from tasks.keep import describe_file
from tasks.store import Store

FIT_RATIO = 1.1
HEADER_RATIO = 2.0
HEADERS = 50  # looked at in one round: one takes a fraction of a millisecond
PHOTO = (4000, 3000)
ONE_MEGAPIXEL = PortLimits(max_megapixels=1, formats=("jpeg", "png"), alpha=False)
TWELVE_MEGAPIXELS = PortLimits(max_megapixels=13, formats=("jpeg", "png"), alpha=False)


def main() -> int:
    options = _options()
    with scratch() as folder:
        photo = _photo(folder / "photo.jpg")
        target = _require_same(photo)
        _require_untouched(folder, photo)
        fits = _timed(
            {"ours": lambda: _ours(photo), "bare": lambda: _bare(photo, target)}, options.rounds
        )
        headers = _timed(
            {
                "ours": lambda: [_look(photo) for _ in range(HEADERS)],
                "bare": lambda: [_size(photo) for _ in range(HEADERS)],
            },
            options.rounds,
        )
    to = f"12 MP to {target[0]}x{target[1]}"
    return report(
        [
            *(Line(f"fit, {to}: {way}", middle(fits[way]) * 1e3, "ms") for way in fits),
            Line("fit, ours / bare Pillow", _ratio(fits), "x", FIT_RATIO),
            *(
                Line(f"conforming: {way}", middle(headers[way]) / HEADERS * 1e3, "ms")
                for way in headers
            ),
            Line("conforming, ours / a header read", _ratio(headers), "x", HEADER_RATIO),
        ]
    )


def _photo(path: Path) -> Path:
    """Write a photograph as a camera does: detail everywhere, colours at half the size."""
    light = Image.radial_gradient("L").resize(PHOTO)
    grain = Image.effect_noise((PHOTO[0] // 2, PHOTO[1] // 2), 40).resize(PHOTO)
    picture = Image.merge("RGB", (Image.blend(light, grain, 0.5), grain, light))
    picture.save(path, "JPEG", quality=90)
    return path


def _ours(photo: Path) -> bytes:
    facts = probe_image(photo)
    shape = Shape(facts.width, facts.height, alpha=facts.alpha, media_type=facts.media_type,
                  mode=facts.mode, size_bytes=facts.size_bytes)  # fmt: skip
    return fitted(photo, fit_picture(shape, ONE_MEGAPIXEL, FitChoice()))


def _bare(photo: Path, target: tuple[int, int]) -> bytes:
    with Image.open(photo) as image:
        image.draft(None, target)
        picture = image.resize(target, Image.Resampling.LANCZOS, reducing_gap=2.0)
    buffer = BytesIO()
    picture.save(buffer, "JPEG", quality=JPEG_QUALITIES[0], subsampling=0)
    return buffer.getvalue()


def _look(photo: Path) -> None:
    facts = probe_image(photo)
    shape = Shape(facts.width, facts.height, alpha=facts.alpha, media_type=facts.media_type,
                  mode=facts.mode, size_bytes=facts.size_bytes)  # fmt: skip
    assert fit_picture(shape, TWELVE_MEGAPIXELS, FitChoice()).is_nothing


def _size(photo: Path) -> tuple[int, int]:
    with Image.open(photo) as image:
        return image.size


def _require_same(photo: Path) -> tuple[int, int]:
    """Return the size that ours makes; bare Pillow must make the same pixels."""
    ours = Image.open(BytesIO(_ours(photo)))
    bare = Image.open(BytesIO(_bare(photo, ours.size)))
    if ours.mode != bare.mode or ImageChops.difference(ours, bare).getbbox():
        raise SystemExit("ours and bare Pillow did not make the same picture")
    return ours.size


def _require_untouched(folder: Path, photo: Path) -> None:
    """A picture that conforms is sent as the file that it is."""
    store = Store(folder / "store")
    sha256 = store.put(photo.read_bytes())
    model = load_model("birefnet")
    binding = model.bindings[0]
    media = describe_file(store.path(sha256))
    candidate = Candidate(
        model=model, binding=binding, provider=binding.provider, endpoint=binding.endpoint,
        realm="live", parameters={}, inputs={"image": media}, is_sendable=True,
    )  # fmt: skip
    order = Order(binding, {}, {"image": Material(media, store.path(sha256))})
    made = asyncio.run(fit_order(store, candidate, order))
    part = made.order.inputs["image"]
    assert isinstance(part, Material)
    if made.done or hashlib.sha256(part.path.read_bytes()).hexdigest() != sha256:
        raise SystemExit("a picture that conforms did not pass as it is")


def _timed(ways: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Return the CPU seconds of each round of each way; who begins changes from round to round."""
    found: dict[str, list[float]] = {way: [] for way in ways}
    names = list(ways)
    for way in names:
        ways[way]()
    for number in range(rounds):
        for way in names if number % 2 else reversed(names):
            before = time.process_time()
            ways[way]()
            found[way].append(time.process_time() - before)
    return found


def _ratio(found: Mapping[str, list[float]]) -> float:
    return middle([a / b for a, b in zip(found["ours"], found["bare"], strict=True)])


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=60)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
