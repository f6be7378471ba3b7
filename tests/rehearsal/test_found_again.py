"""A submit whose answer was lost is found in the vendor's list, where the vendor has one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tasks.home import Home
from tests.core.plain import resume, start, write_table
from tests.rehearsal.accounts import bodies
from tests.rehearsal.conftest import Launch

pytestmark = pytest.mark.system  # the sandbox is a server

FAST = {"time_scale": 0.002, "longest_seconds": 0.1, "pictures": "plain"}
LOST = {"fault": "lost_answer", "provider": "replicate", "nth": [1]}


@pytest.fixture
def one(tmp_path: Path) -> Path:
    return write_table(tmp_path / "one.csv", {"mug": "a red mug"})


async def test_the_one_job_that_can_be_meant_is_taken_at_once(
    home: Home, launch: Launch, write_profile: Callable[..., str], one: Path
) -> None:
    profile = write_profile("loses", **FAST, rules=[LOST])
    sandbox = launch(profile, 1)
    ran = await start(one, sandbox=profile, provider=("replicate",))
    assert ran.states == {"mug": "done"}
    assert set(bodies(sandbox.invoice()).values()) == {1}
    assert all(attempt.job for attempt in ran.attempts)


async def test_where_two_jobs_can_be_meant_it_is_held(
    home: Home, launch: Launch, write_profile: Callable[..., str], one: Path
) -> None:
    profile = write_profile("loses", **FAST, rules=[{**LOST, "nth": [1, 2]}])
    sandbox = launch(profile, 1)
    with pytest.MonkeyPatch.context() as blind:
        blind.setattr("tasks.finding.PAGES", 0)
        first = await start(one, sandbox=profile, provider=("replicate",))
        assert first.states == {"mug": "parked"}
        # A person has it sent again, and that answer is lost, too.
        again = await resume(first.run, on_uncertain="resubmit")
        assert again.states == {"mug": "parked"}
    last = await resume(first.run, on_uncertain="hold")
    assert last.states == {"mug": "parked"}
    assert bodies(sandbox.invoice()).most_common(1)[0][1] == 2


async def test_a_vendor_that_lists_nothing_has_its_submits_held(
    home: Home, launch: Launch, write_profile: Callable[..., str], one: Path
) -> None:
    profile = write_profile("loses", **FAST, rules=[{**LOST, "provider": "fal"}])
    launch(profile, 1)
    ran = await start(one, sandbox=profile, provider=("fal",))
    assert ran.states == {"mug": "parked"}
    assert ran.outcomes() == {"uncertain": 1}
