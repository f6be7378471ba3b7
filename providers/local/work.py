"""What each local endpoint does: parameters and files in, the bytes of one picture out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from providers.catalog.size import size_of
from providers.local.contact import ContactRow, contact_sheet
from providers.local.cutout import remove_background
from providers.local.edit import crop, flatten, pad, resize
from providers.local.image import encode_png, open_image
from providers.local.standin import draw_photo


def _draw_photo(parameters: Mapping[str, Any], inputs: Mapping[str, Any], take: int) -> bytes:
    width, height = size_of(parameters["aspect_ratio"], float(parameters["megapixels"]))
    seed = int(parameters.get("seed", 0)) + take - 1
    return encode_png(draw_photo(inputs["prompt"], width, height, seed))


def _cut_out(parameters: Mapping[str, Any], inputs: Mapping[str, Any], take: int) -> bytes:
    return encode_png(remove_background(open_image(inputs["image"])))


def _resize(parameters: Mapping[str, Any], inputs: Mapping[str, Any], take: int) -> bytes:
    image = open_image(inputs["image"])
    return encode_png(resize(image, parameters.get("width"), parameters.get("height")))


def _crop(parameters: Mapping[str, Any], inputs: Mapping[str, Any], take: int) -> bytes:
    return encode_png(crop(open_image(inputs["image"]), **_frame(parameters)))


def _pad(parameters: Mapping[str, Any], inputs: Mapping[str, Any], take: int) -> bytes:
    image = open_image(inputs["image"])
    return encode_png(pad(image, colour=parameters["colour"], **_frame(parameters)))


def _flatten(parameters: Mapping[str, Any], inputs: Mapping[str, Any], take: int) -> bytes:
    return encode_png(flatten(open_image(inputs["image"]), parameters["colour"]))


def _contact_sheet(parameters: Mapping[str, Any], inputs: Mapping[str, Any], take: int) -> bytes:
    files: list[Path] = inputs["images"]
    rows = [ContactRow(str(number), "", (file,)) for number, file in enumerate(files, 1)]
    return encode_png(contact_sheet(rows))


def _frame(parameters: Mapping[str, Any]) -> dict[str, Any]:
    names = {"aspect_ratio": "aspect", "width": "width", "height": "height"}
    return {ours: parameters[name] for name, ours in names.items() if name in parameters}


WORK: Mapping[str, Callable[[Mapping[str, Any], Mapping[str, Any], int], bytes]] = {
    "draw_photo": _draw_photo,
    "cut_out": _cut_out,
    "resize": _resize,
    "crop": _crop,
    "pad": _pad,
    "flatten": _flatten,
    "contact_sheet": _contact_sheet,
}
