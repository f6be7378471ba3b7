"""A template as a file for its new owner: with what every part is for, and edits to try.

`##` explains. A line with one `#` is an edit: without it the line is part of the template.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from flows.cli.limit_words import allowed
from flows.graph import Graph, GraphStep
from flows.save import input_data, step_data
from flows.suggest import Suggestions
from flows.yaml_text import WIDTH, block, entry, inline
from providers.catalog import Parameter

SAYS, EDIT = "## ", "# "
_LEGEND = (
    "Lines with ## explain. A line with one # is an edit to try: take the # and one space away."
)

_INPUTS = """\
An input is a column of the table. Its type is text, choice (with options), integer, number,
boolean, image, video, audio, or a list of one of them: list[image]. One without a default is
required; `default: null` may be left empty."""
_STEPS = """\
A step is one use of a model (`mediaflows models` lists them). A value is $name of an input or of
a step above, $name.width of a picture, a text with ${name} in it, [$a, $b] where a list is taken,
or {first: [$a, $b]}: the first that has a result. What a step may say besides model and with:
  fallback: [model, model@provider]   tried in this order when the first refuses, fails or is down
  when: category == "shoes"           only for such rows; for the others the step has no result
  each: {item: $items}                once for each of a list; $item and $index are its values
  on_error: skip                      no result rather than a failed row; what needs it is skipped
  fit: {mode: pad, colour: white}     how a picture is made to fit: crop or pad; `text: cut` a text
  provider: [fal]                     only there
  silence: [MF001]                    a warning of `templates check` that is known and meant"""
_OUTPUTS = "What a row gives: each becomes a file, and a column of results.csv."
_COLUMN_MORE = "one column more, for the `or:` of a prompt below:"
_LIST_MORE = "a list, for the step that goes over it below; its cells are a|b:"
_STEP_MORE = "one step more, done on this machine and free; take the # of its output, too:"
_EACH_MORE = "a step done once for each of a list; take the # of that input and of the output, too:"

_WHY = {
    "fallback": "the same kind of model, when this one cannot",
    "when": "only for such rows",
    "on_error": "a row goes on without it",
    "silence": "a fallback takes not all of these values, and that is meant",
    "fit": "what does not fit is padded, not refused or cropped",
}
_WHY_TEXT = "a text that is too long is cut, not refused"


def commented(graph: Graph, found: Suggestions, head: str) -> str:
    """Return the template as YAML with comments; `head` says how it is run, line by line."""
    template = graph.template
    lines = [*_say(head), *_say(_LEGEND), ""]
    lines += [
        f"name: {template.name}  {SAYS}as the file",
        f"version: {template.version}  {SAYS}yours to raise when what it makes changes",
        *entry("about", template.about),
        "",
        *_inputs(graph, found),
        "",
        *_say(_STEPS),
        "steps:",
    ]
    for step in graph.steps:
        lines += _step(graph, step, found)
    lines += [*_more_steps(found), "", *_outputs(graph, found)]
    return "\n".join([*lines, ""])


def _inputs(graph: Graph, found: Suggestions) -> Iterator[str]:
    if not graph.inputs and not found.inputs:
        return
    yield from _say(_INPUTS)
    yield "inputs:" if graph.inputs else "inputs: {}"
    for name, given in graph.inputs.items():
        yield from entry(name, input_data(given), 2)
    if not graph.inputs:
        return
    for name, data in found.inputs.items():
        yield from _say(_LIST_MORE if data["type"].startswith("list") else _COLUMN_MORE, 2)
        yield from _as_edit(entry(name, data, 2), 2)


def _step(graph: Graph, step: GraphStep, found: Suggestions) -> Iterator[str]:
    data = step_data(graph.template.steps[step.name])
    yield f"  {step.name}:"
    others = found.models[step.name]
    yield _with_note(entry("model", data.pop("model"), 4), _or(", ".join(others)))[0]
    yield from _values(step, data.pop("with", {}), found)
    for name, value in data.items():
        yield from entry(name, value, 4)
    for name, value in found.modifiers[step.name].items():
        why = _WHY_TEXT if name == "fit" and "text" in value else _WHY[name]
        yield from _as_edit(_with_note(entry(name, value, 4), why), 4)


def _values(step: GraphStep, values: Mapping[str, Any], found: Suggestions) -> Iterator[str]:
    more = found.parameters[step.name]
    if not values and not more:
        return
    yield "    with:" if values else "    with: {}"
    for name, value in values.items():
        other = found.texts.get(step.name, {}).get(name)
        yield from _with_note(entry(name, value, 6), _or(inline(other)) if other else "")
    if not values:
        return
    for name, value in more.items():
        note = _parameter_words(step.model.parameters[name])
        yield from _as_edit(_with_note(entry(name, value, 6), note), 6)


def _parameter_words(rule: Parameter) -> str:
    options = allowed(rule)
    return f"{options}" if len(options) < 50 else rule.about


def _more_steps(found: Suggestions) -> Iterator[str]:
    for name, data in found.steps.items():
        yield from _say(_EACH_MORE if "each" in data else _STEP_MORE, 2)
        yield from _as_edit(block(name, data, 2), 2)


def _outputs(graph: Graph, found: Suggestions) -> Iterator[str]:
    yield from _say(_OUTPUTS)
    yield from block("outputs", graph.template.outputs)
    for name, value in found.outputs.items():
        yield from _as_edit(entry(name, value, 2), 2)


def _say(text: str, indent: int = 0) -> list[str]:
    return [f"{' ' * indent}{SAYS}{line}".rstrip() for line in text.splitlines()]


def _as_edit(lines: list[str], indent: int) -> list[str]:
    """Return lines with the mark of an edit at this indent: without it they are as they were."""
    return [f"{line[:indent]}{EDIT}{line[indent:]}" for line in lines]


def _or(others: str) -> str:
    return f"or: {others}" if others else ""


def _with_note(lines: list[str], note: str) -> list[str]:
    """Return the lines with a note behind the first, where one line bears it."""
    if not note or len(lines) > 1 and not lines[0].endswith(("|", "|-", ">-")):
        return lines
    first = f"{lines[0]}  {SAYS}{note}"
    return [first if len(first) <= WIDTH + 20 else lines[0], *lines[1:]]
