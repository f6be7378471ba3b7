"""What one usual row of a template costs and how long it takes, before there is any table.

Looked at as it would be live: no key is needed to look, so offers count in the template's order.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from flows.foresee import Foreseen, foresee
from flows.grammar import references
from flows.graph import Graph, GraphStep
from flows.offers import Offer, offers
from flows.template import MEDIA_WORDS, Input
from providers.catalog import Quote, quote
from providers.catalog.price import ZERO
from providers.catalog.usual import USUAL, USUAL_ITEMS
from providers.errors import RequestError
from providers.media import Media, MediaKind, Value


@dataclass(frozen=True, slots=True)
class StepPrice:
    """One step of a usual row: who does it, for how much in all its calls, and how long it takes.

    `may_not_run` is true where a condition decides, of this step or of one before it.
    """

    step: str
    offer: Offer
    quote: Quote
    seconds: float
    may_not_run: bool = False


@dataclass(frozen=True, slots=True)
class RowPrice:
    """All steps of a usual row; `seconds` is along the longest path of steps."""

    steps: tuple[StepPrice, ...]
    seconds: float

    @property
    def expected(self) -> Decimal:
        """What the steps with a price cost in USD when every one of them runs."""
        return sum((step.quote.expected or ZERO for step in self.steps), ZERO)

    @property
    def low(self) -> Decimal:
        """The least that they cost; a step that may not run costs nothing then."""
        return sum((step.quote.low or ZERO for step in self.steps if not step.may_not_run), ZERO)

    @property
    def high(self) -> Decimal:
        """The most that the steps with a price cost."""
        return sum((step.quote.high or ZERO for step in self.steps if _is_priced(step)), ZERO)

    @property
    def unpriced(self) -> tuple[str, ...]:
        """The steps whose price nobody knows."""
        return tuple(step.step for step in self.steps if not _is_priced(step))


def row_price(graph: Graph) -> RowPrice:
    """Return price and time of a row of usual inputs in which every step runs once.

    Raises:
        RequestError: a step that no provider offers any more.
        SetupError: a step wants this machine, and nothing here plays its kind.
    """
    chosen = {step.name: first_priced(step) for step in graph.steps}
    inputs = usual_row(graph)
    calls: dict[str, int] = {}
    conditional: set[str] = set()
    for step in graph.steps:
        calls[step.name] = _calls(step, inputs, calls)
        if step.when or step.needs & conditional:
            conditional.add(step.name)
    every = replace(graph, steps=tuple(replace(step, when=None) for step in graph.steps))
    seen = foresee_usual(every, chosen, inputs)
    steps = []
    for step in graph.steps:
        offer, what = chosen[step.name], seen[step.name]
        one = quote(offer.model, offer.binding, {**offer.defaults, **what.parameters}, what.given)
        steps.append(
            StepPrice(
                step.name,
                offer,
                _times(one, calls[step.name]),
                offer.binding.latency.usual_seconds,
                step.name in conditional,
            )
        )
    return RowPrice(tuple(steps), _longest(graph, {each.step: each.seconds for each in steps}))


def foresee_usual(
    graph: Graph, chosen: Mapping[str, Offer], inputs: Mapping[str, Value]
) -> dict[str, Foreseen]:
    """Return what is foreseen of the steps for a row of usual inputs: of `each`, its first item."""
    return foresee(graph, chosen, {**inputs, **_items(graph, inputs)})


def first_priced(step: GraphStep) -> Offer:
    """Return the first offer with a price of the model that is tried first, else its first offer.

    Raises:
        RequestError: no provider offers the step any more.
        SetupError: as `row_price`.
    """
    every = tuple(offers(step))
    if not every:
        raise RequestError(f"step {step.name!r}: no provider offers {step.use} any more.")
    own = [offer for offer in every if offer.model == every[0].model]
    return next((o for o in own if o.binding.price or o.binding.provider == "local"), own[0])


def usual_row(graph: Graph) -> dict[str, Value]:
    """Return a usual value of each input.

    A required number that nothing is known of has none, and a text that a parameter takes has
    none either: the model's own default holds there.
    """
    asked = {
        ref.name
        for step in graph.steps
        for value in step.parameters.values()
        for ref in references(value)
    }
    found = {name: _usual(given, name in asked) for name, given in graph.inputs.items()}
    return {name: value for name, value in found.items() if value is not None}


def _usual(given: Input, is_parameter: bool) -> Value:
    if not given.required:
        return tuple(given.default) if isinstance(given.default, list) else given.default
    one = _usual_one(given, is_parameter)
    if not given.port_type.is_list:
        return one
    return None if one is None else (one,) * min(USUAL_ITEMS, given.max or USUAL_ITEMS)


def _usual_one(given: Input, is_parameter: bool) -> Value:
    word = given.port_type.word
    if word in MEDIA_WORDS:
        return _media(word)
    if word == "text" and not is_parameter:
        return "x" * (USUAL["text"].characters or 0)
    return given.options[0] if given.options else None


_KINDS: Mapping[str, MediaKind] = {"image": "image", "video": "video", "audio": "audio"}


def _media(word: str) -> Media:
    shape = USUAL[word]
    return Media(
        kind=_KINDS[word],
        sha256="",
        media_type=shape.media_type or "",
        size_bytes=0,
        width=shape.width,
        height=shape.height,
        seconds=shape.seconds,
        alpha=shape.alpha,
        has_audio=shape.audio,
        mode=shape.mode,
    )


def _items(graph: Graph, inputs: Mapping[str, Value]) -> dict[str, Value]:
    """One item of each list of a row that a step goes over."""
    return {
        item: value[0]
        for step in graph.steps
        for item, ref in step.each.items()
        if isinstance(value := inputs.get(ref.name), tuple) and value
    }


def _calls(step: GraphStep, inputs: Mapping[str, Value], calls: Mapping[str, int]) -> int:
    if not step.each:
        return 1
    shortest = min(_lengths(step, inputs, calls))
    return shortest if step.max_items is None else min(shortest, step.max_items)


def _lengths(
    step: GraphStep, inputs: Mapping[str, Value], calls: Mapping[str, int]
) -> Iterator[int]:
    for ref in step.each.values():
        value = inputs.get(ref.name)
        yield len(value) if isinstance(value, tuple) else calls.get(ref.name, USUAL_ITEMS)


def _times(one: Quote, calls: int) -> Quote:
    low, expected, high = (
        None if amount is None else amount * calls for amount in (one.low, one.expected, one.high)
    )
    return Quote(low, expected, high, one.grade)


def _is_priced(step: StepPrice) -> bool:
    return step.quote.expected is not None


def _longest(graph: Graph, seconds: Mapping[str, float]) -> float:
    ends: dict[str, float] = {}
    for step in graph.steps:
        ready = max((ends[name] for name in step.needs), default=0.0)
        ends[step.name] = ready + seconds[step.name]
    return max(ends.values())
