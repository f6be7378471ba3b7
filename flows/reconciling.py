"""Ask the vendors again, and settle by a person's word what nobody can find out."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence

from sqlalchemy import Connection

from flows.frozen import frozen_options
from flows.ledger_report import between
from flows.options import RunOptions
from flows.sandboxed import sandboxed
from providers.errors import SetupError
from tasks.accounts import span_of
from tasks.home import Home
from tasks.ledger import Ledger, attempts, lookup, runs
from tasks.ledger.attempt import Attempt
from tasks.reconcile import reconcile
from tasks.services import open_services

IsMeant = Callable[[Attempt], bool]

WORDS = {
    "submitted": "still run at their vendors",
    "uncertain": "are held: nobody can tell whether they were accepted",
    "intent": "are being sent by another process",
    "unsent": "were never accepted",
}


def ask_again(ledger: Ledger, home: Home, is_meant: IsMeant) -> list[str]:
    """Ask the vendors about the attempts that are meant and have not ended; return what came of it.

    What was made in a sandbox is asked for at that sandbox.
    """
    left = [one for one in ledger.do_now(lookup.open_attempts) if is_meant(one)]
    if not left:
        return ["every attempt has ended; there is nothing to ask for"]
    found: Counter[str] = Counter()
    for options, meant in _by_sandbox(ledger, left):
        with sandboxed(options, home):
            found += asyncio.run(_ask(home, meant))
    return [f"{count:,} {WORDS.get(word, f'are {word}')}" for word, count in found.items()]


def assume_all(ledger: Ledger, is_meant: IsMeant, *, billed: bool) -> str:
    """Settle what nobody can find out as billed or as free; return what that was, in one line."""
    settled = [one for one in ledger.do_now(_in_doubt) if is_meant(one)]
    before = span_of(settled)
    for one in settled:
        ledger.do_now(attempts.assume, one.id, billed=billed)
    word = "billed at their high price" if billed else "free"
    return f"{len(settled):,} attempts in doubt ({between(before)}) are settled as {word}"


async def _ask(home: Home, meant: Sequence[Attempt]) -> Counter[str]:
    async with open_services(home) as services:
        return await reconcile(services, meant)


def _by_sandbox(ledger: Ledger, left: Sequence[Attempt]) -> list[tuple[RunOptions, list[Attempt]]]:
    places: defaultdict[str | None, list[Attempt]] = defaultdict(list)
    known = {run.id: run for run in ledger.do_now(runs.find, "")}
    profiles: dict[str, str | None] = {}
    for attempt in left:
        run = attempt.place.run
        if run not in profiles:
            profiles[run] = _sandbox_of(known.get(run))
        places[profiles[run]].append(attempt)
    return [(RunOptions(sandbox=profile), meant) for profile, meant in places.items()]


def _sandbox_of(run: runs.Run | None) -> str | None:
    try:
        return frozen_options(run).sandbox if run else None
    except SetupError:  # its folder is gone: asked for where things are now
        return None


def _in_doubt(connection: Connection) -> list[Attempt]:
    found = lookup.all_attempts(connection)
    return [one for one in found if one.state == "uncertain" or _is_open_question(one)]


def _is_open_question(attempt: Attempt) -> bool:
    if attempt.outcome == "given_up":
        return attempt.amount is None
    return attempt.outcome in ("failed", "refused", "cancelled") and attempt.grade == "estimate"
