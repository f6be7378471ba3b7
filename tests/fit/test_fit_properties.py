"""Whatever a picture is like: it ends inside every limit or is refused, and is never stretched."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from providers.catalog.limits import PortLimits
from providers.catalog.shape import Shape, parse_size
from providers.catalog.size import PIXELS_PER_MEGAPIXEL, ratio_of
from providers.fit import TRIM, FitChoice, FitError, PictureFit, fit_picture

CROP, PAD, NEITHER = FitChoice("crop"), FitChoice("pad"), FitChoice()
ASPECTS = ("1:1", "16:9", "9:16", "4:5", "5:4", "3:2", "2:3", "21:9", "9:21")

side = st.one_of(st.integers(1, 400), st.integers(200, 9000))
near_ratios = st.tuples(
    side, st.sampled_from([1, 16 / 9, 9 / 16, 0.8, 2.5, 0.4]), st.floats(0.93, 1.07)
).map(lambda one: (max(1, round(one[0] * one[1] * one[2])), one[0]))
sizes = st.one_of(st.tuples(side, side), near_ratios)
choices = st.sampled_from([CROP, PAD, NEITHER])
aspects = st.one_of(st.none(), st.sampled_from(ASPECTS))


@st.composite
def limits(draw: st.DrawFn) -> PortLimits:
    """Limits as vendors state them, that do not contradict each other."""
    if draw(st.integers(0, 5)) == 0:
        return PortLimits(size=draw(st.sampled_from(["1024x576", "768x768", "576x1024"])))
    least = draw(st.one_of(st.none(), st.integers(1, 400)))
    return PortLimits(
        min_side=least,
        max_side=draw(st.one_of(st.none(), st.integers(512, 6000))),
        max_megapixels=draw(st.one_of(st.none(), st.sampled_from([0.3, 1.0, 2.0, 4.0]))),
        multiple_of=draw(st.sampled_from([None, 2, 8, 16, 64])),
        min_aspect=draw(st.sampled_from([None, 0.4, 0.42858, 0.5])),
        max_aspect=draw(st.sampled_from([None, 2.5, 2.33333, 2.0])),
    )


def size_after(size: tuple[int, int], fit: PictureFit) -> tuple[int, int]:
    return fit.resize or fit.crop or fit.pad or size


def made_to_fit(
    size: tuple[int, int], limits: PortLimits, choice: FitChoice, aspect: str | None
) -> PictureFit | None:
    """What is worked out; None where it is refused, which is a right answer as well."""
    try:
        return fit_picture(Shape(*size), limits, choice, aspect)
    except FitError:
        return None


def off_by(size: tuple[int, int], ratio: Fraction) -> Fraction:
    """How many pixels the shorter side (of that ratio) is off."""
    width, height = size
    return abs(height - width / ratio if ratio >= 1 else width - height * ratio)


def bounded(ratio: Fraction, limits: PortLimits) -> Fraction:
    low, high = (
        None if bound is None else Fraction(bound).limit_denominator(1000)
        for bound in (limits.min_aspect, limits.max_aspect)
    )
    ratio = ratio if low is None else max(ratio, low)
    return ratio if high is None else min(ratio, high)


@settings(max_examples=400, deadline=None)
@given(sizes, limits(), choices, aspects)
@example((3000, 2001), PortLimits(max_megapixels=1.0), NEITHER, None)
@example((1015, 407), PortLimits(multiple_of=8, max_aspect=2.5), NEITHER, None)
@example((999, 399), PortLimits(max_aspect=2.5), NEITHER, None)
@example((6001, 2399), PortLimits(max_side=6000, max_aspect=2.5), PAD, None)
def test_the_result_is_inside_every_limit_that_is_stated(
    size: tuple[int, int], limits: PortLimits, choice: FitChoice, aspect: str | None
) -> None:
    fit = made_to_fit(size, limits, choice, aspect)
    if fit is None:
        return
    after = size_after(size, fit)
    if limits.size is not None:
        assert after == parse_size(limits.size)
        return
    assert min(after) >= (limits.min_side or 1)
    assert max(after) <= (limits.max_side or max(after))
    most = (limits.max_megapixels or 10**6) * PIXELS_PER_MEGAPIXEL
    assert after[0] * after[1] <= most
    step = limits.multiple_of or 1
    assert [one % step for one in after] == [0, 0]
    if aspect is not None:
        most_off = Fraction(1, 2) if step == 1 else step
        assert off_by(after, bounded(ratio_of(aspect), limits)) <= most_off
    else:
        ratio = Fraction(*after)
        assert bounded(ratio, limits) == ratio, "a bound is crossed, if only by a hair"


@settings(max_examples=300, deadline=None)
@given(sizes, limits(), choices, aspects)
def test_a_picture_that_was_made_to_fit_is_left_alone_the_next_time(
    size: tuple[int, int], limits: PortLimits, choice: FitChoice, aspect: str | None
) -> None:
    fit = made_to_fit(size, limits, choice, aspect)
    if fit is None:
        return
    after = size_after(size, fit)
    for later in (CROP, PAD, NEITHER):
        assert fit_picture(Shape(*after), limits, later, aspect).is_nothing


@settings(max_examples=300, deadline=None)
@given(sizes, limits(), choices, aspects)
def test_nothing_is_stretched_by_more_than_a_pixel(
    size: tuple[int, int], limits: PortLimits, choice: FitChoice, aspect: str | None
) -> None:
    fit = made_to_fit(size, limits, choice, aspect)
    if fit is None:
        return
    part, after = fit.crop or fit.pad or size, size_after(size, fit)
    ratio = Fraction(*after)
    assert off_by(part, ratio) <= 1 or off_by(after, Fraction(*part)) <= 1


@settings(max_examples=300, deadline=None)
@given(sizes, limits(), choices, aspects)
def test_a_part_lies_in_the_picture_and_a_canvas_around_it(
    size: tuple[int, int], limits: PortLimits, choice: FitChoice, aspect: str | None
) -> None:
    fit = made_to_fit(size, limits, choice, aspect)
    if fit is None:
        return
    assert not (fit.crop and fit.pad)
    if fit.crop:
        assert fit.crop != size and all(a <= b for a, b in zip(fit.crop, size, strict=True))
    if fit.pad:
        assert choice == PAD
        assert fit.pad != size and all(a >= b for a, b in zip(fit.pad, size, strict=True))
    if fit.resize:
        assert fit.resize != (fit.crop or fit.pad or size)


@settings(max_examples=300, deadline=None)
@given(sizes, limits(), aspects)
def test_without_the_templates_word_a_side_loses_a_few_hundredths_at_most(
    size: tuple[int, int], limits: PortLimits, aspect: str | None
) -> None:
    fit = made_to_fit(size, limits, NEITHER, aspect)
    if fit is None:
        return
    step = limits.multiple_of or 1
    for kept, whole in zip(fit.crop or size, size, strict=True):
        scale = max(1.0, min(size) / min(size_after(size, fit)))  # a step of the smaller picture
        assert whole - kept <= max(1, TRIM * whole) + (step - 1) * 2.5 * scale + scale


@settings(max_examples=200, deadline=None)
@given(sizes, limits(), choices, aspects)
def test_the_plan_and_the_run_work_out_the_same(
    size: tuple[int, int], limits: PortLimits, choice: FitChoice, aspect: str | None
) -> None:
    foreseen = Shape(*size, alpha=False, media_type="image/png")
    measured = Shape(
        *size, alpha=False, media_type="image/png", mode="RGB", size_bytes=size[0] * size[1]
    )

    def answer(shape: Shape) -> PictureFit | str:
        try:
            return fit_picture(shape, limits, choice, aspect)
        except FitError as error:
            return str(error)

    assert answer(foreseen) == answer(measured)


@settings(max_examples=200, deadline=None)
@given(sizes, limits(), choices, aspects)
def test_a_refusal_is_one_line_that_says_what_to_do(
    size: tuple[int, int], limits: PortLimits, choice: FitChoice, aspect: str | None
) -> None:
    try:
        fit_picture(Shape(*size), limits, choice, aspect)
    except FitError as error:
        assert "\n" not in str(error)
        assert f"{size[0]}x{size[1]}" in error.problem
        assert "fit: {mode: crop}" in error.fix or "larger" in error.fix


@pytest.mark.parametrize(
    ("size", "limits", "choice", "aspect", "crop", "pad", "resize"),
    [
        # One vendor's 16:9 becomes exact without a word; a square does not.
        ((1344, 768), PortLimits(), NEITHER, "16:9", (1344, 756), None, None),
        ((1344, 768), PortLimits(size="1024x576"), NEITHER, None, (1344, 756), None, (1024, 576)),
        ((1024, 1024), PortLimits(), CROP, "16:9", (1024, 576), None, None),
        ((1024, 1024), PortLimits(), PAD, "16:9", None, (1820, 1024), None),
        ((1024, 1024), PortLimits(size="1024x576"), PAD, None, None, (1820, 1024), (1024, 576)),
        # Smaller: the shape stays, to the pixel.
        ((8000, 4000), PortLimits(max_side=6000), NEITHER, None, None, None, (6000, 3000)),
        ((2048, 2048), PortLimits(max_megapixels=1.0), NEITHER, None, None, None, (1024, 1024)),
        # Whole steps: a few pixels at the edges go, also in what is resized.
        ((1001, 803), PortLimits(multiple_of=8), NEITHER, None, (1000, 800), None, None),
        # A bound is met from inside.
        ((1020, 399), PortLimits(max_aspect=2.5), NEITHER, None, (997, 399), None, None),
        ((300, 700), PortLimits(min_aspect=0.42858), NEITHER, None, None, None, None),
        # 1366x768 is 16:9 within half a pixel of its height.
        ((1366, 768), PortLimits(), PAD, "16:9", None, None, None),
    ],
)
def test_examples(
    size: tuple[int, int],
    limits: PortLimits,
    choice: FitChoice,
    aspect: str | None,
    crop: tuple[int, int] | None,
    pad: tuple[int, int] | None,
    resize: tuple[int, int] | None,
) -> None:
    fit = fit_picture(Shape(*size), limits, choice, aspect)
    assert (fit.crop, fit.pad, fit.resize) == (crop, pad, resize)


@pytest.mark.parametrize(
    ("size", "limits", "said"),
    [
        ((200, 900), PortLimits(min_side=300), "the picture is 200x900, and 300 pixels a side"),
        ((5, 100), PortLimits(multiple_of=8), "the picture is 5x100, and 8 pixels a side"),
        (
            (9000, 400),
            PortLimits(min_side=300, max_side=6000),
            "the picture is 9000x400, of which 6000x267 would be sent, and 300 pixels a side",
        ),
        ((1024, 1024), PortLimits(size="1024x576"), "the picture is 1024x1024, and 16:9 is needed"),
        ((1000, 300), PortLimits(max_aspect=2.5), "the picture is 1000x300, and 5:2 is needed"),
    ],
)
def test_what_is_refused(size: tuple[int, int], limits: PortLimits, said: str) -> None:
    with pytest.raises(FitError) as raised:
        fit_picture(Shape(*size), limits, NEITHER)
    assert raised.value.problem.startswith(said)


def test_a_colour_that_can_be_seen_through_is_refused_where_only_whole_pictures_are_taken() -> None:
    clear, opaque = PortLimits(alpha=True), PortLimits(alpha=False)
    for colour in ("transparent", " Transparent ", "#ffffff80", "#fff8"):
        choice = FitChoice("pad", colour)
        assert fit_picture(Shape(100, 50, alpha=False), clear, choice, "1:1").pad == (100, 100)
        for shape, aspect in ((Shape(100, 50), "1:1"), (Shape(100, 100, alpha=True), None)):
            with pytest.raises(FitError, match="can be seen through"):
                fit_picture(shape, opaque, choice, aspect)
    for colour in (None, "white", "#ffffff", "#ffffffff", "#fff", "#ffff"):
        assert fit_picture(Shape(9, 9, alpha=True), opaque, FitChoice(colour=colour)).flatten


@pytest.mark.parametrize(
    ("shape", "limits", "media_type", "flatten"),
    [
        # What is taken keeps its form; else without loss, and a photograph stays one.
        (Shape(9, 9, media_type="image/webp"), PortLimits(), None, False),
        (Shape(9, 9, media_type="image/webp"), PortLimits(formats=("webp",)), None, False),
        (Shape(9, 9, media_type="image/webp"), PortLimits(formats=("jpeg", "png")), "png", False),
        (Shape(9, 9, media_type="image/avif"), PortLimits(formats=("jpeg", "png")), "jpeg", False),
        # A GIF that is taken passes with all its frames; cut, it is a still picture.
        (Shape(9, 9, media_type="image/gif"), PortLimits(formats=("gif", "png")), None, False),
        (
            Shape(90, 9, media_type="image/gif"),
            PortLimits(formats=("gif", "png"), max_side=50),
            "png",
            False,
        ),
        # JPEG alone takes no alpha, whether or not that was written down.
        (
            Shape(9, 9, alpha=True, media_type="image/png"),
            PortLimits(formats=("jpeg",)),
            "jpeg",
            True,
        ),
        # Too heavy: a PNG goes over to a lossy form, one that keeps what is transparent.
        (
            Shape(9, 9, media_type="image/png", size_bytes=11),
            PortLimits(formats=("jpeg", "png"), max_bytes=10),
            "jpeg",
            False,
        ),
        (
            Shape(9, 9, alpha=True, media_type="image/png", size_bytes=11),
            PortLimits(formats=("jpeg", "png", "webp"), max_bytes=10),
            "webp",
            False,
        ),
    ],
)
def test_the_form_of_the_file(
    shape: Shape, limits: PortLimits, media_type: str | None, flatten: bool
) -> None:
    fit = fit_picture(shape, limits, NEITHER)
    assert fit.media_type == (media_type and f"image/{media_type}")
    assert fit.flatten == flatten


def test_a_form_that_nobody_here_writes_is_refused() -> None:
    with pytest.raises(FitError, match="the picture is a png and only gif is taken"):
        fit_picture(Shape(9, 9, media_type="image/png"), PortLimits(formats=("gif",)), NEITHER)
