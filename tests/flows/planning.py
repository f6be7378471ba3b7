"""Templates as text and their plans, without Prefect, a ledger, a key or a file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from flows.graph import Graph
from flows.keys import routes_without_keys
from flows.load import load_text
from flows.options import RunOptions
from flows.prepare import checked
from flows.recall import Known
from flows.rows import ReadyRow
from flows.run_plan import Plan, make_plan
from providers.catalog import Model, load_model, read_model
from providers.media import Media, Value

INPUTS = """\
name: trial
version: 1
about: A trial.
inputs:
  prompt: {type: text}
  move: {type: text, default: slowly}
  words: {type: text, default: hello}
  photo: {type: image, default: null}
  film: {type: video, default: null}
  shape: {type: choice, options: ["16:9", "1:1", "9:16"], default: "16:9"}
  seconds: {type: number, default: 5}
  scale: {type: number, default: 2}
"""
WRITER = """\
model: writer
kind: text-generation
title: Writer
about: Writes better prompts.
best_for: trying
bindings:
  - provider: fal
    endpoint: fal-ai/writer
    fields: {prompt: prompt, system: system}
    output: {text: text}
    price: {unit: call, usd: "0.001", source: a page, as_of: "2026"}
    latency: {usual_seconds: 1, longest_seconds: 9, source: a guess}
    source: a page
"""


def find_model(name: str) -> Model:
    """The catalog, and a model that writes texts, of which there is none in it yet."""
    return read_model(WRITER, "writer.yaml") if name == "writer" else load_model(name)


def graph_of(steps: str, outputs: str, models: Mapping[str, Model] | None = None) -> Graph:
    """The graph of steps that are written as in a file, two spaces in; `$outputs` are the ends."""
    ends = ", ".join(f"{name}: ${name}" for name in outputs.split())
    text = f"{INPUTS}steps:\n{steps}outputs: {{{ends}}}\n"
    known = models or {}
    return load_text(text, "trial.yaml", lambda name: known.get(name) or find_model(name))


def picture(width: int = 1280, height: int = 720, **facts: Any) -> Media:
    """A photograph as a table gives one, of which only facts are known."""
    known = {"alpha": False, "mode": "RGB"} | facts
    return Media("image", "a" * 64, "image/png", 1000, width, height, **known)


def clip(width: int = 1280, height: int = 720, **facts: Any) -> Media:
    """A film as a table gives one."""
    return Media("video", "b" * 64, "video/mp4", 1000, width, height, seconds=5.0, **facts)


def row(name: str = "r1", **inputs: Value | None) -> ReadyRow:
    """A row with these inputs, and the template's defaults."""
    values: dict[str, Any] = {"prompt": "a red mug", "move": "slowly", "words": "hello"}
    values |= {"photo": None, "film": None, "shape": "16:9", "seconds": 5, "scale": 2}
    return ReadyRow(name, name, {}, values | inputs)


def plan_of(graph: Graph, rows: Iterable[ReadyRow] | None = None, **options: Any) -> Plan:
    """The plan of these rows, faults and lints included, whether or not a key is set."""
    wanted = RunOptions(**options)
    routes = routes_without_keys(graph, wanted)
    ready = checked(list(rows or [row(photo=picture(), film=clip())]), graph, routes)
    return make_plan(graph, routes, ready, Known(), wanted)
