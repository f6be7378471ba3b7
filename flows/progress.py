"""How far a run is: a line for people, an artifact on a timer for the Prefect UI."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from uuid import UUID

from prefect.artifacts import acreate_progress_artifact, aupdate_progress_artifact

from flows.rows import ReadyRow
from flows.runner import RowOutcome

QUIET_SECONDS = 15.0  # between two lines when nothing has ended
EVERY_SECONDS = 3.0  # an update is a request to the server: on a timer, never per row


@dataclass(slots=True)
class Progress:
    """Counts the rows of one shard as they end."""

    rows: int
    started: float = field(default_factory=time.monotonic)
    states: Counter[str] = field(default_factory=Counter)

    def count(self, row: ReadyRow, outcome: RowOutcome) -> None:
        """Take note of a row that has ended."""
        self.states[outcome.state] += 1

    @property
    def share(self) -> float:
        """How much is finished, from 0 to 100."""
        return 100.0 * self.states.total() / self.rows if self.rows else 100.0

    def line(self) -> str:
        """Progress in one line: "8/12 rows · 7 done, 1 failed · 14 s"."""
        states = ", ".join(f"{count:,} {state}" for state, count in self.states.most_common())
        seconds = time.monotonic() - self.started
        return " · ".join(
            filter(
                None, (f"{self.states.total():,}/{self.rows:,} rows", states, f"{seconds:.0f} s")
            )
        )


@asynccontextmanager
async def shown(progress: Progress, key: str, say: Callable[[str], None]) -> AsyncIterator[None]:
    """Keep an artifact and a line up to date while the block runs."""
    artifact = await acreate_progress_artifact(progress=0.0, key=key, description=progress.line())
    timer = asyncio.create_task(_keep_up(progress, artifact, say))
    try:
        yield
    finally:
        timer.cancel()
        await _update(progress, artifact)
        say(progress.line())


async def _keep_up(progress: Progress, artifact: UUID, say: Callable[[str], None]) -> None:
    ended, said = 0, time.monotonic()
    while True:
        await asyncio.sleep(EVERY_SECONDS)
        await _update(progress, artifact)
        if progress.states.total() != ended or time.monotonic() - said > QUIET_SECONDS:
            say(progress.line())
            ended, said = progress.states.total(), time.monotonic()


async def _update(progress: Progress, artifact: UUID) -> None:
    await aupdate_progress_artifact(
        artifact_id=artifact, progress=progress.share, description=progress.line()
    )
