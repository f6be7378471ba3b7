"""Pixels from an aspect ratio: never more than asked for, since vendors bill the next megapixel."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from providers.catalog.size import EXACT_SHARE, PIXELS_PER_MEGAPIXEL, size_of

side = st.integers(1, 21)
aspects = st.tuples(side, side).filter(lambda pair: 1 / 8 <= pair[0] / pair[1] <= 8)


@settings(max_examples=200, deadline=None)
@given(
    aspect=aspects,
    megapixels=st.floats(0.1, 16) | st.sampled_from([0.5, 1, 2, 4]),
    multiple_of=st.sampled_from([1, 2, 8, 16, 32, 64]),
)
def test_a_size_is_never_above_what_was_asked_and_keeps_the_ratio(
    aspect: tuple[int, int], megapixels: float, multiple_of: int
) -> None:
    width, height = size_of(f"{aspect[0]}:{aspect[1]}", megapixels, multiple_of)
    assert width * height <= megapixels * PIXELS_PER_MEGAPIXEL
    assert width % multiple_of == height % multiple_of == 0
    assert min(width, height) > 0
    assert abs(width - height * aspect[0] / aspect[1]) <= multiple_of


@settings(max_examples=60, deadline=None)
@given(aspect=aspects, megapixels=st.floats(0.5, 16))
def test_a_size_is_exact_or_comes_within_two_steps_of_what_was_asked(
    aspect: tuple[int, int], megapixels: float
) -> None:
    width, height = size_of(f"{aspect[0]}:{aspect[1]}", megapixels)
    most = megapixels * PIXELS_PER_MEGAPIXEL
    if width * aspect[1] == height * aspect[0]:
        assert width * height >= EXACT_SHARE * most or (width + 32) * (height + 32) > most
    else:
        assert (width + 32) * (height + 32) > most


@pytest.mark.parametrize(
    ("aspect", "megapixels", "size"),
    [
        ("1:1", 1, (1024, 1024)),
        ("1:1", 4, (2048, 2048)),
        ("16:9", 1, (1280, 720)),  # exactly 16:9; 1360x768 is not, and would be cropped
        ("9:16", 1, (720, 1280)),
    ],
)
def test_common_ratios_give_the_sizes_that_vendors_name(
    aspect: str, megapixels: float, size: tuple[int, int]
) -> None:
    assert size_of(aspect, megapixels) == size
