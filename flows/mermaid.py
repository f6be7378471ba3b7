"""A template as a mermaid flowchart: GitHub, GitLab and most editors draw it from the text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from flows.conditions import condition_references
from flows.grammar import Expression, First, Ref, references
from flows.graph import Graph, GraphStep
from providers.kinds import PortType


def mermaid(graph: Graph) -> str:
    """Return the flowchart: inputs to the left, steps, outputs to the right, types on the edges."""
    types = {name: str(given.port_type) for name, given in graph.inputs.items()}
    lines = ["flowchart LR"]
    lines += [
        f"  in_{name}([{_quoted(_plain(f'{name}: {word}'))}])" for name, word in types.items()
    ]
    for step in graph.steps:
        lines.append(f"  step_{step.name}[{_quoted('<br>'.join(_words(step)))}]")
    for step in graph.steps:
        lines += _edges_into(graph, step)
    for name, value in graph.outputs.items():
        lines.append(f"  out_{name}[/{_quoted(name)}/]")
        lines += [
            f"  {_node(graph, ref)} {_arrow(value, ref, graph)} out_{name}"
            for ref in references(value)
        ]
    return "\n".join(lines)


def _words(step: GraphStep) -> Iterator[str]:
    yield f"<b>{step.name}</b>"
    yield str(step.use)
    if step.fallback:
        yield f"or {', '.join(map(str, step.fallback))}"
    if step.each:
        yield f"each {', '.join(step.each)}"
    if step.when:
        yield _plain(f"when {step.when}")


def _edges_into(graph: Graph, step: GraphStep) -> Iterator[str]:
    read: dict[str, str] = {}
    values: Mapping[str, Expression] = {**step.ports, **step.parameters, **step.each}
    for value in values.values():
        for ref in references(value):
            if ref.name in graph.inputs or ref.name in graph.template.steps:
                read.setdefault(_node(graph, ref), _arrow(value, ref, graph))
    for node, arrow in read.items():
        yield f"  {node} {arrow} step_{step.name}"
    asked = condition_references(step.when, step.name) if step.when else ()
    for node in dict.fromkeys(_node(graph, ref) for ref in asked):
        if node not in read:
            yield f"  {node} -.->|when| step_{step.name}"


def _arrow(value: Expression, ref: Ref, graph: Graph) -> str:
    word = f"{edge_type(graph, ref)}{', first' if isinstance(value, First) else ''}"
    return f"-->|{_quoted(word)}|"


def edge_type(graph: Graph, ref: Ref) -> PortType:
    """Return what flows along a reference; a fact of a picture or clip is a number."""
    if ref.name in graph.inputs:
        return graph.inputs[ref.name].port_type if ref.part is None else PortType("number")
    if ref.name not in graph.template.steps:
        return PortType("item")
    ports = graph.step(ref.name).output_types
    return ports.get(ref.part or graph.step(ref.name).kind.main_output, PortType("number"))


def _node(graph: Graph, ref: Ref) -> str:
    # With a prefix, since `end`, `class` and others are words of mermaid.
    return f"{'in' if ref.name in graph.inputs else 'step'}_{ref.name}"


def _quoted(text: str) -> str:
    return f'"{text}"'


def _plain(text: str) -> str:
    """Return a text in which nothing is HTML or ends the label."""
    for character, name in (("#", "#35;"), ('"', "#quot;"), ("<", "#lt;"), (">", "#gt;")):
        text = text.replace(character, name)
    return text
