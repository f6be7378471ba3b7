"""Ask before money is spent."""

from __future__ import annotations

import sys

import click

from flows.run_plan import Plan
from providers.errors import RequestError


def may_go_on(planned: Plan, *, yes: bool) -> None:
    """Ask before money is spent.

    Raises:
        RequestError: there is no terminal to ask at, and no --yes.
        Abort: the answer was no.
    """
    if yes or not planned.may_cost:
        return
    if not sys.stdin.isatty():
        raise RequestError(
            f"This would pay {planned.expected} and there is no terminal to ask at: add --yes."
        )
    click.confirm(f"Go on for {planned.expected}?", abort=True, err=True)
