"""A page of docs as a reader would type it: its blocks in order, in an empty folder."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from providers.registry import PROVIDERS

DOCS = Path(__file__).parents[2] / "docs"
_BLOCK = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.M | re.S)
LIMIT_SECONDS = 240


@dataclass(frozen=True)
class Block:
    """One fenced block: its language, the file that it is, and its text."""

    language: str
    file: str
    text: str


def blocks(page: str) -> list[Block]:
    """Return the blocks of a page, in order."""
    text = (DOCS / page).read_text(encoding="utf-8")
    return [Block(*found) for found in _BLOCK.findall(text)]


@dataclass
class Reader:
    """Types a page's blocks in a folder; Python blocks that follow each other are one session."""

    folder: Path
    prefect: Mapping[str, str]
    """Where a Prefect server is: a temporary one for each command would take 10 s each."""

    def type_in(self, found: list[Block]) -> None:
        """Write the files, run the others, and find the lines of `text` blocks in what they said."""
        said = ""
        for one in self._steps(found):
            if one.language == "text":
                missing = [line for line in one.text.splitlines() if line not in said]
                assert not missing, (missing, said)
            elif one.file:
                path = self.folder / one.file
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(one.text, encoding="utf-8")
            else:
                said = self._run(one)

    def _steps(self, found: list[Block]) -> Iterator[Block]:
        """Yield the blocks with Python sessions put together."""
        session: list[str] = []
        texts: list[Block] = []
        for one in found:
            if one.language == "python" and not one.file:
                session.append(one.text)
            elif one.language == "text" and session:
                texts.append(one)
            else:
                yield from self._session(session, texts)
                session, texts = [], []
                yield one
        yield from self._session(session, texts)

    @staticmethod
    def _session(session: list[str], texts: list[Block]) -> Iterator[Block]:
        if session:
            yield Block("python", "", "\n".join(session))
            yield from texts

    def _run(self, block: Block) -> str:
        words = [sys.executable, "-c"] if block.language == "python" else ["bash", "-ec"]
        ran = subprocess.run(
            [*words, block.text],
            cwd=self.folder,
            env=self._environment(),
            capture_output=True,
            text=True,
            timeout=LIMIT_SECONDS,
        )
        assert ran.returncode == 0, f"{block.text}\n{ran.stdout}\n{ran.stderr}"
        return ran.stdout

    def _environment(self) -> dict[str, str]:
        ours = {one.key_variable for one in PROVIDERS.values() if one.key_variable}
        kept = {
            name: value
            for name, value in os.environ.items()
            if name not in ours
            and not name.startswith(("MEDIAFLOWS_", "PREFECT_", "PYTEST_"))
            and not name.endswith("_BASE_URL")
        }
        bin_folder = str(Path(sys.executable).parent)
        return {
            **kept,
            "PATH": os.pathsep.join([bin_folder, kept.get("PATH", "")]),
            **self.prefect,
        }
