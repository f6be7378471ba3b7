"""The plan: what a run would do and cost, worked out with no call made."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from math import ceil
from typing import TYPE_CHECKING, Any

from flows.duration import duration
from flows.graph import Graph, GraphStep
from flows.lint_rows import lint_rows
from flows.lints import Lint, Scene, lint
from flows.options import RunOptions
from flows.pricing import Pricer
from flows.recall import Known, KnownRow
from flows.routes import Routes
from flows.rows import ReadyRow
from flows.table import Fault
from providers.catalog import Quote
from tasks.money import dollars, with_unpriced

if TYPE_CHECKING:  # whoever only looks at a plan does not wait for pandas
    import pandas as pd

ZERO = Decimal(0)
KINDS_OF_ROWS = 20  # whose sizes differ: enough to see what lints look for


@dataclass(frozen=True, slots=True)
class StepPlan:
    """What one step would do over all valid rows; amounts in USD, over the priced calls."""

    step: str
    route: str
    calls: int
    reused: int
    low: Decimal
    expected: Decimal
    high: Decimal
    unpriced: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run would do; `faults` are of rows, which would not run."""

    template: str
    rows: int
    steps: tuple[StepPlan, ...]
    faults: tuple[Fault, ...] = field(repr=False)
    seconds: float
    lints: tuple[Lint, ...] = ()
    unfetched: int = 0
    missing_keys: tuple[str, ...] = ()
    """A line for each step that cannot be sent today for want of a key, where that was asked."""

    @property
    def invalid(self) -> int:
        """How many rows have faults and will not run."""
        return len({fault.row_id for fault in self.faults})

    @property
    def calls(self) -> int:
        """How many calls would be made."""
        return sum(step.calls for step in self.steps)

    @property
    def reused(self) -> int:
        """How many results are known already."""
        return sum(step.reused for step in self.steps)

    @property
    def expected(self) -> str:
        """The expected price as people read it."""
        return with_unpriced(
            sum((step.expected for step in self.steps), ZERO),
            sum(step.unpriced for step in self.steps),
        )

    def expected_for(self, rows: int) -> str:
        """The expected price of some of the rows, at the average of all."""
        valid = max(1, self.rows - self.invalid)
        amount = sum((step.expected for step in self.steps), ZERO) * rows / valid
        return with_unpriced(amount, sum(step.unpriced for step in self.steps) * rows // valid)

    @property
    def may_cost(self) -> bool:
        """True unless every call is known to be free."""
        return any(step.high or step.unpriced for step in self.steps)

    def line(self) -> str:
        """The plan in one line, printed before anything starts."""
        rows = f"{self.rows:,} row{'s' if self.rows != 1 else ''}"
        reused = f" ({self.reused:,} known)" if self.reused else ""
        seconds = duration(self.seconds) if self.calls else "no time"
        parts = [
            f"{self.template}: {rows} x {len(self.steps)} step{'s' if len(self.steps) != 1 else ''}",
            f"{self.calls:,} calls to make{reused}",
            self.expected,
            f"about {seconds}",
        ]
        return " · ".join(parts)

    def unfetched_line(self) -> str:
        """What of the rows nobody has looked at, in one line; "" when that is nothing."""
        if not self.unfetched:
            return ""
        if self.unfetched == 1:
            return "1 file at an https address is not checked: it is fetched when its row starts"
        return (
            f"{self.unfetched:,} files at https addresses are not checked: they are fetched when "
            "their row starts"
        )

    def to_frame(self) -> pd.DataFrame:
        """Return the plan as a DataFrame, a line for each step; amounts are floats there."""
        import pandas as pd

        frame = pd.DataFrame([asdict(step) for step in self.steps])
        amounts = {name: "float64" for name in ("low", "expected", "high")}
        return frame.astype(amounts).set_index("step")

    def to_json(self) -> dict[str, Any]:
        """Return the plan as JSON data; amounts are text."""
        return {
            "template": self.template,
            "rows": self.rows,
            "invalid": self.invalid,
            "unfetched": self.unfetched,
            "calls": self.calls,
            "reused": self.reused,
            "expected_usd": str(sum((step.expected for step in self.steps), ZERO)),
            "unpriced_calls": sum(step.unpriced for step in self.steps),
            "seconds": round(self.seconds, 1),
            "steps": [
                {
                    key: str(value) if isinstance(value, Decimal) else value
                    for key, value in asdict(step).items()
                }
                for step in self.steps
            ],
            "faults": [asdict(fault) for fault in self.faults],
            "lints": [asdict(one) for one in self.lints],
        }


def make_plan(
    graph: Graph, routes: Routes, rows: Sequence[ReadyRow], known: Known, options: RunOptions
) -> Plan:
    """Return the plan of these rows; prices are of the first route that can be used."""
    pricer = Pricer(graph, routes)
    faults = [fault for row in rows for fault in row.faults]
    good = [row for row in rows if not row.faults]
    steps = tuple(_plan_step(step, pricer, good, known, options) for step in graph.steps)
    seconds = sum(step.seconds for step in steps)
    first = {step.name: pricer.route(step) for step in graph.steps}
    lints: dict[tuple[str, str], Lint] = {}
    for foreseen in pricer.foreseen(good, KINDS_OF_ROWS):
        calls = {name: seen[0] for name, seen in foreseen.items()}
        for one in lint(Scene(graph, first, calls, seconds)):
            lints.setdefault((one.code, one.step), one)
    for one in lint_rows(graph, good, options):
        lints[one.code, one.step] = one
    unfetched = sum(row.unfetched for row in good)
    return Plan(
        graph.name, len(rows), steps, tuple(faults), seconds, tuple(lints.values()), unfetched
    )


def _plan_step(
    step: GraphStep,
    pricer: Pricer,
    rows: Sequence[ReadyRow],
    known: Known,
    options: RunOptions,
) -> StepPlan:
    calls = reused = unpriced = 0
    low = expected = high = ZERO
    for row in rows:
        seen = known.of(row.id)
        reused += sum(name == step.name for name, _ in seen.results)
        for price in _left(step, pricer, row, seen):
            calls += 1
            if price.low is None or price.expected is None or price.high is None:
                unpriced += 1
            else:
                low, expected, high = low + price.low, expected + price.expected, high + price.high
    route = pricer.route(step)
    usual = route.binding.latency.usual_seconds
    at_once = 2 if route.provider == "local" else options.jobs
    label = f"{route.model.model}@{route.provider}"
    seconds = ceil(calls / at_once) * usual
    return StepPlan(step.name, label, calls, reused, low, expected, high, unpriced, seconds)


def _left(step: GraphStep, pricer: Pricer, row: ReadyRow, seen: KnownRow) -> Iterator[Quote]:
    """Yield the price of each call of the step that is yet to be made."""
    if step.name in seen.ends:
        return
    for call in pricer.calls(step, row):
        place = (step.name, call.item)
        if place not in seen.results and place not in seen.held:
            yield call.quote


def price_words(plan: StepPlan) -> str:
    """Return the price of a planned step as people read it."""
    if plan.low != plan.high:
        span = f"{dollars(plan.low)} to {dollars(plan.high)}"
        return f"{span}, {plan.unpriced} unpriced" if plan.unpriced else span
    return with_unpriced(plan.expected, plan.unpriced)
