"""The page of one model, as `models show` prints it."""

from __future__ import annotations

from collections.abc import Iterator

from flows.cli.limit_words import allowed, binding_limits, limits_by_provider, made
from flows.cli.price_words import binding_price, price_rule
from flows.cli.tables import table
from flows.duration import duration
from providers.catalog import Binding, Model
from providers.catalog.retired import is_retired
from providers.kinds import KINDS, Kind
from tasks.money import exact_dollars


def model_page(model: Model) -> str:
    """Return everything that the catalog says of a model, for people."""
    kind = KINDS[model.kind]
    parts = [_head(model, kind), _ports(model, kind)]
    if model.parameters:
        parts.append(_parameters(model))
    parts += [
        "\n".join([_title(binding), *(f"  {line}" for line in _facts(model, binding))])
        for binding in model.bindings
    ]
    return "\n\n".join(parts)


def replaced(model: Model) -> str:
    """Return "retired, use nano-banana" for a model that nobody offers any more, else ""."""
    if not all(is_retired(binding) for binding in model.bindings):
        return ""
    names = [binding.replaced_by for binding in model.bindings if binding.replaced_by]
    return f"retired, use {names[0]}" if names else "retired"


def does(kind: Kind) -> str:
    """Return "generates" or "processes"."""
    return "generates" if kind.generates else "processes"


def _head(model: Model, kind: Kind) -> str:
    gives = ", ".join(f"{name} ({port.type})" for name, port in kind.outputs.items())
    return "\n".join(
        [
            f"{model.model}: {model.title}",
            model.about,
            f"Best for {model.best_for}.",
            f"kind: {kind.name}, {does(kind)}. {kind.about}",
            f"gives: {gives}",
        ]
    )


def _ports(model: Model, kind: Kind) -> str:
    return table(
        ("port", "type", "needed", "limits", "about"),
        [
            (
                name,
                port.type,
                "required" if port.required or name in model.requires else "optional",
                limits_by_provider(model, name),
                port.about,
            )
            for name, port in kind.inputs.items()
        ],
    )


def _parameters(model: Model) -> str:
    lines = table(
        ("parameter", "type", "default", "allowed", "about"),
        [
            (name, given.type, _default(given.default), allowed(given), given.about)
            for name, given in model.parameters.items()
        ],
    )
    needed = model.problem_with_ways(())
    return f"{lines}\n{needed}" if needed else lines


def _default(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.15g}" if isinstance(value, float) else str(value) or '""'


def _title(binding: Binding) -> str:
    return f"{binding.provider} · {binding.endpoint} · {_status(binding)}"


def _status(binding: Binding) -> str:
    """Return "active", "active until 2026-12-01, then use x" or "retired on 2026-08-17, use x"."""
    gone = is_retired(binding)
    words = "retired" if gone else str(binding.status)
    if binding.retires_on:
        words += f" {'on' if gone else 'until'} {binding.retires_on}"
    if binding.replaced_by:
        words += f", {'' if gone else 'then '}use {binding.replaced_by}"
    return words


def _facts(model: Model, binding: Binding) -> Iterator[str]:
    yield f"price: {price_rule(binding)}"
    if binding.price:
        yield f"usual call: {binding_price(model, binding)}, grade {binding.price.grade}"
        yield f"price source: {binding.price.source} (as of {binding.price.as_of})"
    if binding.price and binding.ceiling_usd is not None:
        yield f"ceiling: {exact_dollars(binding.ceiling_usd)} a call"
    latency = binding.latency
    yield (
        f"takes: about {latency.usual_seconds:g} s, {duration(latency.longest_seconds)} at most "
        f"({latency.source})"
    )
    yield f"result life: {_result_life(binding)}"
    yield f"cancel: {_cancel(binding)}"
    yield f"limits: {binding_limits(binding)}"
    yield f"makes: {made(binding.makes)}"
    yield f"source: {binding.source}"
    if binding.notes:
        yield f"note: {binding.notes}"


def _result_life(binding: Binding) -> str:
    if binding.provider == "local":
        return "it is here, and stays"
    life = binding.result_life_seconds
    return "not stated" if life is None else duration(life)


def _cancel(binding: Binding) -> str:
    if not binding.cancel.possible:
        return "not possible"
    if binding.cancel.free_while == "never":
        return "possible, not known to be free"
    return f"possible, free while {binding.cancel.free_while}"
