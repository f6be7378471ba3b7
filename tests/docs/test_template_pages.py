"""docs/templates/: every shipped template has its page, and each is what the generator makes."""

from __future__ import annotations

import importlib.util
import re
from datetime import date
from pathlib import Path
from types import ModuleType

import pytest

from flows.load import shipped_names
from providers.catalog import retired

DOCS = Path(__file__).parents[2] / "docs"
FOLDER = DOCS / "templates"
BY_HAND = {"own.md"}
AGAIN = "run `uv run python docs/write_template_pages.py`"


def writer() -> ModuleType:
    spec = importlib.util.spec_from_file_location("pages", DOCS / "write_template_pages.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def pages(monkeypatch: pytest.MonkeyPatch, home: object) -> dict[str, str]:
    """The pages as of the day on which they were written: models are switched off by date."""
    index = (FOLDER / "README.md").read_text(encoding="utf-8")
    found = re.search(r"as of (\d{4}-\d\d-\d\d)", index)
    assert found is not None
    then = date.fromisoformat(found[1])

    class Day(date):
        @classmethod
        def today(cls) -> date:
            return then

    monkeypatch.setattr(retired, "date", Day)
    made: dict[str, str] = writer().pages(then)
    return made


def test_every_shipped_template_has_a_page_and_no_other_is_there(pages: dict[str, str]) -> None:
    there = {path.name for path in FOLDER.glob("*.md")}
    assert there - BY_HAND == {"README.md", *(f"{name}.md" for name in shipped_names())}, AGAIN
    assert set(pages) == there - BY_HAND


def test_every_page_is_what_the_generator_makes(pages: dict[str, str]) -> None:
    stale = [n for n, text in pages.items() if (FOLDER / n).read_text(encoding="utf-8") != text]
    assert not stale, AGAIN


def test_a_page_tells_columns_steps_models_prices_and_how_to_run(pages: dict[str, str]) -> None:
    page = pages["product-photo.md"]
    for words in (
        "```mermaid\nflowchart LR\n",
        "A usual row, live: **at least $0.03, 1 step unpriced (cutout)**, about 17 s.",
        '| `aspect` | choice | `"1:1"` | `1:1`, `4:5`, `16:9` | Width to height',
        "| [photo](#photo) | text-to-image | flux-2-pro, or recraft-v4 | $0.03 (fal) | 12 |",
        "`flux-2-pro` at fal, replicate, bfl; else `recraft-v4` at fal, replicate.",
        "| `cutout` | image | `$cutout` |",
        "uv run mediaflows batch product-photo examples/products.csv --local --yes",
        "--sandbox --yes",
    ):
        assert words in page


def test_links_between_the_pages_lead_somewhere(pages: dict[str, str]) -> None:
    for text in pages.values():
        for target in re.findall(r"\]\(([\w./-]+)\)", text):
            assert (FOLDER / target).exists(), target
