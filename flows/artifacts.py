"""The tables that the Prefect UI shows of a run."""

from __future__ import annotations

import json

import pandas as pd
from prefect.artifacts import create_table_artifact

from flows.results import Totals


def publish_summary(run: str, totals: Totals, summary: pd.DataFrame) -> None:
    """Publish the summary by step and model as a table artifact of this flow run."""
    table = json.loads(summary.to_json(orient="records"))
    create_table_artifact(
        table=table or [{"step": "", "model": "", "calls": 0}],
        key=f"summary-{run}",
        description=totals.line(),
    )
