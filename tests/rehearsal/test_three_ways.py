"""One table through three sets of vendors: each is paid for once, and all give the same."""

from __future__ import annotations

import time
from typing import Any

import pytest
from PIL import Image

from flows import plan
from flows.options import RunOptions
from flows.sandboxed import sandbox_folder, sandboxed
from providers.sandbox.process import find_sandbox
from tasks.home import Home
from tests.core.plain import Ran, start
from tests.rehearsal.accounts import (
    Line,
    comparison,
    money,
    require_a_line_for_each,
    require_media_on_disk,
)
from tests.rehearsal.conftest import MakeRows

pytestmark = pytest.mark.system  # the sandbox is a server

ROWS = 6
OTHERS = {"photo": "flux-2-pro@bfl", "cutout": "bria-rmbg-2@bria"}
WAYS: dict[tuple[str, str], dict[str, Any]] = {
    ("fal", "fal"): {"provider": ("fal",)},
    ("replicate", "replicate"): {"provider": ("replicate",)},
    ("bfl", "bria"): {"use": OTHERS},
}


def invoice(home: Home) -> list[Line]:
    sandbox = find_sandbox(sandbox_folder(home, "fast"))
    assert sandbox is not None
    return sandbox.invoice()


def shapes(ran: Ran) -> dict[str, tuple[float, bool, bool, bool]]:
    """By row: width to height, alpha of photo and cutout, whether the two are of one size."""
    found = {}
    for row, line in ran.results.items():
        with (
            Image.open(ran.folder / line["photo"]) as photo,
            Image.open(ran.folder / line["cutout"]) as cutout,
        ):
            found[row] = (
                round(photo.width / photo.height, 1),
                "A" in photo.getbands(),
                "A" in cutout.getbands(),
                photo.size == cutout.size,
            )
    return found


async def test_each_set_of_vendors_is_paid_once_and_all_give_the_same(
    home: Home, make_rows: MakeRows
) -> None:
    table, given = make_rows(ROWS), {}
    with sandboxed(RunOptions(sandbox="fast"), home):
        for vendors, options in WAYS.items():
            before, begun_at = len(invoice(home)), time.time()
            ran = await start(table, sandbox="fast", **options)
            assert ran.totals.line().startswith("6 rows: 6 done · 12 attempts, 0 reused"), vendors
            new = invoice(home)[before:]
            assert len(new) == 2 * ROWS
            assert {line["provider"] for line in new} == set(vendors)
            require_a_line_for_each(ran.attempts, new)
            require_media_on_disk(ran)
            assert money([line["amount"] for line in new]) == (
                money([attempt.amount for attempt in ran.attempts])
            )
            said = comparison(home, ran, "fast", begun_at)
            assert " = ledger " in said and ";" not in said, said
            given[vendors] = shapes(ran)

            begun_at = time.time()
            again = await start(table, sandbox="fast", **options)
            assert len(invoice(home)) == before + 2 * ROWS
            assert again.totals.line() == "6 rows: 6 done · 0 attempts, 12 reused, $0.00"
            assert comparison(home, again, "fast", begun_at) == "invoice $0.00 = ledger $0.00"
            assert shapes(again) == given[vendors]
    first, *others = given.values()
    assert all(other == first for other in others), given
    assert all(shape[1:] == (False, True, True) for shape in first.values()), first
    assert [shape[0] for shape in first.values()] == [1.0, 0.8, 1.8] * 2


async def test_a_sandbox_that_a_run_has_started_ends_with_it(
    home: Home, make_rows: MakeRows
) -> None:
    options = RunOptions(sandbox="fast")
    with sandboxed(options, home):
        ran = await start(make_rows(1), sandbox="fast")
        first = find_sandbox(sandbox_folder(home, "fast"))
    assert first is not None and ran.states == {"p00": "done"}
    assert find_sandbox(sandbox_folder(home, "fast")) is None
    with sandboxed(options, home):
        again = await start(make_rows(1), sandbox="fast")
        assert len(invoice(home)) == 2  # it is the same one, with its invoice, and knows its jobs
    assert (again.totals.calls, again.totals.reused) == (0, 2)


def test_a_plan_for_a_sandbox_needs_no_key_of_ones_own(home: Home, make_rows: MakeRows) -> None:
    assert plan("product-photo", make_rows(1), sandbox="fast").missing_keys == ()
    assert len(plan("product-photo", make_rows(1)).missing_keys) == 2
