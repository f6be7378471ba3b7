"""A ledger of an earlier version is brought up to date, and what is in it is found again."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy import select

from tasks.ledger import lookup, open_ledger, runs
from tasks.ledger.schema import SCHEMA_VERSION, meta

VERSION_1 = """
CREATE TABLE meta (name VARCHAR PRIMARY KEY, value VARCHAR);
INSERT INTO meta VALUES ('schema_version', '1');
CREATE TABLE runs (id VARCHAR PRIMARY KEY, template VARCHAR NOT NULL,
  template_digest VARCHAR NOT NULL, table_digest VARCHAR NOT NULL, folder VARCHAR NOT NULL,
  state VARCHAR NOT NULL, stop_reason VARCHAR, flow_run_id VARCHAR, owner VARCHAR,
  cap_nanos BIGINT, created_at FLOAT NOT NULL, ended_at FLOAT);
INSERT INTO runs VALUES ('r1', 'product-photo', '0', '0', 'runs/x', 'ended', NULL, NULL, NULL,
  NULL, 1.0, 2.0);
CREATE TABLE run_rows (run VARCHAR, row VARCHAR, position INTEGER NOT NULL, state VARCHAR,
  reason TEXT, step VARCHAR, error VARCHAR, finished INTEGER, sent INTEGER DEFAULT '0' NOT NULL,
  inputs TEXT, PRIMARY KEY (run, row));
INSERT INTO run_rows VALUES ('r1', 'mug', 0, 'failed', 'no', 'photo', 'X', 1, 1, NULL);
CREATE TABLE attempts (id VARCHAR PRIMARY KEY, key VARCHAR NOT NULL, run VARCHAR NOT NULL,
  row VARCHAR NOT NULL, step VARCHAR NOT NULL, item INTEGER NOT NULL, take INTEGER NOT NULL,
  model VARCHAR NOT NULL, provider VARCHAR NOT NULL, endpoint VARCHAR NOT NULL,
  realm VARCHAR NOT NULL, state VARCHAR NOT NULL, outcome VARCHAR, owner VARCHAR,
  body_digest VARCHAR, job VARCHAR, receipt TEXT, checks VARCHAR, low_nanos BIGINT,
  high_nanos BIGINT, units VARCHAR, amount_nanos BIGINT, grade VARCHAR, error_class VARCHAR,
  error TEXT, result TEXT, fitted TEXT, created_at FLOAT NOT NULL, submitted_at FLOAT,
  settled_at FLOAT);
INSERT INTO attempts (id, key, run, row, step, item, take, model, provider, endpoint, realm,
  state, outcome, amount_nanos, grade, created_at) VALUES ('a1', 'k1', 'r1', 'mug', 'photo', 0, 1,
  'flux-2-pro', 'fal', 'e', 'live', 'settled', 'failed', 0, 'exact', 1.0);
CREATE TABLE reservations (run VARCHAR, row VARCHAR, owner VARCHAR NOT NULL,
  amount_nanos BIGINT NOT NULL, PRIMARY KEY (run, row));
"""


def test_a_ledger_of_version_1_is_brought_up_to_date_with_all_that_is_in_it(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(VERSION_1)
    for _ in range(2):
        ledger = open_ledger(f"sqlite:///{path}")
        try:
            version = ledger.do_now(
                lambda connection: connection.execute(
                    select(meta.c.value).where(meta.c.name == "schema_version")
                ).scalar_one()
            )
            assert version == str(SCHEMA_VERSION)
            (attempt,) = ledger.do_now(lookup.made_by, "r1")
            assert (attempt.id, attempt.round, attempt.outcome) == ("a1", 0, "failed")
            assert ledger.do_now(runs.one, "r1").state == "ended"
        finally:
            ledger.close()
    ledger = open_ledger(f"sqlite:///{path}")
    assert ledger.do_now(runs.retry_rows, "r1", ("failed",)) == 1
    assert ledger.do_now(runs.rounds, "r1") == {"mug": 1}
    ledger.close()
