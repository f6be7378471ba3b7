"""What one usual row of a template costs and how long it takes, before there is any table.

Looked at as it would be live: no key is needed to look, so offers count in the template's order.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from flows.foresee import Foreseen, foresee
from flows.grammar import references
from flows.graph import Graph, GraphStep
from flows.offers import Offer, offers
from flows.template import MEDIA_WORDS, Input
from flows.will_run import has_all
from providers.catalog import Quote, quote
from providers.catalog.price import ZERO
from providers.catalog.usual import USUAL, USUAL_ITEMS, usual_quote
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
    every = replace(graph, steps=tuple(replace(step, when=None) for step in graph.steps))
    seen = foresee(every, chosen, usual_row(graph))
    sure: dict[str, bool] = {}
    steps = []
    for step in graph.steps:
        sure[step.name] = step.when is None and step.name in seen and has_all(step, sure)
        offer = chosen[step.name]
        price = _price(offer, seen.get(step.name, ()))
        seconds = offer.binding.latency.usual_seconds
        steps.append(StepPrice(step.name, offer, price, seconds, not sure[step.name]))
    return RowPrice(tuple(steps), _longest(graph, {each.step: each.seconds for each in steps}))


def _price(offer: Offer, calls: Sequence[Foreseen]) -> Quote:
    """Return the price of these calls together; without any, that of a usual call."""
    if not calls:
        return usual_quote(offer.model, offer.binding)
    prices = [quote(offer.model, offer.binding, call.asked(offer), call.given) for call in calls]
    return Quote(
        _sum(price.low for price in prices),
        _sum(price.expected for price in prices),
        _sum(price.high for price in prices),
        prices[0].grade,
    )


def _sum(amounts: Iterable[Decimal | None]) -> Decimal | None:
    total = ZERO
    for amount in amounts:
        if amount is None:
            return None
        total += amount
    return total


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
        step.each.get(ref.name, ref).name
        for step in graph.steps
        for value in step.parameters.values()
        for ref in references(value)
    }
    return {name: _usual(given, name in asked) for name, given in graph.inputs.items()}


def _usual(given: Input, is_parameter: bool) -> Value:
    if not given.required:
        return tuple(given.default) if isinstance(given.default, list) else given.default
    one = _usual_one(given, is_parameter)
    return (one,) * min(USUAL_ITEMS, given.max or USUAL_ITEMS) if given.port_type.is_list else one


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


def _is_priced(step: StepPrice) -> bool:
    return step.quote.expected is not None


def _longest(graph: Graph, seconds: Mapping[str, float]) -> float:
    ends: dict[str, float] = {}
    for step in graph.steps:
        ready = max((ends[name] for name in step.needs), default=0.0)
        ends[step.name] = ready + seconds[step.name]
    return max(ends.values())
