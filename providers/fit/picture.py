"""Pictures: all that is done to one so that a port takes it - size, alpha, colours, file form."""

from __future__ import annotations

from dataclasses import dataclass

from providers.catalog.limits import PortLimits
from providers.catalog.shape import Shape
from providers.fit.choice import DEFAULT_COLOUR, FitChoice, FitError
from providers.fit.framing import Framing, frame
from providers.fit.framing import words as size_words

PLAIN_MODES = frozenset({"RGB", "RGBA", "L", "LA", "P", "1", None})
WRITTEN = ("png", "jpeg", "webp")
PHOTOS = ("image/jpeg", "image/avif")
HOLD_ALPHA = ("png", "webp")


@dataclass(frozen=True, slots=True)
class PictureFit:
    """What is done to a picture, in this order; None and False are nothing.

    `crop` is the size of the part around the centre, `pad` that of the canvas around the picture
    (never both), `resize` the size after that, in pixels. `lossy` is the file form to go over to
    where the file would be larger than the `limits` allow, who say with `aspect` how far a picture
    may shrink for that.
    """

    crop: tuple[int, int] | None = None
    pad: tuple[int, int] | None = None
    resize: tuple[int, int] | None = None
    flatten: bool = False
    colour: str = DEFAULT_COLOUR
    media_type: str | None = None
    lossy: str | None = None
    is_heavy: bool = False
    plain: bool = False
    limits: PortLimits = PortLimits()
    aspect: str | None = None

    @property
    def is_nothing(self) -> bool:
        """True when the picture passes as it is, byte for byte."""
        return not (
            self.crop
            or self.pad
            or self.resize
            or self.flatten
            or self.plain
            or self.media_type
            or self.is_heavy
        )

    def words(self) -> list[str]:
        """Return what is done, as people read it."""
        done = []
        if self.crop:
            done.append(f"cropped to {size_words(self.crop)}")
        if self.pad:
            done.append(f"padded to {size_words(self.pad)} with {self.colour}")
        if self.resize:
            done.append(f"resized to {size_words(self.resize)}")
        if self.flatten:
            done.append(f"laid on {self.colour}")
        if self.plain:
            done.append("converted to plain colours")
        if self.media_type:
            done.append(f"written as {self.media_type}")
        if self.is_heavy:
            done.append(f"compressed below {self.limits.max_bytes:,} bytes")
        return done


def fit_picture(
    shape: Shape, limits: PortLimits, choice: FitChoice, aspect: str | None = None
) -> PictureFit:
    """Return what must be done to a picture of this shape; what is not known is not looked at.

    Args:
        shape: Of the picture.
        limits: What the port takes.
        choice: What the template allows.
        aspect: The aspect ratio that the picture must have, as "16:9".

    Raises:
        FitError: it is too small, its aspect may be changed only with the template's word, or the
            colour behind it can be seen through and the port takes no transparency.
    """
    framing = frame(shape.size, limits, choice, aspect) if shape.size else Framing()
    is_clear_pad = framing.pad is not None and choice.is_clear
    has_alpha = bool(shape.alpha) or is_clear_pad
    flatten = has_alpha and not _takes_alpha(limits)
    if flatten and choice.is_clear:
        raise FitError(
            f"the colour {choice.colour} can be seen through, and only whole pictures are taken",
            "Set fit: {colour: white}, or another opaque colour, on the step",
        )
    # An opaque colour behind a padded picture shows through what is transparent in it, too.
    keeps_alpha = has_alpha and not flatten and (framing.pad is None or is_clear_pad)
    is_heavy = bool(limits.max_bytes and shape.size_bytes and shape.size_bytes > limits.max_bytes)
    is_plain = shape.mode in PLAIN_MODES
    is_rewritten = framing != Framing() or flatten or is_heavy or not is_plain
    lossy = _lossy(limits, keeps_alpha)
    media_type = _media_type(shape, limits, keeps_alpha, is_rewritten)
    if is_heavy and lossy and (media_type or shape.media_type) == "image/png":
        # A PNG of four megapixels is above many caps; as a JPEG it is a third of that.
        media_type = lossy
    return PictureFit(
        crop=framing.crop,
        pad=framing.pad,
        resize=framing.resize,
        flatten=flatten,
        colour=choice.colour or DEFAULT_COLOUR,
        media_type=media_type,
        lossy=lossy,
        is_heavy=is_heavy,
        plain=not is_plain,
        limits=limits,
        aspect=aspect,
    )


def _takes_alpha(limits: PortLimits) -> bool:
    """A port that takes JPEG alone takes no transparency, whatever else is said of it."""
    return limits.alpha and not (limits.formats and set(limits.formats).isdisjoint(HOLD_ALPHA))


def _lossy(limits: PortLimits, keeps_alpha: bool) -> str | None:
    """The form to go over to where a PNG is too large; None where none is taken."""
    if limits.max_bytes is None:
        return None
    order = ("webp",) if keeps_alpha else ("jpeg", "webp")
    return next((f"image/{form}" for form in order if form in limits.formats), None)


def _media_type(
    shape: Shape, limits: PortLimits, keeps_alpha: bool, is_rewritten: bool
) -> str | None:
    """The file form to write; None where the picture keeps its own, or that is not known."""
    if shape.media_type is None:
        return None
    own = shape.media_type.removeprefix("image/")
    is_taken = not limits.formats or own in limits.formats
    can_be_kept = own in WRITTEN and not (keeps_alpha and own not in HOLD_ALPHA)
    if is_taken and (can_be_kept or not is_rewritten):
        return None
    order = ("png", "webp") if keeps_alpha else ("png", "jpeg", "webp")
    if shape.media_type in PHOTOS and not keeps_alpha:
        order = ("jpeg", "png", "webp")
    for form in order:
        if not limits.formats or form in limits.formats:
            return f"image/{form}"
    raise FitError(
        f"the picture is a {own} and only {' or '.join(limits.formats)} is taken",
        "Convert it before",
    )
