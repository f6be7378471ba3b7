"""A request's record is named by its key: no model is ever given another's picture."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from prefect import Task, flow
from prefect.cache_policies import INPUTS, CachePolicy

from flows.task_runs import RequestKey

TWO_MODELS = """\
name: two-models
version: 1
about: One prompt, two models.
inputs:
  prompt: {type: text, about: What to photograph}
steps:
  first: {model: flux-2-pro, with: {prompt: $prompt}}
  second: {model: recraft-v4, with: {prompt: $prompt}}
outputs: {first: $first, second: $second}
"""


def paint_with(model: str, policy: CachePolicy, storage: Path) -> Task[..., Any]:
    """A model's task as a factory makes it, for any model."""

    async def paint(key: str, prompt: str) -> str:
        return f"{prompt} by {model}"

    return Task(
        fn=paint,
        cache_policy=policy,
        persist_result=True,
        result_storage=storage,
        result_serializer="json",
    )


async def paint_twice(policy: CachePolicy, storage: Path, keys: tuple[str, str]) -> list[str]:
    @flow
    async def both() -> list[str]:
        tasks = [paint_with(model, policy, storage) for model in ("one", "two")]
        return [await task(key, "a mug") for task, key in zip(tasks, keys, strict=True)]

    return await both()


async def test_prefect_s_own_inputs_policy_gives_one_model_s_picture_to_another(tmp_path):
    found = await paint_twice(INPUTS, tmp_path, ("", ""))
    assert found == ["a mug by one", "a mug by one"]  # the second is wrong


async def test_with_the_request_key_each_model_gives_its_own(tmp_path):
    found = await paint_twice(RequestKey(), tmp_path, ("key-of-one", "key-of-two"))
    assert found == ["a mug by one", "a mug by two"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["key-of-one", "key-of-two"]


def test_two_models_with_equal_inputs_share_no_record(run_batch, script, tmp_path, home):
    Path("two-models.yaml").write_text(TWO_MODELS, encoding="utf-8")
    table = tmp_path / "rows.csv"
    table.write_text("id,prompt\nmug,a mug\n", encoding="utf-8")
    done = run_batch("two-models.yaml", table)
    assert done.states() == {"mug": "done"}
    records = [
        json.loads(json.loads(path.read_text(encoding="utf-8"))["result"])
        for path in (home.folder / "prefect").iterdir()
    ]
    assert sorted(record["model"] for record in records) == ["flux-2-pro@fal", "recraft-v4@fal"]
    assert sorted(script.endpoints().values()) == [1, 1]
    assert len({attempt.key for attempt in done.facts.made}) == 2
