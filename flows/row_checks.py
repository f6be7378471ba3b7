"""What only a row can tell: whether its values fit the parameters and lists they flow into.

A choice is held against a parameter when the template is loaded; a text, a number or the length of
a list is known here for the first time, and still before anything is paid.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from flows.cells import InputValue
from flows.conditions import condition_references, evaluate_condition
from flows.grammar import NO_RESULT, Expression, NoResult, Ref, evaluate, references
from flows.graph import Graph
from flows.graph_step import GraphStep
from providers.catalog import Parameter
from providers.errors import InputError
from providers.media import Value


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong with the values of one row: the input, what is wrong and what to do."""

    step: str
    input: str
    problem: str
    fix: str


@dataclass(frozen=True, slots=True)
class ParameterCheck:
    """Values of inputs that flow into one parameter of a step."""

    step: GraphStep
    inputs: tuple[str, ...]
    name: str
    rule: Parameter
    expression: Expression

    def finding(self, values: Mapping[str, InputValue]) -> Finding | None:
        """Return what is wrong with these values of `inputs`, or None."""
        for value in self._evaluated(values):
            if value is None or value is NO_RESULT:
                continue
            if problem := self.rule.problem_with(value):
                allowed = f"as {self.name} of {self.step.model.model}"
                return Finding(
                    self.step.name, self.inputs[0], f"{value!r} {problem} {allowed}", "Change it"
                )
        return None

    def _evaluated(self, values: Mapping[str, Any]) -> Iterator[Value | NoResult]:
        lists = {item: values[ref.name] or () for item, ref in self.step.each.items()}
        items = {ref.name for ref in references(self.expression)} & set(lists)
        if not items:
            yield evaluate(self.expression, lambda ref: values[ref.name])
            return
        for index in range(min(len(lists[item]) for item in items)):
            row = {item: lists[item][index] for item in items}

            def resolve(ref: Ref, row: Mapping[str, Any] = row) -> Value | NoResult:
                found: Value = row[ref.name] if ref.name in row else values[ref.name]
                return found

            yield evaluate(self.expression, resolve)


@dataclass(frozen=True, slots=True)
class LengthCheck:
    """Lists of inputs that a step's `each` goes over side by side."""

    step: GraphStep
    inputs: tuple[str, ...]

    def finding(self, values: Mapping[str, Any]) -> Finding | None:
        """Return what is wrong with the lengths of these lists, or None."""
        lengths = {name: len(values[name] or ()) for name in self.inputs}
        first = self.inputs[0]
        for name, length in lengths.items():
            if length != lengths[first]:
                return Finding(
                    self.step.name,
                    name,
                    f"has {length} items and {first!r} has {lengths[first]}",
                    "Give both lists the same length",
                )
            if self.step.max_items is not None and length > self.step.max_items:
                problem = f"has {length} items and the step takes {self.step.max_items}"
                return Finding(self.step.name, name, problem, "Leave some out, or raise its max")
        return None


Check = ParameterCheck | LengthCheck


def row_checks(graph: Graph) -> tuple[Check, ...]:
    """Return the checks that every row of this graph needs; none for most templates."""
    return tuple(check for step in graph.steps for check in _checks_of(step, graph))


def _checks_of(step: GraphStep, graph: Graph) -> Iterator[Check]:
    lists = tuple(
        dict.fromkeys(name for ref in step.each.values() for name in _lists(graph, ref.name))
    )
    if len(lists) > 1 or (lists and step.max_items is not None):
        yield LengthCheck(step, lists)
    for name, expression in step.parameters.items():
        rule = step.model.parameters[name]
        refs = [step.each.get(ref.name, ref) for ref in references(expression)]
        if (
            refs
            and all(ref.part is None and ref.name in graph.inputs for ref in refs)
            and not _is_settled(expression, refs, rule, graph)
        ):
            inputs = tuple(dict.fromkeys(ref.name for ref in refs))
            yield ParameterCheck(step, inputs, name, rule, expression)


def _lists(graph: Graph, name: str) -> Iterator[str]:
    """The input whose length a list has: its own, or that of the list its step goes over."""
    if name in graph.inputs:
        yield name
        return
    for ref in graph.step(name).each.values():
        yield from _lists(graph, ref.name)


def _is_settled(expression: Expression, refs: list[Ref], rule: Parameter, graph: Graph) -> bool:
    """True when loading the template has decided that every value fits."""
    if rule.type in ("text", "boolean"):
        return not rule.options
    is_whole = isinstance(expression, Ref)
    return is_whole and bool(graph.inputs[refs[0].name].options)


def finding_of(check: Check, values: Mapping[str, Any]) -> Finding | None:
    """Return what `check` finds wrong, or None; a step whose `when` is false is passed over.

    `values` must hold every input of the check. A `when` that reads more than inputs cannot be
    decided from a row, so such a step is passed over, too.
    """
    finding = check.finding(values)
    if finding is None or check.step.when is None:
        return finding
    refs = condition_references(check.step.when, check.step.name)
    if any(ref.part is not None or ref.name not in values for ref in refs):
        return None
    try:
        return finding if evaluate_condition(check.step.when, values) else None
    except InputError:
        return finding
