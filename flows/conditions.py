"""`when`: a comparison over inputs, steps and the facts of media. Checked by `ast`, run by simpleeval.

Nothing can be called, subscripted or assigned; arithmetic is on numbers only, so that neither
"%9999999d" % x nor "a" * 10 ** 9 can be had from a shared template.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from flows.grammar import Ref
from flows.place import fault_at
from providers.errors import InputError
from providers.media import Media

FACTS = ("width", "height", "seconds")

_COMPARISONS: Mapping[type[ast.AST], Callable[..., Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda item, holder: item in holder,
    ast.NotIn: lambda item, holder: item not in holder,
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
}
_ARITHMETIC: Mapping[type[ast.AST], Callable[..., Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
}
_PLAIN = (
    ast.Expression,
    ast.BoolOp,
    ast.boolop,
    ast.UnaryOp,
    ast.Not,
    ast.BinOp,
    ast.Compare,
    ast.Constant,
    ast.List,
    ast.Tuple,
    ast.Load,
    *_COMPARISONS,
    *_ARITHMETIC,
)
_LONGEST = 500  # characters; simpleeval and ast recurse once per nested part


def condition_references(source: str, where: object) -> tuple[Ref, ...]:
    """Return the names and `name.fact`s that a condition reads, in order.

    Raises:
        RequestError: `where: problem` when it is anything but names, facts, constants, lists of
            them, comparisons, `in`, `and`, `or`, `not` and arithmetic.
    """
    try:
        tree = _tree(source)
    except (SyntaxError, ValueError) as error:
        hint = " Names bear no $ here." if "$" in source else ""
        reason = str(error.args[0]) if error.args else "invalid"
        raise fault_at(where, f"{source!r} is not a condition: {reason}.{hint}") from None
    found: list[Ref] = []
    _collect(tree, found, source, where)
    return tuple(found)


@cache
def _tree(source: str) -> ast.Expression:
    if len(source) > _LONGEST:
        raise ValueError(f"longer than {_LONGEST} characters")
    return ast.parse(source.strip(), mode="eval")


def _collect(node: ast.AST, found: list[Ref], source: str, where: object) -> None:
    if isinstance(node, ast.Name):
        found.append(Ref(node.id))
        return
    if isinstance(node, ast.Attribute):
        if isinstance(node.value, ast.Name) and node.attr in FACTS:
            found.append(Ref(node.value.id, node.attr))
            return
        raise fault_at(
            where, f"'{ast.unparse(node)}' is not a fact; write name.width, .height or .seconds"
        )
    if not isinstance(node, _PLAIN) or _is_odd_constant(node):
        raise fault_at(
            where,
            f"{ast.unparse(node) or source!r} ({type(node).__name__}) cannot stand in a condition; "
            "use names, facts, texts, numbers, comparisons, in, and, or, not, + - * / %",
        )
    for child in ast.iter_child_nodes(node):
        _collect(child, found, source, where)


def _is_odd_constant(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and not isinstance(node.value, str | int | float | None)


def evaluate_condition(source: str, names: Mapping[str, object]) -> bool:
    """Return whether a checked condition holds for these values.

    `names` has every input and step that the condition reads: scalars, None, Media or tuples.

    Raises:
        InputError: the values cannot be compared so, or a fact is not known.
    """
    # Imported late: only a run evaluates conditions, and commands load templates without one.
    from simpleeval import (  # type: ignore[import-untyped]
        EvalWithCompoundTypes,
        InvalidExpression,
    )

    operators = {**_COMPARISONS, **{key: _numeric(run) for key, run in _ARITHMETIC.items()}}
    evaluator = EvalWithCompoundTypes(
        operators={**operators, ast.Not: operator.not_},
        functions={},
        names={**names},
        allowed_attrs={Media: set(FACTS)},
    )
    try:
        return bool(evaluator.eval(source, previously_parsed=_tree(source).body))
    except (InvalidExpression, TypeError, ArithmeticError) as error:
        shown = ", ".join(f"{ref}={_shown(ref, names)}" for ref in _read(source))
        raise InputError(
            f"`when: {source}` cannot be worked out with {shown}: {error}. "
            "Test for `is not None` first, or change the condition."
        ) from None


def _read(source: str) -> list[Ref]:
    found: list[Ref] = []
    _collect(_tree(source), found, source, "when")
    return list(dict.fromkeys(found))


def _shown(ref: Ref, names: Mapping[str, object]) -> str:
    value = names.get(ref.name)
    if isinstance(value, Media):
        return str(getattr(value, ref.part)) if ref.part else value.kind
    return repr(value)[:60]


def _numeric(run: Callable[..., Any]) -> Callable[..., Any]:
    def checked(*values: object) -> Any:
        for value in values:
            if not isinstance(value, int | float) or isinstance(value, bool):
                raise TypeError(f"{str(value)[:40]!r} is not a number")
        return run(*values)

    return checked
