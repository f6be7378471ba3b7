"""`mediaflows prove`: see with your own eyes that a killed run pays nothing twice."""

from __future__ import annotations

import random
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click

from flows.cli.tables import table, tell

if TYPE_CHECKING:
    from flows.proving import Evidence


@click.command()
@click.option("--seed", type=int, help="Decides the moments of the kills; another one each time.")
@click.option("--keep", is_flag=True, help="Keep the temporary folder and say where it is.")
def prove(seed: int | None, keep: bool) -> None:
    """Kill a run ten times, go on with it, and lay the vendor's invoice beside our ledger.

    Takes about a minute, costs nothing and leaves nothing behind.
    """
    from flows.proving import prove as do_prove

    folder = Path(tempfile.mkdtemp(prefix="mediaflows-prove-"))
    try:
        chosen = random.randrange(1, 10_000) if seed is None else seed
        evidence = do_prove(folder, chosen, tell)
        faults = evidence.faults()
        click.echo(_shown(evidence))
        for fault in faults:
            click.echo(f"NOT AS PROMISED: {fault}")
        if not faults:
            click.echo(_verdict(evidence))
    finally:
        if keep:
            tell(f"kept in {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    sys.exit(1 if faults else 0)


def _shown(evidence: Evidence) -> str:
    made = evidence.made
    jobs = sum(attempt.job is not None for attempt in made)
    return table(
        ("", "the vendor's invoice", "our ledger"),
        [
            ("jobs accepted", len(evidence.lines), jobs),
            ("held, answer cut off", len(evidence.lines) - jobs, len(evidence.held)),
            ("amount", f"${evidence.billed}", f"${evidence.span.low} to ${evidence.span.high}"),
            ("accepted twice", evidence.twice, "-"),
            ("results kept", "-", sum(attempt.outcome == "accepted" for attempt in made)),
            ("results lost", "-", evidence.lost),
        ],
    )


def _verdict(evidence: Evidence) -> str:
    if not evidence.held:
        return (
            f"invoice ${evidence.billed} = ledger ${evidence.span.low}: "
            f"{len(evidence.lines)} jobs billed once, none twice, none lost"
        )
    return (
        f"{len(evidence.lines)} jobs billed once, none twice, none lost. Held: "
        f"{len(evidence.held)}, cut off before the vendor's answer. Nobody here can know whether "
        "that was accepted, so the row is parked, the price is counted as possible, and nothing "
        "is sent again until a person says so (mediaflows ledger reconcile)"
    )


COMMANDS = (prove,)
