"""`prefect deploy --all` gives a typed form for each deployment of prefect.yaml."""

from __future__ import annotations

import pytest
from prefect.client.orchestration import get_client

from tests.system.conftest import REPOSITORY

pytestmark = [pytest.mark.system("prefect", "mediaflows"), pytest.mark.timeout(300)]


def test_the_deployments_of_the_repository_have_typed_forms(cli, api):
    pool = cli.run("prefect", "work-pool", "create", "mediaflows", "--type", "process")
    assert pool.returncode == 0, pool.stdout + pool.stderr
    made = cli.run("prefect", "--no-prompt", "deploy", "--all", folder=REPOSITORY)
    assert made.returncode == 0, made.stdout + made.stderr
    with get_client(sync_client=True) as client:
        photo = client.read_deployment_by_name("product-photo/product-photo")
        batch = client.read_deployment_by_name("batch/batch")

    assert photo.entrypoint == "flows/deployments.py:product_photo"
    assert photo.work_pool_name == batch.work_pool_name == "mediaflows"
    form = photo.parameter_openapi_schema
    assert form["required"] == ["prompt"]
    assert form["properties"]["prompt"]["description"] == "What to photograph"
    assert form["properties"]["aspect"]["enum"] == ["1:1", "4:5", "16:9"]
    assert form["properties"]["aspect"]["default"] == "1:1"
    assert "local" in form["definitions"]["RunOptions"]["properties"]
    assert photo.enforce_parameter_schema

    assert batch.parameter_openapi_schema["required"] == ["template", "table"]
    assert (
        "Path to a CSV file" in batch.parameter_openapi_schema["properties"]["table"]["description"]
    )
