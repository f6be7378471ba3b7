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
    from flows.proving_evidence import Evidence


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
    finally:
        if keep:
            tell(f"kept in {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    click.echo(_shown(evidence))
    faults = evidence.faults()
    for line in [f"NOT AS PROMISED: {fault}" for fault in faults] or _verdict(evidence):
        click.echo(line)
    sys.exit(1 if faults else 0)


def _shown(evidence: Evidence) -> str:
    made = evidence.made
    settled = sum(attempt.job is not None and not attempt.is_open for attempt in made)
    return table(
        ("", "the vendor's invoice", "our ledger"),
        [
            ("jobs", len(evidence.lines), evidence.jobs),
            ("jobs settled", "-", settled),
            ("sent, and no answer came", len(evidence.lines) - evidence.jobs, len(evidence.held)),
            ("second submits", evidence.twice, "-"),
            ("results kept", "-", sum(attempt.outcome == "accepted" for attempt in made)),
            ("results lost", "-", evidence.lost),
            ("billed", f"${evidence.billed}", _cost(evidence)),
        ],
    )


def _cost(evidence: Evidence) -> str:
    low, high = evidence.span.low, evidence.span.high
    return f"${low}" if low == high else f"${low} to ${high}"


def _verdict(evidence: Evidence) -> list[str]:
    """Return what the evidence says when nothing is wrong."""
    jobs = f"{len(evidence.lines)} jobs billed once, none twice, no result lost"
    if not evidence.held:
        return [f"invoice ${evidence.billed} = ledger {_cost(evidence)}: {jobs}"]
    return [
        f"invoice ${evidence.billed} is within the ledger's {_cost(evidence)}: {jobs}",
        f"held, never sent again: {len(evidence.held)}, killed between the request and the "
        "vendor's answer. Nobody on this side can know whether those were accepted; their rows are "
        "parked and their price counts as possible until a person who has the invoice says "
        "`mediaflows ledger reconcile --assume billed` or `free`",
    ]


COMMANDS = (prove,)
