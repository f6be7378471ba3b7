"""The shape of the tree: imports run one way, and plain names do not hide the standard library."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import flows
import providers
import tasks

PACKAGES = ("flows", "tasks", "providers")
ROOTS = {
    package.__name__: Path(str(package.__file__)).parent for package in (flows, tasks, providers)
}
FILES = [path for root in ROOTS.values() for path in sorted(root.rglob("*.py"))]
PIXELS = {"PIL", "cv2", "numpy"}


def name_of(path: Path) -> str:
    package = next(name for name, root in ROOTS.items() if path.is_relative_to(root))
    return (Path(package) / path.relative_to(ROOTS[package])).as_posix()


def imported(path: Path) -> Iterator[str]:
    """Every module that a file imports, also inside its functions."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            yield str(node.module)


@cache
def tops(path: Path) -> frozenset[str]:
    return frozenset(module.split(".")[0] for module in imported(path))


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_imports_run_from_flows_to_tasks_to_providers(path: Path) -> None:
    own = PACKAGES.index(name_of(path).split("/")[0])
    above = set(PACKAGES[:own])
    assert tops(path) & above == set()
    assert "tests" not in tops(path)


@pytest.mark.parametrize("path", sorted(ROOTS["providers"].rglob("*.py")), ids=name_of)
def test_providers_know_neither_prefect_nor_pandas(path: Path) -> None:
    assert tops(path) & {"prefect", "pandas", "sqlalchemy"} == set()


@pytest.mark.parametrize("path", sorted(ROOTS["tasks"].rglob("*.py")), ids=name_of)
def test_tasks_know_no_prefect_and_leave_pixels_to_local(path: Path) -> None:
    assert tops(path) & {"prefect", *PIXELS} == set()


@pytest.mark.parametrize(
    "path",
    [
        path
        for path in FILES
        if name_of(path).startswith("providers/")
        and not name_of(path).startswith(("providers/local/", "providers/sandbox/"))
    ],
    ids=name_of,
)
def test_pixels_are_the_business_of_local_alone(path: Path) -> None:
    assert tops(path) & PIXELS == set()


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_no_module_bears_a_name_of_the_standard_library(path: Path) -> None:
    own = path.parent.name if path.stem == "__init__" else path.stem
    if own not in ("__init__", "__main__"):
        assert own not in sys.stdlib_module_names


@pytest.mark.parametrize(
    ("modules", "unwanted"),
    [
        (
            "providers.registry, providers.catalog, providers.driver",
            {"prefect", "pandas", "PIL", "cv2", "numpy"},
        ),
        ("flows.prepare, flows.shard, flows.results, flows.explain", {"prefect"}),
    ],
    ids=["providers", "core"],
)
def test_what_a_part_does_not_need_is_not_loaded(modules: str, unwanted: set[str]) -> None:
    code = f"import sys, {modules}; print(sorted({unwanted} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
