"""docs/testing.md, typed into an empty folder: its tests pass, and the one that forgot is caught."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.pages import Reader, blocks
from tests.system.conftest import Server

pytestmark = [pytest.mark.system, pytest.mark.timeout(900)]


def test_every_block_of_the_page_runs_as_it_stands(tmp_path: Path, server: Server) -> None:
    folder = tmp_path / "shop"
    folder.mkdir()
    Reader(folder, server.variables).type_in(blocks("testing.md"))
