"""Providers: whose key is set, and where results come from."""

from __future__ import annotations

import pytest

from providers.errors import RequestError
from providers.registry import PROVIDERS, provider_named

FAL = PROVIDERS["fal"]


def test_every_provider_is_registered_under_its_own_name_in_order() -> None:
    assert list(PROVIDERS) == sorted(PROVIDERS)
    assert all(name == provider.name for name, provider in PROVIDERS.items())


def test_an_unknown_provider_offers_the_nearest_name() -> None:
    with pytest.raises(RequestError, match="Did you mean 'replicate'"):
        provider_named("replicat")


def test_a_provider_has_a_key_when_its_variable_is_set_and_not_empty() -> None:
    assert FAL.has_key({"FAL_KEY": "abc"})
    assert not FAL.has_key({"FAL_KEY": ""})
    assert not FAL.has_key({})
    assert PROVIDERS["local"].has_key({})


def test_results_of_a_providers_own_hosts_are_live() -> None:
    assert FAL.realm({}) == "live"
    assert FAL.realm({"FAL_BASE_URL": ""}) == "live"
    assert FAL.realm({"REPLICATE_BASE_URL": "http://127.0.0.1:9"}) == "live"


@pytest.mark.parametrize(
    ("url", "realm"),
    [
        ("http://127.0.0.1:8123", "http://127.0.0.1:8123"),
        ("http://127.0.0.1:8123/fal/", "http://127.0.0.1:8123"),
        ("https://gateway.example/v1?x=1", "https://gateway.example"),
    ],
)
def test_elsewhere_the_realm_is_the_origin_of_the_base_url(url: str, realm: str) -> None:
    assert FAL.realm({"FAL_BASE_URL": url}) == realm


def test_this_machine_is_a_realm_of_its_own_whatever_is_set() -> None:
    assert PROVIDERS["local"].realm({"LOCAL_BASE_URL": "http://127.0.0.1:1"}) == "local"
