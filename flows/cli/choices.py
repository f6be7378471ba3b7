"""The options that plan, run and batch share, read into `RunOptions`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar

import click

from flows.options import RunOptions
from providers.errors import RequestError

F = TypeVar("F", bound=Callable[..., Any])


class Amount(click.ParamType[Decimal]):
    """USD: 1.50 or $1.50."""

    name = "usd"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Decimal:
        """Return the amount; a click error says what is wrong with it."""
        try:
            amount = Decimal(str(value).removeprefix("$").replace(",", ""))
        except InvalidOperation:
            self.fail(f"{value!r} is not an amount in USD; write 1.50", param, ctx)
        if not amount.is_finite() or amount < 0:
            self.fail(f"{value!r} is not an amount from 0 upwards", param, ctx)
        return amount


USD = Amount()
TERMS = (
    click.option("--max-cost", type=USD, metavar="USD", help="What the run may cost at most."),
    click.option("--max-cost-per-row", type=USD, metavar="USD", help="What a row may cost."),
    click.option(
        "--allow-unpriced", is_flag=True, default=None, help="Under a cap, count these as free."
    ),
    click.option(
        "--on-uncertain",
        type=click.Choice(["hold", "resubmit"]),
        help="A submit whose answer was lost: hold the row (default), or pay anew.",
    ),
    click.option(
        "--on-lost",
        type=click.Choice(["hold", "resubmit"]),
        help="A paid result that is gone: hold the row (default), or pay anew.",
    ),
    click.option(
        "--drain",
        type=click.FloatRange(min=0),
        metavar="SECONDS",
        help="How long a stopped run waits for what it has paid for [default: 30].",
    ),
    click.option(
        "-j", "--jobs", type=click.IntRange(1, 1000), help="Rows in flight [default: 20]."
    ),
    click.option(
        "--no-breaker", is_flag=True, default=None, help="Go on when the first rows all fail alike."
    ),
    click.option(
        "--min-success",
        type=click.FloatRange(0, 1),
        metavar="SHARE",
        help="The share of rows that is enough, 0 to 1 [default: 1].",
    ),
)
"""What may happen in a run: for every command that runs one, also a run that is gone on with."""

_CHOICES = (
    click.option("--local", is_flag=True, help="Play every model on this machine, free."),
    click.option(
        "--sandbox",
        is_flag=False,
        flag_value="calm",
        metavar="[PROFILE]",
        help="Rehearse against a sandbox that costs nothing.",
    ),
    click.option("--provider", metavar="NAME[,NAME]", help="Use only these providers, in order."),
    click.option("--use", multiple=True, metavar="STEP=MODEL[@PROVIDER]", help="Another model."),
    click.option("--map", "mapping", multiple=True, metavar="INPUT=COLUMN", help="Bind a column."),
    click.option("--set", "settings", multiple=True, metavar="NAME=VALUE", help="Set an input."),
    click.option("--id-col", metavar="COLUMN", help="The column that names the rows."),
    click.option("--take", type=click.IntRange(min=1), default=1, help="Pay for another result."),
    click.option(
        "--fresh", multiple=True, metavar="STEP", help="Pay anew for a step: its next unused take."
    ),
    click.option("--from", "from_step", metavar="STEP", help="Make nothing before this step."),
    click.option("--strict", is_flag=True, help="A faulty row or a lint refuses the whole run."),
    *TERMS,
)


def run_choices(command: F) -> F:
    """Add the shared options to a command; it receives them as one `options`."""

    def wrapped(**given: Any) -> Any:
        options = RunOptions(
            local=given.pop("local"),
            sandbox=given.pop("sandbox"),
            provider=tuple(filter(None, (given.pop("provider") or "").split(","))),
            use=_pairs("--use", given.pop("use")),
            map=_pairs("--map", given.pop("mapping")),
            set=_pairs("--set", given.pop("settings")),
            id_col=given.pop("id_col"),
            take=given.pop("take"),
            fresh=given.pop("fresh"),
            from_step=given.pop("from_step"),
            strict=given.pop("strict"),
            **_terms(given),
        )
        return command(options=options, **given)

    return _with_choices(command, wrapped, _CHOICES)


def term_choices(command: F) -> F:
    """Add the options of what may happen; the command receives those that were given as `terms`."""

    def wrapped(**given: Any) -> Any:
        return command(terms=_terms(given), **given)

    return _with_choices(command, wrapped, TERMS)


def _terms(given: dict[str, Any]) -> dict[str, Any]:
    names = ("max_cost", "max_cost_per_row", "allow_unpriced", "on_uncertain", "on_lost")
    terms = {name: given.pop(name) for name in (*names, "drain", "jobs", "min_success")}
    if given.pop("no_breaker"):
        terms["breaker"] = False
    return {name: value for name, value in terms.items() if value is not None}


def _with_choices(command: F, wrapped: Callable[..., Any], choices: Sequence[Any]) -> F:
    wrapped.__name__, wrapped.__doc__ = command.__name__, command.__doc__
    wrapped.__click_params__ = list(getattr(command, "__click_params__", []))  # type: ignore[attr-defined]
    for choice in reversed(choices):
        wrapped = choice(wrapped)
    return wrapped  # type: ignore[return-value]


def _pairs(option: str, given: tuple[str, ...]) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise RequestError(f"{option} {text}: write it as NAME=VALUE.")
        if name in pairs:
            raise RequestError(f"{option} {name} is given twice; leave one out.")
        pairs[name] = value
    return pairs
