"""A template that `new` wrote and its owner edited as the comments suggest runs the first time."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from flows.cli.new import begin
from flows.save import write_text
from tests.core.plain import start


def edited(folder: Path) -> Path:
    """Write a new template with every line uncommented and a prompt as its `or:` says."""
    begun = begin("mine", "product-photo", folder)
    for path, text in begun.files.items():
        write_text(path, text)
    text = re.sub(r"^( *)# (?!yaml-language)", r"\1", begun.files[begun.template], flags=re.M)
    head, others = re.findall(r"^( +prompt: )\$prompt  ## or: (.*)$", text, re.M)[0]
    write_text(begun.template, re.sub(r"^ +prompt: \$prompt  .*$", head + others, text, flags=re.M))
    return begun.template


@pytest.mark.usefixtures("home")
async def test_with_every_edit_it_gives_every_output(tmp_path: Path) -> None:
    template = edited(tmp_path / "shop")
    table = tmp_path / "rows.csv"
    write_text(table, "id,prompt,style,widths\nmug,a red mug,at night,64|32\n")
    ran = await start(table, template, local=True)
    assert ran.states == {"mug": "done"}
    made = {path.name for path in (ran.folder / "outputs" / "mug").iterdir()}
    assert made == {"photo.png", "cutout.png", "square.png", "small_1.png", "small_2.png"}
