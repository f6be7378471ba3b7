"""`--strict`: what is most likely not meant refuses the run, before anything is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.load import SHIPPED
from tests.cli.conftest import files_below

TEXT = (SHIPPED / "product-photo.yaml").read_text(encoding="utf-8")
OUTPUTS = "outputs: {photo: $photo, cutout: $cutout}"


@pytest.fixture
def unused(home) -> str:
    """Our template, whose cut-out nobody uses."""
    assert OUTPUTS in TEXT
    text = TEXT.replace(OUTPUTS, "outputs: {photo: $photo}").replace("product-photo", "mine")
    Path("mine.yaml").write_text(text, encoding="utf-8")
    return "mine.yaml"


def test_a_plan_says_what_is_most_likely_not_meant_and_goes_on(mediaflows, products, unused):
    ran = mediaflows("plan", unused, products, "--local")
    assert ran.code == 0
    assert ran.err.splitlines() == [
        "  MF004 step 'cutout': it is paid for, and neither an output nor a later step uses it "
        "(silence: [MF004])"
    ]


def test_a_strict_plan_is_shown_and_exits_with_2(mediaflows, products, unused):
    ran = mediaflows("plan", unused, products, "--local", "--strict")
    assert ran.code == 2
    assert ran.out.startswith("mine: 3 rows x 2 steps")
    assert ran.err.splitlines()[-1] == (
        "mediaflows: --strict: MF004 step 'cutout': it is paid for, and neither an output nor a "
        "later step uses it (silence: [MF004]), 1 such in all."
    )


@pytest.mark.parametrize("words", [("batch",), ("run", "--set", "prompt=a red mug")])
def test_a_strict_run_starts_nothing(mediaflows, products, unused, tmp_path, words):
    command, *rest = words
    table = [products] if command == "batch" else []
    before = files_below(tmp_path)
    ran = mediaflows(command, unused, *table, *rest, "--local", "--strict", "--yes")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.splitlines()[-1].startswith("mediaflows: --strict: MF004 step 'cutout': ")
    assert files_below(tmp_path) == before


def test_what_a_step_silences_is_no_fault_under_strict(mediaflows, products, unused):
    text = Path(unused).read_text(encoding="utf-8")
    assert "    model: birefnet\n" in text
    text = text.replace("    model: birefnet\n", "    model: birefnet\n    silence: [MF004]\n")
    Path(unused).write_text(text, encoding="utf-8")
    ran = mediaflows("plan", unused, products, "--local", "--strict")
    assert (ran.code, ran.err) == (0, "")
