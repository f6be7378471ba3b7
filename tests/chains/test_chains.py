"""The seven chains against the sandbox, which refuses what their vendors refuse."""

from __future__ import annotations

from pathlib import Path

import pytest

from tasks.home import Home
from tests.chains.chains import CHAINS, Chain
from tests.chains.running import run_chain
from tests.rehearsal.conftest import no_syncs, short_pauses

pytestmark = pytest.mark.system  # the sandbox is a server
__all__ = ["no_syncs", "short_pauses"]

ROWS = 6  # `benchmarks/chains.py` has more


@pytest.mark.parametrize("chain", CHAINS, ids=lambda chain: chain.name)
async def test_a_chain_meets_no_refusal_and_gives_the_aspect_that_was_asked(
    chain: Chain, home: Home, tmp_path: Path
) -> None:
    ran = await run_chain(chain, home, tmp_path, ROWS)
    assert ran.faults == ()
    assert ran.done == ROWS
