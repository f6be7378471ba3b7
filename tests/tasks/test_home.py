"""Where mediaflows keeps what it knows."""

from __future__ import annotations

from pathlib import Path

import pytest

from providers.errors import SetupError
from tasks.home import find_home


@pytest.fixture
def deep(tmp_path: Path) -> Path:
    folder = tmp_path / "project" / "shop" / "spring"
    folder.mkdir(parents=True)
    return folder


def test_without_anything_the_home_lies_in_the_working_folder(deep: Path) -> None:
    home = find_home({}, deep)
    assert home.folder == deep / ".mediaflows"
    assert home.store == home.folder / "store"
    assert home.ledger_url == f"sqlite:///{home.folder / 'ledger.db'}"
    assert not home.folder.exists()


@pytest.mark.parametrize("marker", ["pyproject.toml", "prefect.yaml", ".git"])
def test_a_project_keeps_its_home_beside_its_marker(deep: Path, marker: str) -> None:
    (deep.parent / marker).mkdir()
    assert find_home({}, deep).folder == deep.parent / ".mediaflows"


def test_a_home_that_is_there_wins_over_a_nearer_marker(deep: Path) -> None:
    (deep / "pyproject.toml").touch()
    existing = deep.parent.parent / ".mediaflows"
    existing.mkdir()
    assert find_home({}, deep).folder == existing


def test_the_nearest_home_wins_over_one_further_up(deep: Path) -> None:
    (deep.parent.parent / ".mediaflows").mkdir()
    (deep.parent / ".mediaflows").mkdir()
    assert find_home({}, deep).folder == deep.parent / ".mediaflows"


def test_the_variable_wins_over_what_is_there(deep: Path, tmp_path: Path) -> None:
    (deep / ".mediaflows").mkdir()
    home = find_home({"MEDIAFLOWS_HOME": str(tmp_path / "set")}, deep)
    assert home.folder == tmp_path / "set"


def test_a_relative_home_is_made_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert find_home({"MEDIAFLOWS_HOME": "here"}).folder == tmp_path / "here"


def test_ledger_and_store_can_stand_elsewhere(deep: Path, tmp_path: Path) -> None:
    environment = {
        "MEDIAFLOWS_LEDGER_URL": "postgresql+psycopg://db/mediaflows",
        "MEDIAFLOWS_STORE_URL": f"file://{tmp_path}/big%20disk",
    }
    home = find_home(environment, deep)
    assert home.ledger_url == "postgresql+psycopg://db/mediaflows"
    assert home.store == tmp_path / "big disk"
    plain = find_home({"MEDIAFLOWS_STORE_URL": str(tmp_path / "plain")}, deep)
    assert plain.store == tmp_path / "plain"


def test_a_store_that_cannot_be_used_yet_is_a_setup_error(deep: Path) -> None:
    with pytest.raises(SetupError, match="MEDIAFLOWS_STORE_URL is 's3://bucket/x'"):
        find_home({"MEDIAFLOWS_STORE_URL": "s3://bucket/x"}, deep)


def test_a_worker_without_a_home_is_a_setup_error_and_not_a_new_ledger(deep: Path) -> None:
    worker = {"PREFECT__FLOW_RUN_ID": "0d6c"}
    with pytest.raises(SetupError, match="MEDIAFLOWS_HOME is not set"):
        find_home(worker, deep)
    assert find_home({**worker, "MEDIAFLOWS_HOME": str(deep)}, deep).folder == deep
    url = "postgresql+psycopg://db/mediaflows"
    assert find_home({**worker, "MEDIAFLOWS_LEDGER_URL": url}, deep).ledger_url == url
