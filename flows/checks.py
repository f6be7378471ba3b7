"""The checks of a step as a template writes them: `checks: [{json: {title: {max: 70}}}]`.

The grammar has more of them than are carried out; those are refused when a run would need them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flows.place import Place
from providers.errors import near
from providers.json_fields import JsonField, fields_in
from providers.kinds import Kind
from tasks.checks import NO_CHECKS, Checks

CARRIED_OUT = ("json",)
_FORM = "write [title, bullets], or {title: {max: 70}, bullets: {list: 5, max: 120}}"

Written = Sequence["str | Mapping[str, Any]"]


def read_checks(written: Written, kind: Kind, where: Place) -> Checks:
    """Return the checks that are carried out, of those that a step writes.

    Raises:
        RequestError: one of them is not in its form.
    """
    fields: tuple[JsonField, ...] = ()
    for position, check in enumerate(written):
        if isinstance(check, str) or "json" not in check:
            continue
        here = where.at(position)
        if len(check) > 1:
            raise here.fault("a check is one word; write each of them as an entry of its own")
        if fields:
            raise here.fault("json is checked twice; put all fields into one")
        if kind.outputs[kind.main_output].type.word != "text":
            raise here.fault(f"json checks a text, and {kind.name} gives none")
        fields = _fields(check["json"], here.at("json"))
    return Checks(kind.main_output, fields) if fields else NO_CHECKS


def not_carried_out(written: Written) -> list[str]:
    """Return the names of the checks that this version does not carry out."""
    names = [name for one in written for name in ([one] if isinstance(one, str) else one)]
    return [name for name in names if name not in CARRIED_OUT]


def _fields(written: Any, where: Place) -> tuple[JsonField, ...]:
    if isinstance(written, Sequence) and not isinstance(written, str):
        written = {name: {} for name in written if isinstance(name, str)} or None
    if not isinstance(written, Mapping) or not written:
        raise where.fault(f"names the fields of the answer: {_FORM}")
    return tuple(_field(str(name), form, where.at(str(name))) for name, form in written.items())


def _field(name: str, form: Any, where: Place) -> JsonField:
    try:
        (field,) = fields_in(name)
    except ValueError:
        raise where.fault("a field has letters, digits and _, with a letter first") from None
    if field.name != name or not isinstance(form, Mapping):
        raise where.fault(f"{form!r} is no form of a field: {_FORM}")
    for word in form:
        if word not in ("max", "list"):
            raise where.fault(f"there is no {word!r}.{near(str(word), ('max', 'list'))}")
    items, most = form.get("list", False), form.get("max")
    is_number = isinstance(items, int) and not isinstance(items, bool)
    if not isinstance(items, int) or (is_number and items < 1):
        raise where.fault(f"list: {items!r} is neither true nor the most items, from 1")
    if most is not None and (not isinstance(most, int) or isinstance(most, bool) or most < 1):
        raise where.fault(f"max: {most!r} is not the most characters, from 1")
    return JsonField(name, bool(items), items if is_number else None, most)
