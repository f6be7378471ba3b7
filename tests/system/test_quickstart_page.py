"""docs/quickstart.md, typed by a new user in an empty folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.pages import Reader, blocks
from tests.system.conftest import Server

pytestmark = [pytest.mark.system, pytest.mark.timeout(500)]


def test_every_block_of_the_quickstart_runs_as_it_stands(tmp_path: Path, server: Server) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    Reader(folder, server.variables).type_in(blocks("quickstart.md"))
    assert len(list(folder.glob("runs/product-photo/*/results.csv"))) == 3
    assert len(list(folder.glob("runs/shop-card/*/outputs/1/card.png"))) == 1
