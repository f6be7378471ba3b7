"""A template built in Python and saved loads to an equal one, whatever its texts are."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from flows.graph import template_digest
from flows.load import SHIPPED, load_template, read_template, template_names
from flows.save import yaml_of
from flows.template import Input, Step, Template
from flows.yaml_text import WIDTH
from providers.errors import RequestError

texts = some.text(max_size=200) | some.sampled_from(
    [
        "no",
        "16:9",
        "null",
        "1e3",
        "~",
        "a: b",
        "a #b",
        "- a",
        "$photo",
        "${a}, $$5",
        " a",
        "a\n",
        "\n",
    ]
    + ["two\nlines", "a\n\n b", "x" * 300, "word " * 60 + "end", "\x85", "\ufeff", "0x1f", "@", "é"]
)
names = some.from_regex(r"[a-z][a-z0-9_]{0,8}x", fullmatch=True)
numbers = some.integers() | some.floats(allow_nan=False)
scalars = some.none() | some.booleans() | numbers | texts
values = some.recursive(
    scalars,
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)


@some.composite
def inputs(draw: some.DrawFn) -> Input:
    word = draw(some.sampled_from(["text", "integer", "number", "boolean", "image", "choice"]))
    stated: dict[str, Any] = {"type": word, "about": draw(texts)}
    if word == "choice":
        stated["options"] = draw(some.lists(texts | some.integers(), min_size=1, max_size=3))
    if word == "number" and draw(some.booleans()):
        stated["minimum"] = draw(some.floats(-1e6, 1e6))
    if draw(some.booleans()):
        stated["default"] = draw(texts) if word == "text" else None
    return Input.model_validate(stated)


@some.composite
def steps(draw: some.DrawFn) -> Step:
    stated: dict[str, Any] = {
        "model": draw(texts),
        "with": draw(some.dictionaries(texts, values, max_size=4)),
        "fallback": draw(some.lists(texts, max_size=2)),
        "silence": draw(some.lists(texts, max_size=2)),
        "when": draw(some.none() | texts),
        "on_error": draw(some.sampled_from(["fail", "skip"])),
        "take": draw(some.integers(1, 5)),
        "fit": draw(some.none() | some.sampled_from([{}, {"mode": "pad"}, {"text": "cut"}])),
        "checks": draw(
            some.lists(texts | some.dictionaries(texts, values, max_size=2), max_size=2)
        ),
        "allow": draw(some.just("any") | some.lists(texts, max_size=2)),
    }
    if draw(some.booleans()):
        stated |= {"each": {draw(names): draw(texts)}, "max": draw(some.integers(1, 9))}
    return Step.model_validate(stated)


templates = some.builds(
    Template,
    name=some.from_regex(r"[a-z][a-z0-9-]{0,20}", fullmatch=True),
    version=some.integers(1, 10**6),
    about=texts,
    inputs=some.dictionaries(names, inputs(), max_size=3),
    steps=some.dictionaries(names, steps(), min_size=1, max_size=3),
    outputs=some.dictionaries(names, values, min_size=1, max_size=2),
)


@settings(max_examples=300, deadline=None)
@given(templates)
def test_what_is_written_is_read_as_an_equal_template(template: Template) -> None:
    again = read_template(yaml_of(template), "again.yaml")
    assert again == template
    assert template_digest(again) == template_digest(template)


@pytest.mark.parametrize(
    "name", [name for name, path in template_names() if path.parent == SHIPPED]
)
def test_every_shipped_template_saved_is_the_same_template(name: str, tmp_path: Path) -> None:
    shipped = load_template(name)
    path = shipped.template.save(tmp_path / "templates" / f"{name}.yaml")
    assert load_template(path) == shipped
    assert max(map(len, path.read_text(encoding="utf-8").splitlines())) <= WIDTH + 4


def test_a_saved_template_reads_as_a_person_would_write_it(tmp_path: Path) -> None:
    made = Template(
        name="mug",
        version=1,
        about="A mug, cut out.",
        inputs={"aspect": Input(type="choice", options=("1:1", "4:5"), default="1:1")},
        steps={
            "photo": Step(
                model="flux-2-pro",
                with_={"prompt": "a red mug\non a table", "aspect_ratio": "$aspect"},
                when='aspect == "1:1"',
            ),
            "cutout": Step(model="birefnet", with_={"image": "$photo"}, fallback=("bria-rmbg-2",)),
        },
        outputs={"cutout": {"first": ("$cutout", "$photo")}},
    )
    assert (
        made.save(tmp_path / "mug.yaml").read_text(encoding="utf-8")
        == """\
name: mug
version: 1
about: A mug, cut out.
inputs:
  aspect: {type: choice, options: ["1:1", "4:5"], default: "1:1"}
steps:
  photo:
    model: flux-2-pro
    with:
      prompt: |-
        a red mug
        on a table
      aspect_ratio: $aspect
    when: aspect == "1:1"
  cutout:
    model: birefnet
    with: {image: $photo}
    fallback: [bria-rmbg-2]
outputs: {cutout: {first: [$cutout, $photo]}}
"""
    )
    assert load_template(tmp_path / "mug.yaml").template == made


def test_a_value_that_yaml_does_not_hold_is_refused_before_anything_is_written(
    tmp_path: Path,
) -> None:
    step = Step(model="flux-2-pro", with_={"prompt": date(2026, 1, 1)})
    made = Template(name="a", version=1, about="", steps={"photo": step}, outputs={"a": "$photo"})
    with pytest.raises(RequestError, match="'2026-01-01' is a date, which YAML does not hold"):
        made.save(tmp_path / "a.yaml")
    assert list(tmp_path.iterdir()) == []


def test_a_template_cannot_be_saved_where_a_file_stands_for_a_folder(tmp_path: Path) -> None:
    (tmp_path / "templates").write_text("", encoding="utf-8")
    template = load_template("cut-out").template
    with pytest.raises(RequestError, match=r"a\.yaml: cannot be written: "):
        template.save(tmp_path / "templates" / "a.yaml")
