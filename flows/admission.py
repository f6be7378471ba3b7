"""Admission: may a row start? Its worst case is set aside under every cap before it does.

A row that does not fit waits while a row in flight may give something back, and is kept out only
when none has anything left. Rows wait in line: the first that asked is the first to be let in.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from flows.frozen import Work
from flows.pricing import Pricer
from flows.rows import ReadyRow
from flows.worst_case import Done, Used, row_cap, worst_case
from tasks.candidate import RowCap
from tasks.ledger import budget, lookup, runs
from tasks.ledger.schema import ALL
from tasks.money import dollars
from tasks.services import Services

ASK_AGAIN_SECONDS = 0.5  # what another process gives back is seen after this time
BUDGET = "BudgetError"
"""The error class of a row that was kept out for want of money."""


@dataclass(slots=True)
class Admission:
    """The budget of one run, as one shard of it asks for it."""

    services: Services
    work: Work
    pricer: Pricer
    rounds: Mapping[str, int]
    caps: Mapping[str, Decimal]
    used: Used
    _began: float = field(default_factory=time.time)
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    _given_back: asyncio.Event = field(default_factory=asyncio.Event)

    @staticmethod
    async def open(services: Services, work: Work, pricer: Pricer) -> Admission:
        """Read a run's caps, and what its rows have used of their budgets."""
        ledger = services.ledger
        caps = await ledger.do(budget.caps_of, work.run)
        rounds = await ledger.do(runs.rounds, work.run)
        is_capped = bool(caps) or work.options.max_cost_per_row is not None
        made = await ledger.do(lookup.made_by, work.run) if is_capped else []
        return Admission(services, work, pricer, rounds, caps, Used.of(made, rounds))

    @property
    def is_capped(self) -> bool:
        """True when the run as a whole may not cost more than a stated amount."""
        return bool(self.caps)

    def row_cap(self, row: ReadyRow) -> RowCap | None:
        """Return what the row may cost, or None when nothing is said of single rows."""
        return row_cap(self.work.graph, self.pricer, row, self.work.options.max_cost_per_row)

    async def keep_out(
        self, row: ReadyRow, done: Done, is_stopped: Callable[[], bool]
    ) -> str | None:
        """Return why the row may not start, or None: it may, and its worst case is set aside.

        Waits while that may change; ends early when `is_stopped`.
        """
        worst = worst_case(self.work.graph, self.pricer, row, done, self.used)
        if cap := self.row_cap(row):
            left = (price for call, price in cap.one_try.items() if not done.has(*call))
            least = sum(left, Decimal(0))
            if least > cap.most:
                return (
                    f"it may cost up to {dollars(least)}, and --max-cost-per-row is "
                    f"{dollars(cap.most)}"
                )
            worst = {name: min(amount, cap.most) for name, amount in worst.items()}
        if not self.caps or not worst[ALL]:
            return None
        async with self._turn:
            while not is_stopped():
                self._given_back.clear()
                found = await self.services.ledger.do(
                    budget.admit, self.work.run, row.id, self.services.owner.id, worst
                )
                if found.admitted:
                    return None
                if not found.may_wait:
                    return found.reason
                await self._wait()
        return None

    def step_ended(self, row: ReadyRow, done: Done) -> None:
        """Give back what the row's remaining steps cannot cost any more."""
        if self.caps:
            worst = worst_case(self.work.graph, self.pricer, row, done, self.used)
            self.services.ledger.post(budget.lower, self.work.run, row.id, worst)
            self._given_back.set()

    def row_ended(self) -> None:
        """Let a row that waits ask again."""
        self._given_back.set()

    async def overrun(self) -> str | None:
        """Return why no row may start since a vendor bills more than was thought, or None."""
        if not self.caps:
            return None
        return await self.services.ledger.do(budget.overrun, self.work.run, self._began)

    async def _wait(self) -> None:
        try:
            await asyncio.wait_for(self._given_back.wait(), ASK_AGAIN_SECONDS)
        except TimeoutError:
            return
