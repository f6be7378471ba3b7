"""The mark that every stand-in for a picture bears: a strip in its lower left corner."""

from __future__ import annotations

from PIL import Image, ImageDraw, ImageFont

from providers.local.contact import fit_text


def labelled(image: Image.Image, words: str, *, covering: bool = False) -> Image.Image:
    """Return `image` with a small strip in its lower left corner: "stand-in", and some words.

    The result is RGB, or RGBA where `image` is. A covering strip hides what it lies on: the mark
    of the stand-in that `image` may have come from.
    """
    font, inset, text = _written(image.size, words)
    right, top = strip_of(image.size, words)
    strip = Image.new("RGBA", image.size, (0, 0, 0, 0))
    draw = ImageDraw.Draw(strip)
    draw.rectangle((0, top, right, image.height), (20, 22, 26, 255 if covering else 110))
    middle = (inset, (top + image.height) / 2)
    draw.text(middle, text, (255, 255, 255, 235), font, anchor="lm")
    whole = Image.alpha_composite(image.convert("RGBA"), strip)
    return whole if image.mode == "RGBA" else whole.convert("RGB")


def strip_of(size: tuple[int, int], words: str) -> tuple[float, float]:
    """Return where the strip ends on the right, and where it begins from above, in pixels."""
    font, inset, text = _written(size, words)
    return inset * 2 + font.getlength(text), size[1] - font.size - inset * 1.5


def _written(size: tuple[int, int], words: str) -> tuple[ImageFont.FreeTypeFont, float, str]:
    """Return the font, the space around the text, and the text, cut to what fits."""
    height = max(8, min(size) // 42)
    font = ImageFont.load_default(height)
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise TypeError("this Pillow was built without FreeType")
    # The built-in font knows Latin letters; others would show as boxes.
    legible = "".join(letter for letter in words if letter < "ɐ").split()
    shown = " ".join(legible[:7]) + ("…" if len(legible) > 7 else "")
    text = fit_text(f"stand-in · {shown}" if shown else "stand-in", font, size[0] * 0.55)
    return font, height * 0.6, text
