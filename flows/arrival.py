"""A row arrives: what it names by URL is fetched, checked, kept for a resume, and recalled.

All of it is free and comes before admission, so what is set aside for the row is worked out from
real sizes, and a file that no model takes is told before anything is paid.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from flows.frozen import Work
from flows.pricing import Pricer
from flows.recall import KnownRow, recall
from flows.rows import ReadyRow, fitting, input_fault, media_inputs
from flows.table import Fault
from providers.errors import InputError
from providers.media import InputUrl, Media, Value
from providers.trusted_urls import shown
from tasks.halt import Halt
from tasks.inputs import InputFiles
from tasks.ledger import runs
from tasks.services import Services

T = TypeVar("T")


@dataclass(slots=True)
class Arrivals:
    """Makes rows of one shard whole before they are admitted."""

    services: Services
    work: Work
    pricer: Pricer
    files: InputFiles

    async def arrive(self, row: ReadyRow, known: KnownRow, halt: Halt) -> tuple[ReadyRow, KnownRow]:
        """Return the row with its files, or with faults, and what the ledger has of it.

        A row whose halt is set meanwhile is returned as it was.
        """
        urls = {url for sources in row.sources.values() for url in sources}
        fetched = await self._fetched({url for url in urls if isinstance(url, InputUrl)}, halt)
        if not fetched:
            return row, known
        arrived = self._with(row, fetched)
        if arrived.inputs == row.inputs:  # taken by an earlier part of this run, and recalled
            return arrived, known
        kept = {row.id: media_inputs(arrived)}
        await self.services.ledger.do(runs.keep_inputs, self.work.run, kept)
        if not arrived.faults:
            arrived = replace(arrived, faults=tuple(self.pricer.problems(arrived)))
        return arrived, known if arrived.faults else await self._recalled(arrived)

    async def _fetched(
        self, urls: set[InputUrl], halt: Halt
    ) -> Mapping[InputUrl, Media | InputError]:
        if not urls:
            return {}
        together = asyncio.create_task(self._get_all(urls))
        try:
            with halt.calling(lambda: _cancel(together)):
                await asyncio.wait({together})
        finally:
            together.cancel()
        return {} if together.cancelled() else together.result()

    async def _get_all(self, urls: set[InputUrl]) -> dict[InputUrl, Media | InputError]:
        found = await asyncio.gather(*map(self._get, urls))
        return dict(zip(urls, found, strict=True))

    async def _get(self, url: InputUrl) -> Media | InputError:
        try:
            return await self.files.get(url)
        except InputError as error:
            return error

    def _with(self, row: ReadyRow, fetched: Mapping[InputUrl, Media | InputError]) -> ReadyRow:
        inputs = dict(row.inputs)
        faults: list[Fault] = []
        for name, sources in row.sources.items():
            value = inputs.get(name)
            items: list[Value] = list(value) if isinstance(value, tuple) else [value]
            for position, source in enumerate(sources):
                if not isinstance(source, InputUrl):
                    continue
                found = fitting(source.word, shown(source.url), name, fetched[source])
                if isinstance(found, Media):
                    items[position] = found
                elif found is not None:
                    column = self.work.options.map.get(name, name)
                    faults.append(replace(input_fault(row.id, name, found), column=column))
            inputs[name] = tuple(items) if isinstance(value, tuple) else items[0]
        return replace(row, inputs=inputs, faults=tuple(faults))

    async def _recalled(self, row: ReadyRow) -> KnownRow:
        """What the ledger has by key; nothing of the run's own can be there before its files are."""
        found = await recall(
            self.services.ledger,
            self.services.store,
            self.work.graph,
            self.work.routes,
            {row.id: row.inputs},
            options=self.work.options,
        )
        return found.of(row.id)


def _cancel(task: asyncio.Task[T]) -> None:
    task.cancel()
