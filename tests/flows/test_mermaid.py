"""The graph as mermaid: every input, step and output, every edge with its type."""

from __future__ import annotations

import re

import pytest

from flows.load import SHIPPED, load_template, load_text, shipped_names
from flows.mermaid import mermaid

TEXT = """\
name: odd
version: 1
about: What a chart could trip over.
inputs:
  end: {type: text}
  size: {type: choice, options: [small, large]}
  widths: {type: "list[integer]"}
steps:
  photo: {model: flux-2-pro, with: {prompt: "a ${end} mug"}, when: size == "small"}
  other: {model: sdxl, with: {prompt: $end}, fallback: [flux-2-pro]}
  cut: {model: birefnet, with: {image: {first: [$photo, $other]}}, when: photo.width < 2000 and size != size}
  scaled: {model: resize, each: {width: $widths}, with: {image: $cut, width: $width}}
outputs: {cut: $cut, scaled: $scaled}
"""


def test_edges_bear_their_types_and_conditions_are_dotted() -> None:
    assert mermaid(load_text(TEXT, "odd.yaml")).splitlines() == [
        "flowchart LR",
        '  in_end(["end: text"])',
        '  in_size(["size: choice"])',
        '  in_widths(["widths: list[integer]"])',
        '  step_photo["<b>photo</b><br>flux-2-pro<br>when size == #quot;small#quot;"]',
        '  step_other["<b>other</b><br>sdxl<br>or flux-2-pro"]',
        '  step_cut["<b>cut</b><br>birefnet<br>when photo.width #lt; 2000 and size != size"]',
        '  step_scaled["<b>scaled</b><br>resize<br>each width"]',
        '  in_end -->|"text"| step_photo',
        "  in_size -.->|when| step_photo",
        '  in_end -->|"text"| step_other',
        '  step_photo -->|"image, first"| step_cut',
        '  step_other -->|"image, first"| step_cut',
        "  in_size -.->|when| step_cut",
        '  step_cut -->|"image"| step_scaled',
        '  in_widths -->|"list[integer]"| step_scaled',
        '  out_cut[/"cut"/]',
        '  step_cut -->|"image"| out_cut',
        '  out_scaled[/"scaled"/]',
        '  step_scaled -->|"list[image]"| out_scaled',
    ]


@pytest.mark.parametrize("name", shipped_names())
def test_every_line_of_a_shipped_template_s_chart_is_one_that_mermaid_reads(name: str) -> None:
    label = r'"[^"]*"'
    node = rf"(in|step|out)_\w+(\(\[{label}\]\)|\[{label}\]|\[/{label}/\])"
    edge = rf"(in|step)_\w+ (-->|-\.->)\|({label}|when)\| (step|out)_\w+"
    first, *lines = mermaid(load_template(SHIPPED / f"{name}.yaml")).splitlines()
    assert first == "flowchart LR"
    for line in lines:
        assert re.fullmatch(rf"  ({node}|{edge})", line), line
