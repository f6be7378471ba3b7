"""Steps of chains as the product plans and sends them: no vendor, no network, no run.

What a vendor would be sent is what its own adapter makes of an order. A model that the catalog does
not ship yet is made here through the catalog's own schema.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from flows.foresee import Foreseen, foresee
from flows.graph import Graph, GraphStep, compile_template
from flows.lints import Scene, lint
from flows.offers import asked_for, offers
from flows.prepare import checked
from flows.routes import Route, Routes, refusal
from flows.rows import ReadyRow
from flows.template import Input, Step, Template
from providers.adapter import Material, Order, Part
from providers.catalog import Binding, Model, load_model, quote
from providers.catalog.shape import Shape, Shapes
from providers.catalog.usual import defaults_of
from providers.errors import RequestError
from providers.fit import FitChoice
from providers.media import Media, Value
from providers.registry import PROVIDERS
from tasks.candidate import Candidate
from tasks.fit import fit_order
from tasks.keep import media_of
from tasks.store import Store

FILES = "https://files.example/"
INPUTS = {
    "prompt": Input(type="text", default="a red mug"),
    "text": Input(type="text", default=None),
    "image": Input(type="image", default=None),
    "last": Input(type="image", default=None),
    "film": Input(type="video", default=None),
    "sound": Input(type="audio", default=None),
    "aspect": Input(type="text", default=None),
    "language": Input(type="text", default=None),
    "prompts": Input(type="list[text]", default=None),
}


@dataclass(frozen=True)
class Sent:
    """What a vendor would be sent: its own fields, and the fitted order that they come from."""

    fields: Mapping[str, Any]
    order: Order
    done: Mapping[str, Any]

    def picture(self, port: str = "image") -> Media:
        """The picture that goes out on a port."""
        part = self.order.inputs[port]
        assert isinstance(part, Material)
        return part.media


def made_model(name: str, kind: str, fields: Mapping[str, Any], **more: Any) -> Model:
    """A small model through the catalog's schema; `more` goes to the model or to its one binding."""
    own = {key: more.pop(key) for key in ("parameters", "requires") if key in more}
    binding = {
        "provider": "fal",
        "endpoint": f"trial/{name}",
        "fields": fields,
        "output": {"image": "image.url"},
        "latency": {"usual_seconds": 1, "longest_seconds": 9, "source": "a guess"},
        "source": "a page",
        **more,
    }
    about = {"title": name, "about": name, "best_for": "trying"}
    return Model.model_validate(
        {"model": name, "kind": kind, **about, **own, "bindings": [binding]}
    )


def price(unit: str, usd: str, **more: Any) -> dict[str, Any]:
    """A price rule of a model that is made here."""
    return {"unit": unit, "usd": usd, "source": "a page", "as_of": "2026", **more}


def route(written: str | Model) -> Route:
    """The route of "model@provider", or of a model that is made here."""
    if isinstance(written, str):
        name, _, provider = written.partition("@")
        model = load_model(name)
        binding = next(one for one in model.bindings if one.provider == provider)
    else:
        model, binding = written, written.bindings[0]
    return _route(model, binding)


def fields_of(written: str | Model, inputs: Mapping[str, Part] | None = None, **given: Any) -> Any:
    """The vendor's fields of a request, as the adapter writes them."""
    return _fields(_order(route(written), inputs or {}, given))


def keep(store: Store, data: bytes) -> Media:
    """The media of these bytes, put into the store."""
    sha256 = store.put(data)
    return media_of(sha256, store.path(sha256), data)


async def send(
    store: Store,
    written: str | Model,
    values: Mapping[str, Value],
    fit: Mapping[str, Any] | None = None,
    **given: Any,
) -> Sent:
    """Fit the values to the binding, and return what its vendor would be sent."""
    one = route(written)
    inputs = {port: _part(store, value) for port, value in values.items()}
    order = _order(one, inputs, given)
    fitted = await fit_order(store, candidate(one, values, fit=fit or {}, **given), order)
    return Sent(_fields(fitted.order), fitted.order, fitted.done)


def candidate(
    one: Route, values: Mapping[str, Value], *, fit: Any = None, take: int = 1, **given: Any
) -> Candidate:
    """The request of a route for these values."""
    return Candidate(
        one.model,
        one.binding,
        one.provider,
        one.endpoint,
        one.realm,
        asked_for(one, given),
        values,
        True,
        fit or {},
        take,
    )


