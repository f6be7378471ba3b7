"""Rows are foreseen by kind: of a file's size nothing counts but the limits that it is above."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from flows.graph import Graph, compile_template
from flows.options import RunOptions
from flows.prepare import Request, prepare
from flows.pricing import Pricer
from flows.routes import plan_routes
from flows.rows import ReadyRow
from flows.template import Input, Step, Template
from providers.media import Media
from tasks.home import Home

CAP = 10_000_000  # of the picture that Kling takes
PHOTO = Media("image", "0" * 64, "image/jpeg", 5_000_000, 1632, 1224, alpha=False, mode="RGB")


@pytest.fixture
def graph() -> Graph:
    template = Template(
        name="clips",
        version=1,
        about="",
        inputs={"image": Input(type="image"), "prompt": Input(type="text")},
        steps={
            "clip": Step.model_validate(
                {
                    "model": "kling-2.5-turbo-pro",
                    "with": {"image": "$image", "prompt": "$prompt"},
                }
            )
        },
        outputs={"clip": "$clip"},
    )
    return compile_template(template, "clips.yaml")


def row(size_bytes: int) -> ReadyRow:
    return ReadyRow("a", "a", {}, {"image": replace(PHOTO, size_bytes=size_bytes), "prompt": "so"})


def test_files_of_one_camera_are_one_kind_until_one_is_too_heavy(
    home: Home, graph: Graph, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAL_KEY", "key")
    pricer = Pricer(graph, plan_routes(graph, RunOptions(provider=("fal",))))
    sizes = (4_000_000, 5_000_000, CAP)
    assert len(pricer.foreseen([row(size) for size in sizes], 20)) == 1
    assert len(pricer.foreseen([row(CAP), row(CAP + 1), row(2 * CAP)], 20)) == 2


def test_a_checked_request_is_few_words_whatever_its_table(home: Home, tmp_path: Path) -> None:
    """asyncio.run puts its task's result into words: that was 100 MB for 10,000 rows."""
    Image.new("RGB", (24, 16)).save(tmp_path / "a.png")
    lines = ["id,image", *(f"{number},a.png" for number in range(200))]
    table = tmp_path / "rows.csv"
    table.write_text("\n".join(lines), encoding="utf-8")
    prepared = prepare(Request("cut-out", table, RunOptions(local=True)))
    assert len(prepared.rows) == 200
    assert len(repr(prepared)) < 1_000
