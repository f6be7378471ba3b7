"""The request key: the same request has one key, and every field of it counts."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from providers.catalog import load_model
from providers.media import Media
from tasks.candidate import Candidate
from tasks.key import RequestFields, digest, identity

SAMPLE = RequestFields(
    model="flux-2-pro",
    revision=1,
    provider="fal",
    endpoint="fal-ai/flux-2-pro",
    realm="live",
    parameters={"megapixels": 1},
    inputs={"prompt": "a red mug"},
    fit={},
    take=1,
)
OTHER: dict[str, Any] = {
    "model": "recraft-v4",
    "revision": 2,
    "provider": "replicate",
    "endpoint": "fal-ai/flux-2-dev",
    "realm": "local",
    "parameters": {"megapixels": 2},
    "inputs": {"prompt": "a blue mug"},
    "fit": {"mode": "crop"},
    "take": 2,
}

words = st.text(max_size=8)
numbers = st.integers(-(10**6), 10**6) | st.floats(-1e6, 1e6, allow_nan=False)
data = st.recursive(
    st.none() | st.booleans() | numbers | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=4),
    max_leaves=12,
)


def reordered(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: reordered(value[key]) for key in reversed(value)}
    if isinstance(value, list):
        return [reordered(item) for item in value]
    return value


def with_floats(value: Any) -> Any:
    """Whole numbers as a YAML file or a form may write them, too: 2.0 for 2."""
    if isinstance(value, dict):
        return {key: with_floats(item) for key, item in value.items()}
    if isinstance(value, list):
        return tuple(with_floats(item) for item in value)
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


@settings(max_examples=80, deadline=None)
@given(st.dictionaries(words, data, max_size=5))
def test_the_order_of_keys_and_2_or_2_0_do_not_matter(value: dict[str, Any]) -> None:
    assert digest(reordered(value)) == digest(value)
    assert digest(with_floats(value)) == digest(value)


@settings(max_examples=80, deadline=None)
@given(data, data)
def test_different_data_have_different_digests(first: Any, second: Any) -> None:
    if first != second:
        assert digest(first) != digest(second)


@pytest.mark.parametrize("pair", [(True, 1), (False, 0), ("1", 1), (None, "null"), ([1], [[1]])])
def test_what_looks_alike_is_told_apart(pair: tuple[Any, Any]) -> None:
    assert digest({"a": pair[0]}) != digest({"a": pair[1]})


def test_a_lone_surrogate_out_of_a_table_has_a_key_all_the_same() -> None:
    assert len(digest({"prompt": "\udc80"})) == 64


def test_a_number_that_is_none_has_no_key() -> None:
    with pytest.raises(ValueError, match="JSON"):
        digest({"a": float("nan")})


@pytest.mark.parametrize("name", [field.name for field in fields(RequestFields)])
def test_every_field_of_a_request_changes_its_key(name: str) -> None:
    assert name in OTHER, f"say here what another {name!r} is: it must change the key"
    assert replace(SAMPLE, **{name: OTHER[name]}).key() != SAMPLE.key()


def candidate(model: str, provider: str = "fal", **changes: Any) -> Candidate:
    found = load_model(model)
    binding = next(binding for binding in found.bindings if binding.provider == provider)
    values: dict[str, Any] = {
        "model": found,
        "binding": binding,
        "provider": provider,
        "endpoint": binding.endpoint,
        "realm": "live",
        "parameters": {},
        "inputs": {"prompt": "a red mug"},
        "is_sendable": True,
    }
    return Candidate(**(values | changes))


def test_two_models_with_equal_inputs_never_share_a_key() -> None:
    keys = [
        candidate("flux-2-pro", endpoint="same").key,
        candidate("recraft-v4", endpoint="same").key,
        candidate("flux-2-pro", "replicate", endpoint="same").key,
    ]
    assert len(set(keys)) == 3


def test_a_candidate_has_every_field_of_a_request() -> None:
    assert set(candidate("flux-2-pro").fields) == {field.name for field in fields(RequestFields)}


def test_whether_a_candidate_can_be_sent_today_is_not_in_its_key() -> None:
    assert candidate("flux-2-pro", is_sendable=False).key == candidate("flux-2-pro").key


def test_media_are_keyed_by_their_bytes_and_by_nothing_else() -> None:
    one = Media("image", "a" * 64, "image/png", 12, 4, 2, alpha=True)
    other = replace(one, width=8, alpha=False, size_bytes=13)
    assert identity(one) == identity(other) == {"sha256": "a" * 64}
    assert identity((one, "text", None)) == [{"sha256": "a" * 64}, "text", None]
    first, second = (candidate("bria-rmbg-2", inputs={"image": item}) for item in (one, other))
    assert first.key == second.key
    third = candidate("bria-rmbg-2", inputs={"image": replace(one, sha256="b" * 64)})
    assert third.key != first.key
