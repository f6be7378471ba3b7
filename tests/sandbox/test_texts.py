"""Language models at the sandbox: texts in the answer, billed by tokens, strict about their input."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.sandbox.conftest import Serve, Served, data_uri, picture, png, until

MINI, FLASH = "openai/gpt-4o-mini", "google/gemini-2.5-flash"
ROUTER, VISION = "openrouter/router", "openrouter/router/vision"
FLORENCE = "fal-ai/florence-2-large/more-detailed-caption"
ASKED = (
    "Write.\n\nAnswer with one JSON object and nothing else. Its fields: title, bullets (a list)."
)


def predicted(served: Served, model: str, **given: Any) -> dict[str, Any]:
    job = served.predict(model, input=given).json()
    url = job["urls"]["get"]
    until(lambda: served.call("replicate", "GET", url).json()["status"] == "succeeded")
    return dict(served.call("replicate", "GET", url).json())


def routed(served: Served, app: str = ROUTER, **given: Any) -> dict[str, Any]:
    given = {"prompt": "a mug", "model": MINI} | given
    return dict(served.fal_result(served.fal(app, **given)).json())


def test_replicate_gives_a_text_in_pieces_and_counts_its_tokens(serve: Serve) -> None:
    served = serve()
    job = predicted(served, MINI, prompt="a red mug", system_prompt="short")
    text = "".join(job["output"])
    assert len(job["output"]) > 1
    assert text == "Stand-in text, no model wrote it. Asked: a red mug"
    given, made = (job["metrics"][f"{name}_token_count"] for name in ("input", "output"))
    assert (given, made) == (4, 13)
    (line,) = served.invoice()
    assert Decimal(line["units"]) == (made + given * Decimal("0.25")) / 1_000_000
    assert Decimal(line["amount"]) == Decimal(line["units"]) * Decimal("0.60")


def test_fal_gives_a_whole_text_and_no_price_is_known(serve: Serve) -> None:
    served = serve()
    body = routed(served)
    assert body["output"].startswith("Stand-in text")
    assert body["usage"]["completion_tokens"] == -(-len(body["output"]) // 4)
    (line,) = served.invoice()
    assert line["amount"] is None


def test_json_is_written_where_the_end_of_the_prompt_asks_for_it(serve: Serve) -> None:
    assert routed(serve(), prompt=ASKED)["output"].startswith('{"title": "Stand-in title')


def test_pictures_are_described_and_cost_tokens(serve: Serve) -> None:
    served = serve()
    for body in (
        routed(served, VISION, image_urls=[data_uri(png())]),
        {
            "output": served.fal_result(served.fal(FLORENCE, image_url=data_uri(png()))).json()[
                "results"
            ]
        },
        predicted(served, FLASH, prompt="See", images=[data_uri(png())]),
    ):
        assert "a landscape picture of 96x64 pixels" in "".join(body["output"])
    assert body["metrics"]["input_token_count"] == 1 + 258


def test_a_text_ends_where_the_most_tokens_are_written(serve: Serve) -> None:
    assert len(routed(serve(), max_tokens=5)["output"]) == 20


@pytest.mark.parametrize(
    ("app", "given", "kind"),
    [
        (ROUTER, {"prompt": "x", "model": "openai/gpt-9"}, "literal_error"),
        (ROUTER, {"prompt": "x"}, "missing"),
        (ROUTER, {"prompt": "", "model": MINI}, "string_too_short"),
        (ROUTER, {"prompt": "x", "model": MINI, "max_tokens": 0}, "greater_than_equal"),
        (ROUTER, {"prompt": "x", "model": MINI, "response_format": {}}, "extra_forbidden"),
        (VISION, {"prompt": "x", "model": MINI, "image_urls": []}, "too_short"),
        (VISION, {"prompt": "x", "model": MINI, "image_urls": [data_uri(picture(9, 9, "GIF"))]},
         "unsupported_image_format"),
        (FLORENCE, {"image_url": "", "prompt": "x"}, "string_type"),
    ],
)  # fmt: skip
def test_what_a_model_does_not_take_is_refused_unbilled(
    serve: Serve, app: str, given: dict[str, Any], kind: str
) -> None:
    served = serve()
    answer = served.fal_result(served.fal(app, **given))
    assert answer.status_code == 422
    assert kind in {one["type"] for one in answer.json()["detail"]}
    assert [line["units"] for line in served.invoice()] == ["0"]


@pytest.mark.parametrize(
    ("fault", "output"),
    [
        ("empty_output", ""),
        (
            "chatty",
            "Sure! Here is what you asked for:\n\nStand-in text, no model wrote it. Asked: a mug",
        ),
        ("truncated", "Stand-in text, no model"),
    ],
)
def test_faults_of_a_text(serve: Serve, fault: str, output: str) -> None:
    assert routed(serve({"fault": fault, "endpoint": ROUTER}))["output"] == output
