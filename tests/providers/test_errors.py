"""The error tree: it survives a JSON round trip, and every class leads to a known row state."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from flows.runner import STATES
from providers import errors
from providers.errors import MediaflowsError, StepError, UnavailableError, UserError, near


def tree(root: type[MediaflowsError]) -> Iterator[type[MediaflowsError]]:
    yield root
    for child in root.__subclasses__():
        yield from tree(child)


ALL = sorted(
    (cls for cls in tree(MediaflowsError) if cls.__module__ == errors.__name__),
    key=lambda cls: cls.__name__,
)


@pytest.mark.parametrize("cls", ALL, ids=lambda cls: cls.__name__)
def test_an_error_is_rebuilt_from_its_class_and_one_message(cls: type[MediaflowsError]) -> None:
    error = cls("fal refused 'flux': too large")
    assert str(cls(str(error))) == str(error) == "fal refused 'flux': too large"


@pytest.mark.parametrize("cls", ALL, ids=lambda cls: cls.__name__)
def test_every_error_leads_to_a_known_row_state(cls: type[MediaflowsError]) -> None:
    assert cls.word in STATES


def test_only_what_the_docstring_draws_is_in_the_tree() -> None:
    drawn = str(errors.__doc__)
    assert [cls.__name__ for cls in ALL if cls.__name__ not in drawn] == []
    assert all(issubclass(cls, UserError | StepError) for cls in ALL if cls is not MediaflowsError)


def test_unavailable_says_when_to_come_back() -> None:
    assert UnavailableError("busy").retry_after_seconds is None
    assert UnavailableError("busy", retry_after_seconds=2.5).retry_after_seconds == 2.5


def test_a_near_name_is_offered_else_what_is_known() -> None:
    assert near("fluks-2-pro", ["flux-2-pro", "birefnet"]) == " Did you mean 'flux-2-pro'?"
    assert near("zzz", ["b", "a"]) == " Known: a, b."
    assert near("zzz", []) == ""


def test_a_long_list_of_known_names_is_cut() -> None:
    offered = near("zzz", [f"name{number:02}" for number in range(20)])
    assert offered.endswith("name11, ...")
