"""Another aspect ratio for a picture, with its subject kept in view.

As much as can be is kept: the largest part of the new shape that holds the subject. Where no part
can hold it, the picture is made larger (continued at its edges, or with bars), or the subject cut:
that is the caller's choice. Nothing is ever stretched.
"""

from __future__ import annotations

from typing import Literal

from PIL import Image

from providers.errors import InputError
from providers.local.continuing import continued
from providers.local.edit import MAX_PIXELS, parse_aspect, parse_colour, resize
from providers.local.subject import Box, subject_box

Keep = Literal["subject", "middle"]
Edges = Literal["extend", "pad", "crop"]


def reframe(
    image: Image.Image,
    aspect: str,
    width: int | None = None,
    *,
    keep: Keep = "subject",
    edges: Edges = "extend",
    margin: float = 0.08,
    colour: str = "#ffffff",
) -> Image.Image:
    """Return `image` in another aspect ratio, at exactly `width` pixels where that is given.

    Args:
        image: the picture; what is transparent stays so, unless bars of a colour are laid.
        aspect: such as "9:16".
        width: of the result; without it, pixels stay as they are.
        keep: "subject" finds the subject and keeps it in view, "middle" cuts around the middle.
        edges: what happens where the subject would be cut: the picture is continued beyond its
            edges, gets bars of `colour`, or the subject is cut after all.
        margin: the share of the subject's longer side that is kept free around it.
        colour: of the bars.

    Raises:
        InputError: the aspect or colour is none, or the result is above MAX_PIXELS.
    """
    ratio = parse_aspect(aspect, "reframe")
    parse_colour(colour, "reframe")
    middle = (image.width // 2, image.height // 2)
    found = Box(*middle, middle[0] + 1, middle[1] + 1)
    whole = window(image.size, found, ratio, grows=False)
    if keep == "subject" and (whole.width, whole.height) != image.size:
        found = subject_box(image).with_margin(margin, image.size)
    part = window(image.size, found, ratio, grows=edges != "crop")
    if part.width * part.height > MAX_PIXELS:
        raise InputError("reframe: the picture would be too large. Give a smaller one.")
    result = _part(image, part, found, edges, colour)
    return result if width is None else resize(result, width, max(1, round(width / ratio)))


def window(size: tuple[int, int], found: Box, ratio: float, *, grows: bool) -> Box:
    """Return the part of a picture of `size` that has the ratio and shows what was found.

    It is the largest inside the picture; when `found` does not fit into that and it `grows`, the
    smallest that holds it, which then reaches beyond the picture on both sides.
    """
    wide, high = min(size[0], round(size[1] * ratio)), min(size[1], round(size[0] / ratio))
    if grows and (found.width > wide or found.height > high):
        wide = max(found.width, round(found.height * ratio))
        high = max(found.height, round(found.width / ratio))
    left = _placed(size[0], wide, (found.left + found.right) / 2)
    top = _placed(size[1], high, (found.top + found.bottom) / 2)
    return Box(left, top, left + wide, top + high)


def _placed(whole: int, part: int, middle: float) -> int:
    """Return where a part begins: around `middle`, and over no more edge than it must."""
    low, high = sorted((0, whole - part))
    return min(max(round(middle - part / 2), low), high)


def _part(image: Image.Image, part: Box, found: Box, edges: Edges, colour: str) -> Image.Image:
    inside = Box(
        max(0, part.left),
        max(0, part.top),
        min(image.width, part.right),
        min(image.height, part.bottom),
    )
    piece = image.crop((inside.left, inside.top, inside.right, inside.bottom))
    left, top = inside.left - part.left, inside.top - part.top
    right, bottom = part.right - inside.right, part.bottom - inside.bottom
    if not any((left, top, right, bottom)):
        return piece
    if edges == "pad":
        return _on_bars(piece, (left, top), (part.width, part.height), colour)
    free = (
        found.left - inside.left,
        found.top - inside.top,
        inside.right - found.right,
        inside.bottom - found.bottom,
    )
    return continued(piece, (left, top, right, bottom), free)


def _on_bars(
    piece: Image.Image, corner: tuple[int, int], size: tuple[int, int], colour: str
) -> Image.Image:
    fill = parse_colour(colour, "reframe")
    canvas = Image.new("RGBA", size, fill)
    canvas.alpha_composite(piece.convert("RGBA"), corner)
    return canvas if fill[3] != 255 else canvas.convert("RGB")
