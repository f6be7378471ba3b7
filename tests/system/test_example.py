"""The example of the README: twelve products, from end to end and again."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.seen import Seen, plain, see
from tests.system.conftest import PRODUCTS, Cli, Server, end_all, make_cli

pytestmark = [pytest.mark.system("prefect", "mediaflows"), pytest.mark.timeout(300)]

BATCH = ("batch", "product-photo", PRODUCTS, "--local", "--yes")


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory, server: Server) -> Iterator[Cli]:
    """A project in which the example has run once."""
    cli = make_cli(tmp_path_factory.mktemp("example") / "project", server)
    try:
        ran = cli.run(*BATCH)
        assert ran.returncode == 0, ran.stderr
        assert "12 rows: 12 done · 24 attempts, 0 reused, $0.00" in ran.stdout
        yield cli
    finally:
        end_all(cli.started)


@pytest.fixture
def seen(example: Cli, api: None) -> Seen:
    """The first run as the server shows it."""
    run = example.run_folders()[0].name.rpartition("_")[2]
    ((flow_run,),) = example.ask(f"SELECT flow_run_id FROM runs WHERE id = '{run}'")
    return see(str(flow_run))


def bytes_of(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted((folder / "outputs").rglob("*.png"))
    }


def test_every_product_has_a_cut_out_with_true_transparency(example):
    cutouts = sorted((example.run_folders()[0] / "outputs").glob("*/cutout.png"))
    assert len(cutouts) == 12
    for path in cutouts:
        alpha = np.asarray(Image.open(path).convert("RGBA"))[..., 3]
        height, width = alpha.shape
        assert {alpha[0, 0], alpha[0, -1], alpha[-1, 0], alpha[-1, -1]} == {0}, path
        middle = alpha[height // 4 : height * 3 // 4, width // 4 : width * 3 // 4]
        assert (middle == 255).any(), path
        assert ((alpha > 0) & (alpha < 255)).sum() > 100, path  # edges are graded, not cut


def test_results_have_every_column_and_row_of_the_table(example):
    folder = example.run_folders()[0]
    with PRODUCTS.open(encoding="utf-8", newline="") as file:
        given = list(csv.DictReader(file))
    with (folder / "results.csv").open(encoding="utf-8", newline="") as file:
        found = list(csv.DictReader(file))
    assert [{name: line[name] for name in given[0]} for line in found] == given
    assert {line["state"] for line in found} == {"done"}
    assert all((folder / line["cutout"]).exists() for line in found)
    assert (folder / "failures.csv").read_text(encoding="utf-8").count("\n") == 1
    assert (folder / "contact.jpg").stat().st_size > 10_000


def test_the_server_shows_a_task_run_for_every_row_and_request(seen):
    assert seen.flow.name == "product-photo · products.csv"
    assert seen.state[:2] == ("COMPLETED", "Completed")
    names = seen.names()
    assert len(names) == 12 + 24
    assert set(names.values()) == {"Completed"}
    assert "MUG-001 · a red ceramic mug on a wooden t… · photo · flux-2-pro@local" in names
    progress, summary = sorted(seen.artifacts().items())
    assert progress[0].startswith("progress-") and progress[1].data == 100.0
    assert summary[0].startswith("summary-")
    assert [line["calls"] for line in plain(summary[1].data)] == [12, 12]


@pytest.mark.parametrize("folder", [".", "shop/autumn"])
def test_the_same_again_makes_nothing_and_gives_the_same_bytes(example, folder):
    place = example.project / folder
    place.mkdir(parents=True, exist_ok=True)
    ran = example.run(*BATCH, folder=place)
    assert ran.returncode == 0, ran.stderr
    assert "12 rows: 12 done · 0 attempts, 24 reused, $0.00" in ran.stdout
    assert not list(place.glob(".mediaflows")) or folder == "."
    newest = sorted((place / "runs").glob("*/*"))[-1]
    assert bytes_of(newest) == bytes_of(example.run_folders()[0])
