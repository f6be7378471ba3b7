"""Files that rows name by URL: each is fetched once in a run, kept, and decoded whole before use."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from providers.errors import InputError
from providers.fetch_input import fetch_input
from providers.local.probe import decodes
from providers.media import InputUrl, Media
from providers.trusted_urls import shown
from tasks.keep import in_thread, media_of
from tasks.store import Store

FETCHES_AT_ONCE = 16  # also at one host, which is somebody's shop
_PAGE_STARTS = (b"<!doctype html", b"<html")


@dataclass(slots=True)
class InputFiles:
    """The fetched files of one run in one event loop, by URL.

    What went wrong is remembered too: a thousand rows with one dead URL ask it once. `known` is
    what the run fetched before: its bytes stand, whatever is at the URL now.
    """

    store: Store
    known: Mapping[str, Media] = field(default_factory=dict)
    _fetching: dict[str, asyncio.Task[Media]] = field(default_factory=dict)
    _slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(FETCHES_AT_ONCE))

    async def get(self, given: InputUrl) -> Media:
        """Return what is at the URL, in the store.

        Raises:
            InputError: it cannot be had, or is no media that can be read.
        """
        known = self.known.get(given.url)
        if known is not None and self.store.has(known.sha256):
            return known
        task = self._fetching.get(given.url)
        if task is None:
            task = self._fetching[given.url] = asyncio.create_task(self._fetch(given.url))
            task.add_done_callback(_look_at_it)
        return await asyncio.shield(task)  # when one row is stopped, another may be waiting

    def close(self) -> None:
        """Give up what is still on its way."""
        for task in self._fetching.values():
            task.cancel()

    async def _fetch(self, url: str) -> Media:
        async with self._slots:
            (sha256, _), media_type = await fetch_input(url, self.store.receive)
        known = self.known.get(url)
        if known is not None and known.sha256 != sha256:
            raise InputError(
                f"{shown(url)} gives other bytes than when this run took it, and those are gone "
                "from the store. Start a new run."
            )
        return await in_thread(_looked_at, sha256, self.store.path(sha256), url, media_type)


def _looked_at(sha256: str, path: Path, url: str, media_type: str) -> Media:
    try:
        media = media_of(sha256, path)
        decodes(path)
    except InputError as error:
        if media_type == "text/html" or _is_page(path):
            raise InputError(
                f"{shown(url)} is a web page. Give the address of the file itself."
            ) from None
        raise InputError(str(error).replace(f"'{path}'", shown(url))) from None
    return media


def _is_page(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(256).lstrip().lower().startswith(_PAGE_STARTS)


def _look_at_it(task: asyncio.Task[Media]) -> None:
    """Nobody may be waiting any more, and what went wrong must not be logged as forgotten."""
    if not task.cancelled():
        task.exception()
