"""The request key: one digest that says whether two requests are the same.

Every field of `RequestFields` is in the key; what an attempt merely records (fitted bytes, prices,
labels) is not a field. The inputs are the original bytes' digests: nothing is decoded for a key.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from providers.media import Media, Value

KEY_VERSION = 1  # changing what goes into a key changes every key: everything would be paid anew


@dataclass(frozen=True, slots=True)
class RequestFields:
    """All that makes a request what it is."""

    model: str
    revision: int
    provider: str
    endpoint: str
    realm: str
    parameters: Mapping[str, Any]
    inputs: Mapping[str, Any]
    fit: Mapping[str, Any] = field(default_factory=dict)
    take: int = 1

    def key(self) -> str:
        """Return the request key, 64 hexadecimal digits."""
        values = {name: getattr(self, name) for name in self.__slots__}
        return digest({"key_version": KEY_VERSION, **values})


def digest(data: Any) -> str:
    """Return the sha256 of `data` as canonical JSON: sorted keys, 2.0 written as 2."""
    text = json.dumps(
        _canonical(data), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def identity(value: Value) -> Any:
    """Return what a key holds of an input: text and JSON as they are, media as a digest."""
    if isinstance(value, Media):
        return {"sha256": value.sha256}
    if isinstance(value, tuple):
        return [identity(item) for item in value]
    return value


def _canonical(data: Any) -> Any:
    # In the order of how often they come; asking for Mapping is slow, and a dict is found before.
    if isinstance(data, (str, int)) or data is None:
        return data
    if isinstance(data, (dict, Mapping)):
        return {str(key): _canonical(value) for key, value in data.items()}
    if isinstance(data, (list, tuple)):
        return [_canonical(item) for item in data]
    if isinstance(data, float) and data.is_integer():
        return int(data)
    return data
