"""A picture that is brought to a size: cropped or padded as the template says, never stretched."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from providers.media import Media
from tasks.invoke import result_of
from tasks.services import Services
from tests.core.plain import start

TEMPLATE = """\
name: small
version: 1
about: One size for all.
inputs:
  image: {{type: image}}
steps:
  small: {{model: resize, with: {{image: $image, width: 100, height: 100}}{more}}}
outputs: {{small: $small}}
"""


@pytest.mark.parametrize(
    ("mode", "corner", "words"),
    [
        ("crop", (0, 0, 255), "cropped to 200x200"),
        ("pad", (255, 255, 255), "padded to 400x400 with white"),
    ],
)
async def test_both_sides_are_met_by_a_crop_or_a_pad(
    services: Services, tmp_path: Path, mode: str, corner: tuple[int, int, int], words: str
) -> None:
    whole = Image.new("RGB", (400, 200), "red")
    whole.paste((0, 0, 255), (100, 0, 300, 200))  # the middle square is blue
    whole.save(tmp_path / "wide.png")
    template = tmp_path / "small.yaml"
    template.write_text(TEMPLATE.format(more=f", fit: {{mode: {mode}}}"), encoding="utf-8")
    table = tmp_path / "rows.csv"
    table.write_text("id,image\nwide,wide.png\n", encoding="utf-8")
    ran = await start(table, template)
    assert ran.states == {"wide": "done"}
    (attempt,) = ran.attempts
    (made,) = result_of(attempt, reused=False).values.values()
    assert isinstance(made, Media)
    assert (made.width, made.height) == (100, 100)
    with Image.open(services.store.path(made.sha256)) as picture:
        assert picture.convert("RGB").getpixel((0, 0)) == corner
        assert picture.convert("RGB").getpixel((50, 50)) == (0, 0, 255)
    assert words in json.dumps(attempt.fitted)
