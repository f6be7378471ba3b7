"""What the local endpoints for photographs do: look over, centre, reframe, set to a print size."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PIL import Image

from providers.errors import InputError
from providers.local.image import encode_jpeg, encode_png, open_image
from providers.local.look_over import look_over
from providers.local.print_size import Print, encode_print, for_print, require_pixels
from providers.local.reframe import reframe
from providers.local.subject import centre

Parameters = Mapping[str, Any]
Inputs = Mapping[str, Any]


def check_photo(parameters: Parameters, inputs: Inputs, take: int) -> bytes:
    """Return the file as it is, or say why nothing should be paid for it."""
    path: Path = inputs["image"]
    size = look_over(path)
    sides = [parameters.get("width_mm"), parameters.get("height_mm")]
    if None not in sides:
        require_pixels(size, _print(parameters), float(parameters["scale"]))
    elif sides != [None, None]:
        raise InputError("check-photo needs both width_mm and height_mm, or neither.")
    return path.read_bytes()


def centre_subject(parameters: Parameters, inputs: Inputs, take: int) -> bytes:
    """Return the subject of a cut-out in the middle of a canvas."""
    background, form = parameters.get("background"), parameters["output_format"]
    if form == "jpeg" and background is None:
        raise InputError("centre: a JPEG has no transparency. Give a background, or take PNG.")
    made = centre(
        open_image(inputs["image"]),
        parameters["aspect_ratio"],
        parameters.get("width"),
        float(parameters["margin"]),
        background,
    )
    return encoded(made, form)


def reframe_picture(parameters: Parameters, inputs: Inputs, take: int) -> bytes:
    """Return the picture in another aspect ratio."""
    made = reframe(
        open_image(inputs["image"]),
        parameters["aspect_ratio"],
        parameters.get("width"),
        keep=parameters["keep"],
        edges=parameters["edges"],
        margin=float(parameters["margin"]),
        colour=parameters["colour"],
    )
    return encoded(made, parameters["output_format"])


def set_print_size(parameters: Parameters, inputs: Inputs, take: int) -> bytes:
    """Return the picture in the exact pixels of a print."""
    wanted = _print(parameters)
    made = for_print(open_image(inputs["image"]), wanted, parameters["keep"], parameters["colour"])
    return encode_print(made, wanted.dpi, parameters["output_format"])


def encoded(image: Image.Image, form: str) -> bytes:
    """Return the picture as PNG, or as JPEG with what is transparent on white."""
    return encode_jpeg(image, 95) if form == "jpeg" else encode_png(image)


def _print(parameters: Parameters) -> Print:
    return Print(
        float(parameters["width_mm"]),
        float(parameters["height_mm"]),
        int(parameters["dpi"]),
        parameters["fill"],
    )