def refused(written: str | Model, shapes: Shapes | None = None, **given: Any) -> str | None:
    """Why the route takes none of this, in the words of the plan; None when it does."""
    why = refusal(route(written), given, shapes or {}, FitChoice())
    return None if why is None else str(why)


def usd(written: str | Model, shapes: Shapes | None = None, **given: Any) -> str | None:
    """The expected price of one call in USD, as text; None when nobody knows it."""
    one = route(written)
    expected = quote(one.model, one.binding, asked_for(one, given), shapes or {}).expected
    return None if expected is None else f"{expected.normalize():f}"


def graph_of(steps: Mapping[str, dict[str, Any]], *models: Model) -> Graph:
    """A template of these steps; `models` stand beside those of the catalog."""
    own = {model.model: model for model in models}
    template = Template(
        name="trial",
        version=1,
        about="",
        inputs=INPUTS,
        steps={name: Step.model_validate(step) for name, step in steps.items()},
        outputs={name: f"${name}" for name in steps},
    )
    return compile_template(
        template, "trial.yaml", find_model=lambda name: own.get(name) or load_model(name)
    )


def load_error(model: str, *models: Model, **with_: Any) -> str:
    """Why a template with this one step is not loaded."""
    try:
        graph_of({"step": {"model": model, "with": with_}}, *models)
    except RequestError as error:
        return str(error).removeprefix("trial.yaml: step 'step': ")
    raise AssertionError("the template was loaded")


def routes_of(graph: Graph) -> Routes:
    """All routes of each step, as if every key were set."""
    return {step.name: tuple(_routes(step)) for step in graph.steps}


def faults(graph: Graph, **inputs: Value) -> list[str]:
    """What the plan finds wrong with a row of these inputs."""
    return faults_of_rows(graph, inputs)[0]


def faults_of_rows(graph: Graph, *rows: Mapping[str, Value]) -> list[list[str]]:
    """What the plan finds wrong with each row of a table."""
    ready = [ReadyRow(f"r{n}", "", {}, _inputs(row)) for n, row in enumerate(rows)]
    found = checked(ready, graph, routes_of(graph))
    return [[f"{fault.problem}. {fault.fix}" for fault in row.faults] for row in found]


def foreseen(graph: Graph, **inputs: Value) -> Mapping[str, Foreseen]:
    """What the plan foresees of each step that may run for a row of these inputs."""
    seen = foresee(graph, _first(graph), _inputs(inputs))
    return {step: calls[0] for step, calls in seen.items()}


def lints(graph: Graph, **inputs: Value) -> list[str]:
    """What is most likely not meant, as "MF001 step 'clip': ...", of a row of these inputs."""
    seen = foreseen(graph, **inputs)
    return [str(found) for found in lint(Scene(graph, _first(graph), seen))]


def shape(width: int, height: int, **more: Any) -> Shape:
    """The shape of an opaque PNG, or of what `more` makes of it."""
    return replace(Shape(width, height, alpha=False, media_type="image/png", mode="RGB"), **more)


def _inputs(given: Mapping[str, Value]) -> dict[str, Value]:
    return {name: given.get(name, one.default) for name, one in INPUTS.items()}


def _first(graph: Graph) -> dict[str, Route]:
    return {name: found[0] for name, found in routes_of(graph).items()}


def _routes(step: GraphStep) -> list[Route]:
    return [_route(offer.model, offer.binding) for offer in offers(step)]


def _route(model: Model, binding: Binding) -> Route:
    name = binding.provider
    return Route(model, binding, name, binding.endpoint, "live", True, defaults_of(model))


def _order(one: Route, inputs: Mapping[str, Part], given: Mapping[str, Any]) -> Order:
    return Order(one.binding, asked_for(one, given), inputs)


def _part(store: Store, value: Value) -> Part:
    if isinstance(value, tuple):
        return tuple(_part(store, item) for item in value)
    return Material(value, store.path(value.sha256)) if isinstance(value, Media) else str(value)


def _uploaded(part: Part) -> Part:
    if isinstance(part, tuple):
        return tuple(map(_uploaded, part))
    if not isinstance(part, Material) or part.url is not None:
        return part
    return replace(part, url=FILES + part.media.sha256, data=part.path.read_bytes())


def _fields(order: Order) -> Any:
    adapter = PROVIDERS[order.binding.provider].adapter
    assert adapter is not None
    inputs = {port: _uploaded(part) for port, part in order.inputs.items()}
    body = adapter.submit(replace(order, inputs=inputs)).body
    return body.get("input", body)
