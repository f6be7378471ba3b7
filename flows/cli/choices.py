"""The options that plan, run and batch share, read into `RunOptions`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from flows.options import RunOptions
from providers.errors import RequestError

F = TypeVar("F", bound=Callable[..., Any])

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
    click.option("--strict", is_flag=True, help="One faulty row refuses the whole table."),
    click.option("-j", "--jobs", type=click.IntRange(1, 1000), default=20, help="Rows in flight."),
    click.option("--no-breaker", is_flag=True, help="Go on when the first rows all fail alike."),
    click.option(
        "--min-success",
        type=click.FloatRange(0, 1),
        default=1.0,
        metavar="SHARE",
        help="The share of rows that is enough, 0 to 1.",
    ),
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
            strict=given.pop("strict"),
            jobs=given.pop("jobs"),
            breaker=not given.pop("no_breaker"),
            min_success=given.pop("min_success"),
        )
        return command(options=options, **given)

    wrapped.__name__, wrapped.__doc__ = command.__name__, command.__doc__
    wrapped.__click_params__ = list(getattr(command, "__click_params__", []))  # type: ignore[attr-defined]
    for choice in reversed(_CHOICES):
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
