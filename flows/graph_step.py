"""One step of a graph: its model found, its values parsed and every edge into it checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from flows.conditions import condition_references
from flows.edges import Scope, Source, check_parameter, check_port
from flows.grammar import Expression, Ref, parse, references
from flows.lint_codes import LINTS
from flows.place import Place
from flows.template import Fit, Step
from providers.catalog import Model
from providers.errors import RequestError, near
from providers.kinds import Kind, PortType, kind_named

INDEX = "index"  # `$index`: the number of the item, beside the names of `each`
LOCAL = "local"


@dataclass(frozen=True, slots=True)
class ModelUse:
    """`model` or `model@provider` as written in a template or an option."""

    model: str
    provider: str | None = None

    @staticmethod
    def parse(written: str) -> ModelUse:
        """Return what `model` or `model@provider` says; the names are not looked up."""
        model, _, provider = written.partition("@")
        return ModelUse(model, provider or None)

    def __str__(self) -> str:
        return self.model if self.provider is None else f"{self.model}@{self.provider}"


@dataclass(frozen=True, slots=True)
class GraphStep:
    """A step with its model found and its values parsed.

    `ports` and `parameters` hold only what the template gives. `provider` is the step's own
    narrowing; `use.provider` and that of a fallback narrow one model. `needs` names the steps that
    the values, `when` and `each` refer to.
    """

    name: str
    use: ModelUse
    model: Model
    kind: Kind
    ports: Mapping[str, Expression]
    parameters: Mapping[str, Expression]
    fallback: tuple[ModelUse, ...] = ()
    fallback_models: tuple[Model, ...] = ()
    provider: tuple[str, ...] = ()
    needs: frozenset[str] = frozenset()
    when: str | None = None
    each: Mapping[str, Ref] = field(default_factory=dict)
    max_items: int | None = None
    on_error: Literal["fail", "skip"] = "fail"
    allow: Literal["any"] | tuple[str, ...] = "any"
    checks: tuple[str | Mapping[str, Any], ...] = ()
    fit: Fit | None = None
    take: int = 1
    silence: tuple[str, ...] = ()

    @property
    def output_types(self) -> Mapping[str, PortType]:
        """What later steps see of each output port: with `each`, a list."""
        return {
            name: PortType(port.type.word, port.type.is_list or bool(self.each))
            for name, port in self.kind.outputs.items()
        }

    @property
    def gives_open_list(self) -> bool:
        """True when an output is a list whose length is known only after the step has run."""
        return any(port.type.is_list for port in self.kind.outputs.values())


@dataclass(frozen=True, slots=True)
class StepCompiler:
    """Turns one written step into a checked one; `compile` is its only use."""

    name: str
    step: Step
    scope: Scope
    place: Place
    find_model: Callable[[str], Model]

    def compile(self) -> GraphStep:
        """Return the checked step.

        Raises:
            RequestError: the first thing that is wrong with it, with its place.
        """
        step, here = self.step, self.place.at("steps", self.name)
        use = ModelUse.parse(step.model)
        model = self._find(use, here.at("model"))
        fallback = tuple(map(ModelUse.parse, step.fallback))
        fallback_models = self._fallback_models(fallback, model, here.at("fallback"))
        self._check_providers(use, (model, *fallback_models), here.at("provider"))
        self._check_silence(here.at("silence"))
        each = self._each(here.at("each"))
        if each and any(port.type.is_list for port in kind_named(model.kind).outputs.values()):
            raise here.at("each").fault(f"{model.model} gives a list, so it cannot go over one")
        read = self._condition(here.at("when"))
        ports, parameters = self._values(model, each, here.at("with"))
        refs = [
            ref for value in (*ports.values(), *parameters.values()) for ref in references(value)
        ]
        return GraphStep(
            name=self.name,
            use=use,
            model=model,
            kind=kind_named(model.kind),
            ports=ports,
            parameters=parameters,
            fallback=fallback,
            fallback_models=fallback_models,
            provider=step.provider,
            needs=frozenset(ref.name for ref in (*refs, *read, *each.values()))
            & frozenset(self.scope.steps),
            when=step.when,
            each=each,
            max_items=step.max,
            on_error=step.on_error,
            allow=step.allow,
            checks=step.checks,
            fit=step.fit,
            take=step.take,
            silence=step.silence,
        )

    def _find(self, use: ModelUse, where: Place) -> Model:
        try:
            model = self.find_model(use.model)
        except RequestError as error:
            raise where.fault(str(error)) from None
        if use.provider is not None:
            _check_provider(use.provider, (model,), where)
        return model

    def _fallback_models(
        self, uses: tuple[ModelUse, ...], model: Model, where: Place
    ) -> tuple[Model, ...]:
        found = []
        for position, use in enumerate(uses):
            other = self._find(use, where.at(position))
            if other.kind != model.kind:
                raise where.at(position).fault(
                    f"{use.model!r} is of kind {other.kind} and {model.model!r} of kind "
                    f"{model.kind}; a fallback is of the same kind"
                )
            found.append(other)
        return tuple(found)

    def _check_providers(self, use: ModelUse, models: tuple[Model, ...], where: Place) -> None:
        if use.provider and self.step.provider:
            raise where.fault(f"the model already names @{use.provider}; leave one of them out")
        for provider in self.step.provider:
            _check_provider(provider, models, where)

    def _check_silence(self, where: Place) -> None:
        for code in self.step.silence:
            if code not in LINTS:
                raise where.fault(f"there is no lint {code!r}.{near(code, LINTS)}")

    def _each(self, where: Place) -> Mapping[str, Ref]:
        found: dict[str, Ref] = {}
        for item, value in self.step.each.items():
            here = where.at(item)
            ref = parse(value, here)
            if not isinstance(ref, Ref):
                raise here.fault(f"{value!r} is not a list; write a reference such as $scenes")
            kind = self.scope.find(ref, here).type
            if not kind.is_list:
                raise here.fault(f"${ref} is one {kind}; `each` goes over a list")
            if ref.name in self.scope.open_lists and self.step.max is None:
                raise here.fault(f"how long ${ref} is shows only in the run; add `max: N`")
            self._check_item_name(item, here)
            found[item] = ref
        return found

    def _check_item_name(self, item: str, where: Place) -> None:
        known = {*self.scope.inputs, *self.scope.steps, *self.scope.later}
        if item in known or item == INDEX:
            what = "the number of the item" if item == INDEX else "an input or a step"
            raise where.fault(f"${item} is {what} already; choose another name")
        if INDEX in known:
            raise where.fault("`each` gives $index, which is an input or a step here; rename it")

    def _values(
        self, model: Model, each: Mapping[str, Ref], where: Place
    ) -> tuple[dict[str, Expression], dict[str, Expression]]:
        scope, kind = self._scope_with_items(each, where), kind_named(model.kind)
        ports: dict[str, Expression] = {}
        parameters: dict[str, Expression] = {}
        for key, value in self.step.with_.items():
            here = where.at(key)
            if key in kind.inputs:
                ports[key] = parse(value, here)
                check_port(ports[key], kind.inputs[key], scope, here)
            elif key in model.parameters:
                parameters[key] = parse(value, here)
                check_parameter(parameters[key], model.parameters[key], scope, here)
            else:
                known = [*kind.inputs, *model.parameters]
                raise here.fault(f"{model.model} has no {key!r}.{near(key, known)}")
        for name, port in kind.inputs.items():
            if name in ports and not model.takes(name):
                raise where.at(name).fault(f"{model.model} takes no {name}; leave it out")
            if (port.required or name in model.requires) and name not in ports:
                offer = scope.offers(port.type) or f" It takes a value of type {port.type}."
                raise where.fault(f"{model.model} needs {name!r}.{offer}")
        return ports, parameters

    def _scope_with_items(self, each: Mapping[str, Ref], where: Place) -> Scope:
        if not each:
            return self.scope
        items = {INDEX: Source(PortType("integer"))}
        for item, ref in each.items():
            source = self.scope.find(ref, where)
            items[item] = Source(PortType(source.type.word), source.input)
        return replace(self.scope, items=items)

    def _condition(self, where: Place) -> tuple[Ref, ...]:
        if self.step.when is None:
            return ()
        refs = condition_references(self.step.when, where)
        for ref in refs:
            self.scope.find(ref, where)
        return refs


def _check_provider(name: str, models: tuple[Model, ...], where: Place) -> None:
    known = [LOCAL, *(binding.provider for model in models for binding in model.bindings)]
    if name not in known:
        title = " or ".join(dict.fromkeys(model.model for model in models))
        raise where.fault(f"{title} is not offered by {name!r}.{near(name, set(known))}")
