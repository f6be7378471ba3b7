"""Commands that run no flow answer at once, since they import nothing heavy."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

HEAVY = ("prefect", "pandas", "cv2")
PROBE = """
import atexit, sys
from flows.cli import main
atexit.register(lambda: print("heavy:", *[n for n in {names} if n in sys.modules]))
main()
"""


def heavy_imports(words: tuple[object, ...], more: tuple[str, ...] = ()) -> list[str]:
    ran = subprocess.run(
        [sys.executable, "-c", PROBE.format(names=(*HEAVY, *more)), *map(str, words)],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert ran.returncode in (0, 2), ran.stderr
    last = next(line for line in ran.stdout.splitlines() if line.startswith("heavy:"))
    return last.split()[1:]


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize(
    "words",
    [
        ("--help",),
        ("templates", "show", "product-photo"),
        ("templates", "check", "product-photo"),
        ("new", "mine", "--from", "product-photo"),
        ("models",),
        ("providers",),
        ("explain", "latest", "mug", "photo"),
        ("batch", "product-foto", "nowhere.csv", "--local"),
    ],
    ids=" ".join,
)
def test_a_command_that_runs_no_flow_imports_nothing_heavy(words):
    assert heavy_imports(words) == []


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize(
    "words",
    [
        ("models",),
        ("models", "show", "flux-2-pro"),
        ("templates",),
        ("templates", "show", "product-photo"),
        ("templates", "show", "product-photo", "--mermaid"),
        ("templates", "check", "product-photo"),
        ("new", "mine", "--from", "product-photo"),
    ],
    ids=" ".join,
)
def test_whoever_only_looks_needs_neither_a_ledger_nor_what_reads_media(words):
    assert heavy_imports(words, ("sqlalchemy", "av", "PIL", "numpy")) == []


@pytest.mark.usefixtures("home")
def test_checking_a_table_imports_nothing_heavy(products):
    words = ("templates", "check", "product-photo", "--rows", products)
    assert heavy_imports(words) == []


@pytest.mark.usefixtures("home")
def test_a_plan_imports_nothing_heavy(products):
    assert heavy_imports(("plan", "product-photo", products, "--local")) == []


@pytest.mark.usefixtures("home")
def test_a_plan_reads_the_headers_of_pictures_without_ffmpeg_or_numpy(tmp_path):
    Image.new("RGB", (24, 16)).save(tmp_path / "mug.jpg")
    table = tmp_path / "rows.csv"
    table.write_text("id,image\nmug,mug.jpg\n", encoding="utf-8")
    assert heavy_imports(("plan", "cut-out", table, "--local"), ("av", "numpy")) == []
