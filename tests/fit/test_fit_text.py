"""A text that is too long is refused, or cut where a reader would cut it."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from providers.catalog.limits import PortLimits
from providers.fit import FitChoice, FitError, fit_text

CUT = FitChoice(text="cut")


def cut(text: str, most: int) -> str:
    return fit_text(text, PortLimits(max_characters=most), CUT)


@settings(max_examples=500, deadline=None)
@given(
    st.one_of(
        st.text(max_size=80), st.text("ab .!?。’\n", max_size=80), st.text("e\u0301👩\u200d🇨🇭🏽 ")
    ),
    st.integers(1, 60),
)
def test_the_result_is_a_beginning_of_the_text_within_the_limit(text: str, most: int) -> None:
    found = cut(text, most)
    assert text.startswith(found)
    assert len(found) <= most
    assert (found == text) == (len(text) <= most)
    assert bool(found.strip()) == bool(text[:most].strip()) or not found.strip()
    assert found or not text
    assert cut(found, most) == found


@given(st.text(), st.one_of(st.none(), st.integers(0, 50)))
def test_without_the_templates_word_a_text_passes_whole_or_not_at_all(
    text: str, most: int | None
) -> None:
    limits = PortLimits(max_characters=most)
    for choice in (FitChoice(), FitChoice(text="refuse")):
        if most is None or len(text) <= most:
            assert fit_text(text, limits, choice) == text
        else:
            with pytest.raises(FitError, match=rf"has {len(text):,} characters, and {most:,} are"):
                fit_text(text, limits, choice)


@pytest.mark.parametrize(
    ("text", "most", "left"),
    [
        ("A red mug. It stands on oak. Light from the left.", 30, "A red mug. It stands on oak."),
        # The limit itself is inside.
        ("A red mug. On oak.", 10, "A red mug."),
        ("A red mug. On oak.", 9, "A red"),
        # A full stop in the middle of a number ends nothing, wherever the limit falls.
        ("One cup. At scale 3.14 of life", 20, "One cup."),
        ("A mug at a scale 3.14 of life", 19, "A mug at a scale"),
        # What closes a quotation goes with its sentence.
        ('He says "Stop." Then he goes on', 17, 'He says "Stop."'),
        ("A mug (on oak.) And light", 18, "A mug (on oak.)"),
        ("Really?! Yes and no", 12, "Really?!"),
        # Chinese and Japanese sentences have no space between them.
        ("红色的杯子。放在橡木上。光从左边来", 10, "红色的杯子。"),
        ("彼は「止まれ。」と言った", 9, "彼は「止まれ。」"),
        # No sentence ends late enough: before the word that is too much, and not one more.
        ("A. photograph of a red mug standing on oak", 30, "A. photograph of a red mug"),
        ("a red mug on oak", 9, "a red mug"),
        ("a red mug on oak", 8, "a red"),
        ("a red  mug", 6, "a red"),
        # No word fits.
        ("Donaudampfschifffahrt", 5, "Donau"),
        (" Donaudampfschifffahrt", 6, " Donau"),
    ],
)
def test_where_it_is_cut(text: str, most: int, left: str) -> None:
    assert cut(text, most) == left


@pytest.mark.parametrize(
    ("letter", "name"),
    [
        ("e\u0301", "an accent of its own"),
        ("👩\u200d🚀", "two emoji joined to one"),
        ("👍🏽", "an emoji with a skin tone"),
        ("❤\ufe0f", "a variant"),
        ("🇨🇭", "a flag of two letters"),
        ("\ud83d\ude00", "a pair of surrogates out of broken JSON"),
    ],
)
def test_what_people_see_as_one_letter_is_never_taken_apart(letter: str, name: str) -> None:
    for before in range(1, 4):
        text = letter * before + letter * 20
        for most in range(len(letter) * before, len(letter) * (before + 1)):
            assert cut(text, most) == letter * before, name


def test_a_letter_that_is_longer_than_the_limit_is_cut_all_the_same() -> None:
    monster = "e" + "\u0301" * 50
    assert cut(monster, 10) == monster[:10]
    assert unicodedata.category(monster[1]) == "Mn"
