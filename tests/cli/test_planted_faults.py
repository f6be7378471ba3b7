"""A thousand rows with 25 faults: one plan names exactly those, and no socket is opened for it."""

from __future__ import annotations

import csv
import json
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from tests.command import Ran

ROWS = 1000
TEMPLATE = """\
name: scene
version: 1
about: Put a product into a scene, and make it move.
inputs:
  image: {type: image}
  prompt: {type: text}
  shape: {type: choice, options: ["match", "1:1", "16:9"], default: match}
  seconds: {type: number, default: 5}
  words: {type: "list[text]", default: ["a"], max: 3}
steps:
  clip:
    model: kling-2.5-turbo-pro
    with: {image: $image, prompt: $prompt, aspect_ratio: $shape, seconds: $seconds}
outputs: {clip: $clip}
"""
COLUMNS = ("id", "image", "prompt", "shape", "seconds", "words")
# Row -> the cell that is wrong, its value, and words of the fault.
PLANTED: dict[int, tuple[str, str, str]] = {
    7: ("image", "nowhere.png", "there is no file 'nowhere.png'"),
    8: ("image", "", "is empty and has no default"),
    31: ("image", "cut.jpg", "is cut short"),
    32: ("image", "cut.png", "is cut short"),
    77: ("image", "text.png", "text.png"),
    78: ("image", "empty.png", "is an empty file"),
    79: ("image", "folder", "is a folder"),
    120: ("image", "wide.png", "2.5"),
    121: ("image", "tall.png", "2:5"),
    122: ("image", "small.png", "300 pixels a side are needed"),
    123: ("image", "sound.wav", "and `image` takes an image"),
    200: ("image", "http://example.com/a.png", "'http://example.com/a.png' is not https"),
    201: ("prompt", "", "is empty and has no default"),
    202: ("prompt", "   ", "is empty and has no default"),
    203: ("prompt", "word " * 501, "the text has 2,505 characters, and 2,500 are taken"),
    300: ("shape", "9:21", "is not one of match, 1:1, 16:9"),
    301: ("shape", "square", "is not one of match, 1:1, 16:9"),
    302: ("shape", "1:1 ", ""),  # no fault: spaces at the ends of a cell do not count
    400: ("seconds", "five", "is not a number"),
    401: ("seconds", "11", "is above 10"),
    402: ("seconds", "0.5", "is below 1"),
    403: ("seconds", "7,5", "is not a number"),
    500: ("words", "a|b|c|d", "has 4 items, above 3"),
    501: ("words", "a||c", "item 2 of 3 is empty"),
    502: ("words", '["a", 5]', "is not a text"),
    999: ("shape", "16:9", "the picture is 400x400, and 16:9 is needed"),
}


@pytest.fixture
def planted(tmp_path: Path) -> Path:
    Image.new("RGB", (400, 400), "red").save(tmp_path / "good.png")
    Image.effect_noise((400, 400), 90).convert("RGB").save(tmp_path / "whole.jpg", quality=95)
    for name, whole in (("cut.jpg", "whole.jpg"), ("cut.png", "good.png")):
        data = (tmp_path / whole).read_bytes()
        (tmp_path / name).write_bytes(data[: len(data) * 2 // 3])
    (tmp_path / "text.png").write_text("this is no picture")
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "folder").mkdir()
    Image.new("RGB", (1200, 400), "red").save(tmp_path / "wide.png")
    Image.new("RGB", (400, 1200), "red").save(tmp_path / "tall.png")
    Image.new("RGB", (290, 290), "red").save(tmp_path / "small.png")
    (tmp_path / "sound.wav").write_bytes(_silence())
    (tmp_path / "scene.yaml").write_text(TEMPLATE, encoding="utf-8")
    with (tmp_path / "rows.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for number in range(1, ROWS + 1):
            cells = {"id": f"r{number:04}", "image": "good.png", "prompt": f"turn {number}"}
            if number in PLANTED:
                column, value, _ = PLANTED[number]
                cells[column] = value
            writer.writerow([cells.get(column, "") for column in COLUMNS])
    return tmp_path


def _silence() -> bytes:
    import io
    import wave

    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(bytes(16000))
    return buffer.getvalue()


@pytest.fixture
def no_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    def connect(*given: object) -> None:
        raise AssertionError(f"a socket was opened: {given}")

    for name in ("connect", "connect_ex", "bind", "sendto"):
        monkeypatch.setattr(socket.socket, name, connect)


def test_a_plan_names_every_planted_fault_and_no_other(
    mediaflows: Callable[..., Ran], planted: Path, no_socket: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAL_KEY", "a-key-that-nothing-asks-for")
    ran = mediaflows(
        "plan", planted / "scene.yaml", planted / "rows.csv", "--provider", "fal", "--json"
    )
    assert ran.code == 2
    faults = json.loads(ran.out)["faults"]
    expected = {f"r{number:04}": plan for number, plan in PLANTED.items() if plan[2]}
    assert len(expected) == 25
    assert sorted(fault["row_id"] for fault in faults) == sorted(expected)
    for fault in faults:
        column, _, words = expected[fault["row_id"]]
        assert fault["column"] == ("image" if fault["row_id"] == "r0999" else column)
        assert words in fault["problem"], fault
        assert fault["fix"] or "Give" in fault["problem"]
    assert json.loads(ran.out)["calls"] == ROWS - 25
