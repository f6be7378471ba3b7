"""What each local endpoint does: parameters and files in, the bytes for one port out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from providers.catalog.size import size_of
from providers.local.contact import ContactRow, contact_sheet
from providers.local.cutout import remove_background
from providers.local.edit import crop, flatten, pad, resize
from providers.local.image import encode_png, open_image
from providers.local.redraw import enlarge, redraw
from providers.local.standin import draw_photo
from providers.local.work_moving import (
    animate,
    cut_clip,
    hum,
    in_aspect,
    join,
    lay_sound,
    scale_clip,
    speak,
    take_frame,
    trim_clip,
)
from providers.local.work_photos import (
    centre_subject,
    check_photo,
    reframe_picture,
    set_print_size,
)


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


def _enlarge(parameters: Mapping[str, Any], inputs: Mapping[str, Any], take: int) -> bytes:
    return encode_png(enlarge(open_image(inputs["image"]), float(parameters.get("scale", 2))))


def _redraw(parameters: Mapping[str, Any], inputs: Mapping[str, Any], take: int) -> bytes:
    seed = int(parameters.get("seed", 0)) + take - 1
    image = in_aspect(open_image(inputs["images"][0]), parameters)
    width, height = size_of(f"{image.width}:{image.height}", 1)
    return encode_png(redraw(resize(image, width, height), inputs["prompt"], seed))


@dataclass(frozen=True, slots=True)
class Work:
    """One endpoint: the port that its bytes are for, and what makes them.

    `make` is given the parameters, the inputs by port (texts and paths) and the take, from 1; it
    raises InputError where the work cannot be done on them.
    """

    port: str
    make: Callable[[Mapping[str, Any], Mapping[str, Any], int], bytes]


WORK: Mapping[str, Work] = {
    "draw_photo": Work("image", _draw_photo),
    "cut_out": Work("image", _cut_out),
    "resize": Work("image", _resize),
    "crop": Work("image", _crop),
    "pad": Work("image", _pad),
    "flatten": Work("image", _flatten),
    "contact_sheet": Work("image", _contact_sheet),
    "centre": Work("image", centre_subject),
    "reframe": Work("image", reframe_picture),
    "print_size": Work("image", set_print_size),
    "check_photo": Work("image", check_photo),
    "enlarge": Work("image", _enlarge),
    "redraw": Work("image", _redraw),
    "extract_frame": Work("image", take_frame),
    "animate": Work("video", animate),
    "mux": Work("video", lay_sound),
    "concat": Work("video", join),
    "trim_clip": Work("video", trim_clip),
    "resize_clip": Work("video", scale_clip),
    "crop_clip": Work("video", cut_clip),
    "speak": Work("audio", speak),
    "hum": Work("audio", hum),
}
