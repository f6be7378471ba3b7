"""A run is of one template as it was: by digest, in the ledger and in its folder."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sqlalchemy import select

from flows.load import SHIPPED, load_template
from providers.errors import RequestError
from tasks.ledger.schema import runs as runs_table
from tests.core.plain import BIREFNET, FLUX, RECRAFT, opened, resume, start
from tests.scripted import Script

OURS = (SHIPPED / "product-photo.yaml").read_text(encoding="utf-8")


def write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


@pytest.fixture
def own(tmp_path: Path) -> Path:
    path = tmp_path / "own.yaml"
    path.write_text(OURS, encoding="utf-8")
    return path


async def test_a_run_names_the_digest_of_its_template_in_ledger_and_folder(
    script: Script, one: Path, own: Path
) -> None:
    ran = await start(one, own)
    digest = load_template(own).digest
    facts = json.loads((ran.folder / "run.json").read_text(encoding="utf-8"))
    assert (facts["template_digest"], facts["version"]) == (digest, 1)
    assert load_template(ran.folder / "template.yaml").digest == digest
    ledger = opened()
    try:
        query = select(runs_table.c.template_digest).where(runs_table.c.id == ran.run)
        assert ledger.do_now(lambda connection: connection.scalar(query)) == digest
    finally:
        ledger.close()


async def test_an_edit_of_the_template_is_not_seen_by_a_run_that_is_gone_on_with(
    script: Script, one: Path, own: Path
) -> None:
    script.turns = {FLUX: ["fail"] * 3, RECRAFT: ["fail"] * 3}
    first = await start(one, own)
    assert first.states == {"mug": "failed"}
    write(own, OURS.replace("model: flux-2-pro", "model: sdxl"))
    script.turns = {}
    again = await resume(first.run, only=("failed",))
    assert again.states == {"mug": "done"}
    assert set(script.endpoints()) <= {FLUX, RECRAFT, BIREFNET}
    assert (await start(one, own)).work.graph.digest != first.work.graph.digest


async def test_a_frozen_template_that_was_edited_is_refused(
    script: Script, one: Path, own: Path
) -> None:
    script.turns = {FLUX: ["fail"] * 3, RECRAFT: ["fail"] * 3}
    first = await start(one, own)
    frozen = first.folder / "template.yaml"
    write(frozen, OURS.replace("model: flux-2-pro", "model: sdxl"))
    with pytest.raises(RequestError, match=r"template\.yaml was changed .* `batch`"):
        await resume(first.run, only=("failed",))
    write(frozen, f"# a comment changes nothing\n{OURS}")
    assert (await resume(first.run, only=("failed",))).states == {"mug": "done"}
