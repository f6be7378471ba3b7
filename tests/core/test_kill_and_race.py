"""Processes that are killed, and processes at the same table at once: nothing is paid twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from tasks.home import Home
from tasks.ledger.attempt import Attempt
from tasks.ledger.lookup import made_by
from tests.core.children import Children
from tests.core.plain import opened, write_table, write_template
from tests.scripted import Script

LOCAL = """\
name: sizes
version: 1
about: A picture in three sizes.
inputs:
  image: {type: image, about: The picture}
steps:
  large: {model: resize, with: {image: $image, width: 40}}
  middle: {model: resize, with: {image: $large, width: 20}}
  small: {model: resize, with: {image: $middle, width: 10}}
outputs: {large: $large, middle: $middle, small: $small}
"""


@pytest.fixture
def children(home: Home, tmp_path: Path) -> Iterator[Children]:
    rows = {f"p{number:02}": f"product {number}" for number in range(16)}
    started = Children(write_table(tmp_path / "table.csv", rows), tmp_path / "invoice.jsonl")
    yield started
    for child in started.all:
        if child.poll() is None:
            child.kill()
        child.communicate()


def submits(children: Children) -> Counter[str]:
    """How often each body was submitted and accepted, by all processes."""
    return Counter(line["body"] for line in Script(log=children.invoice).invoice())


def attempts_of(run: str) -> list[Attempt]:
    ledger = opened()
    try:
        return ledger.do_now(made_by, run)
    finally:
        ledger.close()


def accepted_by_key(*runs: str) -> Counter[str]:
    return Counter(
        attempt.key for run in runs for attempt in attempts_of(run) if attempt.outcome == "accepted"
    )


def test_a_run_that_is_killed_goes_on_and_pays_for_nothing_twice(children: Children) -> None:
    child = children.start(seconds=0.1)
    run = children.run_of(child)
    children.wait_for(lambda: len(submits(children)) >= 10)
    child.kill()
    child.wait(10)
    before = submits(children)
    assert 10 <= len(before) < 32
    ends = children.end(children.start(run=run))
    held = {attempt.place.row for attempt in attempts_of(run) if attempt.state == "uncertain"}
    assert {row for row, (state, _) in ends.items() if state != "done"} == held, ends
    assert all(state in ("done", "parked") for state, _ in ends.values())
    assert set(submits(children).values()) == {1}
    assert set(accepted_by_key(run).values()) == {1}
    assert len(ends) == 16


def test_two_processes_on_one_table_pay_for_each_request_once(children: Children) -> None:
    first, second = children.start(seconds=0.02), children.start(seconds=0.02)
    runs = [children.run_of(first), children.run_of(second)]
    for child in (first, second):
        ends = children.end(child)
        assert {state for state, _ in ends.values()} == {"done"}, ends
    assert set(submits(children).values()) == {1}
    found = accepted_by_key(*runs)
    assert set(found.values()) == {1}
    assert len(found) == 32


def test_two_processes_that_do_the_same_local_work_keep_one_result_of_each(
    children: Children, tmp_path: Path
) -> None:
    template = str(write_template(tmp_path, LOCAL))
    for number in range(6):
        Image.new("RGB", (80, 60), (number * 40, 0, 99)).save(tmp_path / f"{number}.png")
    files = {f"p{number}": f"{number}.png" for number in range(6)}
    write_table(children.table, files, "id,image")
    first, second = [children.start("local", template) for _ in range(2)]
    runs = [children.run_of(first), children.run_of(second)]
    for child in (first, second):
        ends = children.end(child)
        assert {state for state, _ in ends.values()} == {"done"}, ends
    found = accepted_by_key(*runs)
    assert set(found.values()) == {1}
    assert len(found) == 18
    assert not children.invoice.exists()
