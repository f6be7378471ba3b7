"""docs/plain: the template and the plain program do the same against the same vendor."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from providers.sandbox.process import start_sandbox
from tests.system.conftest import REPOSITORY, Cli

pytestmark = [pytest.mark.system("prefect", "mediaflows"), pytest.mark.timeout(300)]

PLAIN = REPOSITORY / "docs" / "plain"
ROWS = "id,prompt,aspect\nmug,a red mug,1:1\nlamp,a desk lamp,4:5\nchair,a chair,16:9\n"


def states(path: Path) -> dict[str, str]:
    with path.open(encoding="utf-8", newline="") as file:
        return {line["id"]: line["state"] for line in csv.DictReader(file)}


def sides(folder: Path) -> dict[str, bool]:
    """The squares that a run made, and whether each is one."""
    found = {}
    for path in folder.glob("*/square.png"):
        with Image.open(path) as picture:
            found[path.parent.name] = picture.width == picture.height
    return found


def test_the_plain_program_makes_what_the_template_makes_and_pays_once(cli: Cli, tmp_path: Path):
    (cli.project / "rows.csv").write_text(ROWS, encoding="utf-8")
    done = {"mug": "done", "lamp": "done", "chair": "done"}
    squares = dict.fromkeys(done, True)

    sandbox = start_sandbox(tmp_path / "sandbox", "fast", 1)
    try:
        words = [sys.executable, str(PLAIN / "listing.py"), "rows.csv", "out"]
        environment = {**cli.environment, **sandbox.environment()}
        for _ in range(2):
            ran = subprocess.run(
                words,
                cwd=cli.project,
                env=environment,
                capture_output=True,
                text=True,
                timeout=180,
                check=False,
            )
            assert ran.returncode == 0, ran.stderr
            assert states(cli.project / "out" / "results.csv") == done
            assert len(sandbox.invoice()) == 6
        assert "$0, 0 calls unpriced" in ran.stdout
    finally:
        sandbox.stop()
    assert sides(cli.project / "out" / "outputs") == squares

    again = cli.run("batch", PLAIN / "listing.yaml", "rows.csv", "--sandbox", "fast", "--yes")
    assert again.returncode == 0, again.stderr
    (folder,) = cli.run_folders()
    assert states(folder / "results.csv") == done
    assert sides(folder / "outputs") == squares
