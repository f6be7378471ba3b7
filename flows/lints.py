"""Lints: what is allowed, and still most likely not meant. Each has a code that a step can silence.

They look at the graph and at what is foreseen of a row, never at results. MF001 to MF007 follow
from the template, MF008 to MF010 from the day, the route and the run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flows.conditions import condition_references
from flows.foresee import Foreseen
from flows.grammar import Expression, Ref, references
from flows.graph import Graph, GraphStep
from providers.catalog.retired import retires_within
from providers.catalog.shape import MATCH, Shape, flat
from providers.fit import TRIM

if TYPE_CHECKING:  # routes know the ledger's words, and who only looks at a file needs none
    from flows.offers import Offer
    from flows.routes import Route

_DROP = 0.6  # of the pixels: an upscale is undone by less
_SOON_DAYS = 30
_PICTURES = ("image", "images")


@dataclass(frozen=True, slots=True)
class Lint:
    """One thing that is most likely not meant."""

    code: str
    step: str
    problem: str

    def __str__(self) -> str:
        return f"{self.code} step {self.step!r}: {self.problem} (silence: [{self.code}])"


@dataclass(frozen=True, slots=True)
class Scene:
    """What lints look at: a graph, its first routes, and what is foreseen of one kind of rows."""

    graph: Graph
    first: Mapping[str, Route | Offer]
    foreseen: Mapping[str, Foreseen]
    seconds: float = 0.0


def lint(scene: Scene) -> list[Lint]:
    """Return what is most likely not meant, without what a step has silenced."""
    found = [
        Lint(code, step.name, problem)
        for step in scene.graph.steps
        if step.name in scene.foreseen
        for check in _CHECKS
        for code, problem in check(scene, step)
        if code not in step.silence
    ]
    return list(dict.fromkeys(found))


Found = Iterator[tuple[str, str]]


def _aspect_changes(scene: Scene, step: GraphStep) -> Found:
    """The picture that is made has another shape than the one that was given."""
    seen = scene.foreseen[step.name]
    if step.kind.name in ("transform-image", "transform-video", "contact-sheet", "concat"):
        return  # a template that says crop means it
    if step.kind.name == "image-edit" and "aspect_ratio" in step.parameters:
        return  # a new scene, in the shape that it is asked in
    made_here = {ref.name for port in _PICTURES for ref in _refs(step, port)} & step.needs
    if not made_here:
        return  # a picture of the user's has the shape that it has
    given, made = _picture(seen), seen.made
    if given is None or given.size is None or made.size is None:
        return
    before, after = (size[0] / size[1] for size in (given.size, made.size))
    if abs(before / after - 1) > TRIM:
        yield (
            "MF001",
            f"{min(made_here)!r} makes {_size(given)} and this makes {_size(made)} of it: what is "
            "cut or padded was paid for; ask for one aspect ratio along the chain",
        )


def _resolution_drops(scene: Scene, step: GraphStep) -> Found:
    seen = scene.foreseen[step.name]
    given, made = _picture(seen), seen.made
    if given is None or given.size is None or made.size is None or _is_edit(step):
        return
    upscaled = [name for name in step.needs if scene.graph.step(name).kind.name == "upscale"]
    pixels = [size[0] * size[1] for size in (given.size, made.size)]
    if upscaled and pixels[1] < _DROP * pixels[0]:
        yield (
            "MF002",
            f"{upscaled[0]!r} was upscaled to {_size(given)}, and {step.model.model} makes "
            f"{_size(made)}: leave the upscale out, or put it after",
        )


def _prompt_leaks(scene: Scene, step: GraphStep) -> Found:
    """An instruction to a language model, or a still's style words, stand in another's prompt."""
    if not step.kind.generates:
        return
    own = _texts_of(step)
    for other in scene.graph.steps:
        if other.name == step.name:
            break
        shared = sorted(_texts_of(other) & own)
        if not shared or other.kind.name == step.kind.name:
            continue
        if other.kind.name == "text-generation":
            yield (
                "MF003",
                f"${shared[0]} is what {other.name!r} is told to do, and stands in this prompt as "
                f"well: use ${other.name} alone",
            )
        elif other.kind.generates and "text" not in (other.kind.name, step.kind.name):
            yield (
                "MF003",
                f"${shared[0]} is the prompt of {other.name!r} as well: what makes a good "
                f"{_thing(other)} is not what a {_thing(step)} should show",
            )


def _unused_and_paid(scene: Scene, step: GraphStep) -> Found:
    used = {ref.name for value in scene.graph.outputs.values() for ref in references(value)}
    for other in scene.graph.steps:
        used |= other.needs
        if other.when:
            used |= {ref.name for ref in condition_references(other.when, other.name)}
    if step.name not in used and not scene.first[step.name].model.is_local:
        yield "MF004", "it is paid for, and neither an output nor a later step uses it"


def _default_fights(scene: Scene, step: GraphStep) -> Found:
    rule = step.model.parameters.get("aspect_ratio")
    is_given = any(port in step.ports for port in _PICTURES)
    if rule is None or not is_given or "aspect_ratio" in step.parameters:
        return
    if rule.default not in (None, MATCH) and not step.kind.name.startswith("transform"):
        yield (
            "MF005",
            f"{step.model.model} makes {rule.default} unless it is told otherwise, whatever the "
            "picture: set aspect_ratio",
        )


def _sound_is_doubled(scene: Scene, step: GraphStep) -> Found:
    if step.kind.name != "mux":
        return
    for name in step.needs:
        seen = scene.foreseen.get(name)
        if seen is not None and seen.made.audio and scene.graph.step(name).kind.generates:
            yield (
                "MF006",
                f"{name!r} makes a sound of its own, which is paid for and then replaced or mixed "
                "here: set its audio to false",
            )


def _fallback_drops(scene: Scene, step: GraphStep) -> Found:
    for model in step.fallback_models:
        ports = [port for port in step.ports if not model.is_local and not model.takes(port)]
        lost = [*ports, *(name for name in step.parameters if name not in model.parameters)]
        if lost:
            yield "MF007", f"the fallback {model.model} takes no {', '.join(lost)}"


def _alpha_is_laid(scene: Scene, step: GraphStep) -> Found:
    if step.fit is not None and step.fit.colour is not None:
        return
    binding = scene.first[step.name].binding
    for port, given in scene.foreseen[step.name].given.items():
        if not binding.limits.of(port).alpha and any(one.alpha for one in flat(given)):
            yield (
                "MF008",
                f"{port} has transparent pixels, and {step.model.model} takes none: they are laid "
                "on white; set fit: {colour: ...}",
            )


def _retires_soon(scene: Scene, step: GraphStep) -> Found:
    binding = scene.first[step.name].binding
    if retires_within(binding, _SOON_DAYS):
        instead = f"; {binding.replaced_by} follows it" if binding.replaced_by else ""
        yield "MF009", f"{step.model.model} is switched off on {binding.retires_on}{instead}"


def _results_expire(scene: Scene, step: GraphStep) -> Found:
    route = scene.first[step.name]
    life = route.binding.result_life_seconds
    if life is not None and life < scene.seconds:
        yield (
            "MF010",
            f"{route.provider} keeps results for {life / 60:g} min and the run takes longer: they "
            "are fetched at once, but a run that dies must be resumed within that time",
        )


_CHECKS = (
    _aspect_changes,
    _resolution_drops,
    _prompt_leaks,
    _unused_and_paid,
    _default_fights,
    _sound_is_doubled,
    _fallback_drops,
    _alpha_is_laid,
    _retires_soon,
    _results_expire,
)


def _picture(seen: Foreseen) -> Shape | None:
    return next((one for port in _PICTURES for one in flat(seen.given.get(port, ()))), None)


def _refs(step: GraphStep, port: str) -> tuple[Ref, ...]:
    expression = step.ports.get(port)
    return references(expression) if expression is not None else ()


def _is_edit(step: GraphStep) -> bool:
    return step.kind.name.startswith("transform")


def _texts_of(step: GraphStep) -> set[str]:
    """Return the inputs that stand in a step's prompts."""
    ports = (step.ports.get(port) for port in ("prompt", "system"))
    found: set[str] = set()
    for expression in ports:
        if expression is not None and step.kind.generates:
            found |= _names(expression)
    return found


def _names(expression: Expression) -> set[str]:
    return {ref.name for ref in references(expression) if isinstance(ref, Ref)}


def _thing(step: GraphStep) -> str:
    return {"image": "picture", "video": "clip", "audio": "sound"}.get(
        next(iter(step.kind.outputs.values())).type.word, "text"
    )


def _size(shape: Shape) -> str:
    return f"{shape.width}x{shape.height}"
