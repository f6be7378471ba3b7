"""A template that was built in Python, written as its YAML file would have it."""

from __future__ import annotations

import io
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.representer import RoundTripRepresenter

from flows.template import Template


def written_template(template: Template) -> str:
    """Return the template as YAML, its parts in the order that they were given; it loads as equal."""
    data = template.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    for given in data.get("inputs", {}).values():
        # Said by the default itself, as people write it.
        if given.pop("required", True) is False and "default" not in given:
            given["default"] = None
    return _yaml(data)


class _Representer(RoundTripRepresenter):
    """Writes null as a word; a class of its own, since representers are kept by class."""


_Representer.add_representer(
    type(None), lambda one, _: one.represent_scalar("tag:yaml.org,2002:null", "null")
)


def _yaml(data: Any) -> str:
    writer = YAML()
    writer.Representer = _Representer
    writer.default_flow_style = False
    writer.width = 100
    text = io.StringIO()
    writer.dump(data, text)
    return text.getvalue()
