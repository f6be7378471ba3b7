"""Media are references that JSON keeps whole."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from providers.media import MEDIA_KINDS, Media, value_from_json, value_to_json

sha256 = st.text("0123456789abcdef", min_size=64, max_size=64)
media = st.builds(
    Media,
    kind=st.sampled_from(MEDIA_KINDS),
    sha256=sha256,
    media_type=st.sampled_from(["image/png", "video/mp4", "x/unknown"]),
    size_bytes=st.integers(0, 2**40),
    width=st.none() | st.integers(1, 20_000),
    height=st.none() | st.integers(1, 20_000),
    seconds=st.none() | st.floats(0, 10_000, allow_nan=False),
    alpha=st.none() | st.booleans(),
)
scalars = st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False)
values = st.recursive(scalars | media, lambda inner: st.lists(inner, max_size=3).map(tuple))


@settings(max_examples=60, deadline=None)
@given(values)
def test_a_value_is_equal_after_a_round_trip_through_json(value: object) -> None:
    text = json.dumps(value_to_json(value))  # type: ignore[arg-type]
    assert value_from_json(json.loads(text)) == value


def test_media_come_back_as_media_and_not_as_a_mapping() -> None:
    picture = Media("image", "0" * 64, "image/png", 12, 4, 2, alpha=True)
    assert value_from_json([picture.to_json()]) == (picture,)


def test_json_data_with_a_key_media_among_others_stays_data() -> None:
    data = {"media": 1, "other": 2}
    assert value_from_json(data) == data


def test_the_extension_follows_the_media_type_and_not_a_name() -> None:
    assert Media("image", "0" * 64, "image/jpeg", 1).extension == "jpg"
    assert Media("image", "0" * 64, "x/unknown", 1).extension == "bin"
