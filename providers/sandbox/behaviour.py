"""A profile: how fast the vendors are, how their pictures are made and what goes wrong.

`profiles/*.json` are the named ones; a path to a file of the same form is as good. Every fault of
the flaky and hostile ones is one line there.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from providers.errors import RequestError, near
from providers.sandbox.dice import FAULTS, Rule

FOLDER = Path(__file__).parent / "profiles"
_RULE_KEYS = ("provider", "endpoint", "fault", "probability", "every", "nth", "at")


@dataclass(frozen=True, slots=True)
class Profile:
    """One way for the vendors to behave.

    A job's run takes the endpoint's usual seconds times `time_scale`, spread log-normally by
    `spread`, from `shortest_seconds` to `longest_seconds`. `in_progress` is how many jobs a vendor
    works on at a time, `creates_per_minute` how many it accepts.
    """

    name: str
    time_scale: float = 0.1
    spread: float = 0.35
    shortest_seconds: float = 0.0
    longest_seconds: float = 60.0
    queue_seconds: float = 0.0
    pictures: str = "drawn"
    picture_bytes: int = 0
    unknown_fields: str = "refuse"
    in_progress: Mapping[str, int] = field(default_factory=dict)
    creates_per_minute: Mapping[str, int] = field(default_factory=dict)
    url_seconds: Mapping[str, float] = field(default_factory=dict)
    rules: tuple[Rule, ...] = ()


def profile_names() -> list[str]:
    """Return the names of the profiles that come with the sandbox."""
    return sorted(path.stem for path in FOLDER.glob("*.json"))


def load_profile(name: str) -> Profile:
    """Return the profile of that name, or in the file of that path.

    Raises:
        RequestError: no such profile or file, or it says what no profile says.
    """
    path = FOLDER / f"{name}.json" if name in profile_names() else Path(name)
    if not path.is_file():
        raise RequestError(f"There is no sandbox profile {name!r}.{near(name, profile_names())}")
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise RequestError(f"{path}: not valid JSON: {error}") from None
    return _profile(path, data)


def _profile(path: Path, data: dict[str, Any]) -> Profile:
    data = {key: value for key, value in data.items() if key != "about"}
    rules = tuple(_rule(path, entry) for entry in data.pop("rules", []))
    known = set(Profile.__dataclass_fields__) - {"name", "rules"}
    for key in data:
        if key not in known:
            raise RequestError(f"{path}: a profile has no {key!r}.{near(key, known)}")
    return Profile(name=path.stem, rules=rules, **data)


def _rule(path: Path, entry: Mapping[str, Any]) -> Rule:
    fault = str(entry.get("fault"))
    if fault not in FAULTS:
        raise RequestError(f"{path}: there is no fault {fault!r}.{near(fault, FAULTS)}")
    options = {key: value for key, value in entry.items() if key not in _RULE_KEYS}
    return Rule(
        fault=fault,
        at=str(entry.get("at") or FAULTS[fault]),
        provider=entry.get("provider", "*"),
        endpoint=entry.get("endpoint", "*"),
        probability=entry.get("probability"),
        every=entry.get("every"),
        nth=tuple(entry.get("nth", ())),
        options=options,
    )
