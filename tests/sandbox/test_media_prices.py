"""What clips and sounds cost: units and amounts, worked out by hand."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from providers.local.audio import ambience
from providers.sandbox.films import plain_clip
from tests.sandbox.conftest import Serve, data_uri, picture
from tests.sandbox.media import (
    AMBIENCE,
    CHATTERBOX,
    FRAME,
    KLING,
    LUMA,
    MUX,
    SEEDANCE,
    SFX,
    SPEECH,
    SVD,
    VEO,
    moved,
)

WIDE = moved(data_uri(picture(640, 360)))
FULL = {"image_url": data_uri(picture(1024, 576))}
CLIP = data_uri(plain_clip(0, 320, 240, 2.5, 24, False))
SOUND = data_uri(ambience("rain", 1))


@pytest.mark.parametrize(
    ("app", "given", "units", "amount"),
    [
        (KLING, WIDE, "5", "0.35"),
        (KLING, WIDE | {"duration": "10"}, "10", "0.7"),
        # 1920 * 1088 * 24 * 5 / 1024 = 244 800 tokens
        (SEEDANCE, WIDE, "0.2448", "0.612"),
        # 1248 * 704 * 24 * 5 / 1024 = 102 960 tokens
        (SEEDANCE, WIDE | {"resolution": "720p"}, "0.10296", "0.2574"),
        (SVD, FULL, "1", "0.075"),
        (LUMA, WIDE, "5", "0.5"),
        (LUMA, WIDE | {"resolution": "720p"}, "10", "1"),
        (LUMA, WIDE | {"resolution": "1080p", "duration": "9s"}, "36", "3.6"),
        (VEO, WIDE, "12", "1.2"),  # sound makes it 3/2
        (VEO, WIDE | {"generate_audio": False, "duration": "4s"}, "4", "0.4"),
        (SPEECH, {"text": "Hello there."}, "0.012", "0.0012"),
        (CHATTERBOX, {"text": "Hello there."}, "0.012", "0.0003"),
        (SFX, {"text": "rain", "duration_seconds": 4.5}, "4.5", "0.01035"),
        (AMBIENCE, {"prompt": "rain", "seconds_total": 3}, "3", None),
        (MUX, {"video_url": CLIP, "audio_url": SOUND}, "2.5", "0.0005"),
        (FRAME, {"video_url": CLIP}, "1", None),
        # 1000 x 1200 px doubled are 4.8 million: 5 megapixels of 1024 * 1024
        (
            "fal-ai/clarity-upscaler",
            {"image_url": data_uri(picture(1000, 1200))},
            "5",
            "0.15",
        ),
    ],
)
def test_the_invoice_has_the_units_that_fal_s_header_has(
    serve: Serve, app: str, given: dict[str, Any], units: str, amount: str | None
) -> None:
    served = serve()
    answer = served.fal_result(served.fal(app, **given))
    assert answer.status_code == 200, answer.text
    (line,) = served.invoice()
    assert (line["units"], line["amount"]) == (units, amount)
    assert Decimal(answer.headers["x-fal-billable-units"]) == Decimal(units)


def test_replicate_s_seedance_is_billed_by_the_second(serve: Serve) -> None:
    served = serve()
    given = {"prompt": "it turns", "image": data_uri(picture(640, 360)), "duration": 4}
    served.predict("bytedance/seedance-1-pro", input=given, headers={"Prefer": "wait"})
    (line,) = served.invoice()
    assert (line["units"], line["amount"]) == ("4", "0.6")
