"""Edges: what a reference leads to, and whether it may flow into a port or a parameter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from flows.grammar import Constant, Expression, Items, Ref, Text, references
from flows.place import Place
from flows.template import SCALAR_WORDS, Input
from providers.catalog.schema import Parameter
from providers.errors import near
from providers.kinds import Port, PortType

_FACTS: Mapping[str, tuple[PortType, frozenset[str]]] = {
    "width": (PortType("integer"), frozenset({"image", "video", "mask"})),
    "height": (PortType("integer"), frozenset({"image", "video", "mask"})),
    "seconds": (PortType("number"), frozenset({"video", "audio"})),
    "alpha": (PortType("boolean"), frozenset({"image"})),
    "kind": (PortType("text"), frozenset({"image", "video", "audio", "mask"})),
}
MODEL = "model"
"""The fact of a step that names the model which gave its result: the fallback where it was one."""

# What may flow into a parameter of each type. A choice is checked option by option, a text row by
# row, since only the table knows it.
_INTO_PARAMETER: Mapping[str, frozenset[str]] = {
    "text": frozenset({"text", "choice"}),
    "choice": frozenset({"choice", "text", "integer", "number"}),
    "integer": frozenset({"integer", "choice"}),
    "number": frozenset({"number", "integer", "choice"}),
    "boolean": frozenset({"boolean"}),
}


@dataclass(frozen=True, slots=True)
class Source:
    """What a reference leads to; `input` is set when the value comes straight from an input."""

    type: PortType
    input: Input | None = None


@dataclass(frozen=True, slots=True)
class Scope:
    """What a step can refer to: inputs, the ports of earlier steps, its own `each` items.

    `open_lists` names the steps that give a list whose length is known only when they have run.
    """

    inputs: Mapping[str, Input]
    steps: Mapping[str, Mapping[str, PortType]]
    later: tuple[str, ...] = ()
    items: Mapping[str, Source] = field(default_factory=dict)
    open_lists: frozenset[str] = frozenset()

    def find(self, ref: Ref, where: Place) -> Source:
        """Return what `ref` leads to.

        Raises:
            RequestError: no such input, earlier step, port or fact.
        """
        source = self._find_name(ref.name, where)
        if ref.part is None:
            return source
        ports = self.steps.get(ref.name, {})
        if ref.part in ports:
            return Source(ports[ref.part])
        is_step = ref.name in self.steps
        if ref.part == MODEL and is_step:
            is_list = source.type.is_list and ref.name not in self.open_lists
            return Source(PortType("text", is_list))
        kind, holders = _FACTS.get(ref.part, (source.type, frozenset()))
        if source.type.word in holders and not source.type.is_list:
            return Source(kind)
        facts = [name for name, (_, words) in _FACTS.items() if source.type.word in words]
        known = [*ports, *([] if source.type.is_list else facts), *([MODEL] if is_step else [])]
        raise where.fault(
            f"{ref.name!r} is {_a(source.type)} without {ref.part!r}.{near(ref.part, known)}"
        )

    def _find_name(self, name: str, where: Place) -> Source:
        if name in self.items:
            return self.items[name]
        if name in self.inputs:
            return Source(self.inputs[name].port_type, self.inputs[name])
        if name in self.steps:
            return Source(next(iter(self.steps[name].values())))
        if name in self.later[:1]:
            raise where.fault(f"{name!r} is this step itself; refer to an input or an earlier step")
        if name in self.later:
            raise where.fault(f"{name!r} is a later step; move it above this one to use it here")
        known = [*self.items, *self.inputs, *self.steps]
        raise where.fault(f"there is no input or earlier step {name!r}.{near(name, known)}")

    def offers(self, wanted: PortType) -> str:
        """Return " Fitting: $a, $b." for what is in reach and of that type, or ""."""
        types = {name: source.type for name, source in self.items.items()}
        types |= {name: given.port_type for name, given in self.inputs.items()}
        types |= {
            name if position == 0 else f"{name}.{port}": kind
            for name, ports in self.steps.items()
            for position, (port, kind) in enumerate(ports.items())
        }
        fitting = [f"${name}" for name, kind in types.items() if kind == wanted]
        return f" Fitting: {', '.join(fitting)}." if fitting else ""


def check_port(expression: Expression, port: Port, scope: Scope, where: Place) -> None:
    """Check that `expression` may flow into an input port.

    Raises:
        RequestError: `where: problem` with what to write instead.
    """
    wanted = port.type
    if isinstance(expression, Constant):
        _check_port_constant(expression.value, wanted, scope, where)
    elif isinstance(expression, Text):
        _check_text(expression, scope, where)
        if wanted != PortType("text"):
            raise where.fault(f"takes {_a(wanted)}, not a text.{scope.offers(wanted)}")
    elif isinstance(expression, Items):
        if not wanted.is_list:
            raise where.fault(f"takes {_a(wanted)}, not a list; write ${expression.refs[0]} alone")
        for ref in expression.refs:
            _check_into_port(ref, PortType(wanted.word), scope, where)
    else:
        for ref in references(expression):
            _check_into_port(ref, wanted, scope, where)


def _check_port_constant(value: object, wanted: PortType, scope: Scope, where: Place) -> None:
    if wanted.word != "text":
        raise where.fault(
            f"takes {_a(wanted)} such as $photo, not {value!r}; a file comes from an input."
            f"{scope.offers(wanted)}"
        )
    if wanted.is_list:
        raise where.fault(f"takes {_a(wanted)}: [$a, $b] or an input of that type, not {value!r}")
    if not isinstance(value, str):
        raise where.fault(f'takes a text, not {value!r}; write "{value}"')


def _check_into_port(ref: Ref, wanted: PortType, scope: Scope, where: Place) -> None:
    given = scope.find(ref, where).type
    if given.is_list == wanted.is_list and _word_fits(given.word, wanted.word):
        return
    is_same_word = _word_fits(given.word, wanted.word)
    if is_same_word and given.is_list:
        problem = _each_hint(ref)
    elif is_same_word:
        problem = f"write [${ref}]"
    elif wanted == PortType("text") and given.word in SCALAR_WORDS and not given.is_list:
        problem = f'write "${{{ref}}}"'
    else:
        problem = f"connect {_a(wanted)}.{scope.offers(wanted)}"
    raise where.fault(f"takes {_a(wanted)} and ${ref} is {_a(given)}; {problem}")


def _word_fits(given: str, wanted: str) -> bool:
    return given == wanted or (given == "choice" and wanted == "text")


def _each_hint(ref: Ref) -> str:
    return f"add `each: {{item: ${ref}}}` to the step and write $item here"


def _check_text(text: Text, scope: Scope, where: Place) -> None:
    for ref in references(text):
        given = scope.find(ref, where).type
        if given.is_list or given.word not in SCALAR_WORDS:
            raise where.fault(f"${{{ref}}} is {_a(given)}; a text takes in texts and numbers only")


def check_parameter(
    expression: Expression, parameter: Parameter, scope: Scope, where: Place
) -> None:
    """Check that `expression` may be the value of a parameter.

    Raises:
        RequestError: `where: problem` with what to write instead.
    """
    if isinstance(expression, Constant):
        if problem := parameter.problem_with(expression.value):
            raise where.fault(f"{expression.value!r} {problem}")
    elif isinstance(expression, Text):
        _check_text(expression, scope, where)
        if parameter.type not in ("text", "choice"):
            raise where.fault(f"takes {_a(PortType(parameter.type))}, not a text")
    elif isinstance(expression, Items):
        raise where.fault(f"takes one value, not a list; write ${expression.refs[0]} alone")
    else:
        for ref in references(expression):
            _check_into_parameter(ref, parameter, scope, where)


def _check_into_parameter(ref: Ref, parameter: Parameter, scope: Scope, where: Place) -> None:
    source = scope.find(ref, where)
    given, wanted = source.type, PortType(parameter.type)
    fits = given.word in _INTO_PARAMETER[parameter.type]
    if not fits or given.is_list:
        hint = _each_hint(ref) if fits else f"give {_a(wanted)}.{scope.offers(wanted)}"
        raise where.fault(f"takes {_a(wanted)} and ${ref} is {_a(given)}; {hint}")
    if source.input is None:
        return
    refused = [value for value in _known_values(source.input) if parameter.problem_with(value)]
    if refused:
        shown = ", ".join(str(value) for value in refused)
        what = "has options" if source.input.options else "has the default"
        raise where.fault(
            f"input {ref.name!r} {what} that this does not take: {shown} "
            f"({parameter.problem_with(refused[0])})"
        )


def _known_values(given: Input) -> tuple[object, ...]:
    if given.options:
        return given.options
    if given.default is None:
        return ()
    return tuple(given.default) if given.port_type.is_list else (given.default,)


def _a(kind: PortType) -> str:
    article = "an" if str(kind)[0] in "aeiou" else "a"
    return f"{article} {kind}"
