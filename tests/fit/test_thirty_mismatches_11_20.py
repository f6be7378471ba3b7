"""Mismatches 11 to 20 between one model and the next: resolutions, safety, seeds, forms, scales.

Each is put right before the call, or refused before the first paid call.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from providers.adapter import Answer, Job
from providers.catalog import all_models
from providers.errors import JobFailedError, RefusedError
from providers.kinds import KINDS
from providers.media import Media
from providers.registry import PROVIDERS
from tasks.keep import Fetched, keep_outputs
from tasks.settling import failed
from tasks.store import Store
from tests.fit.chain import (
    FILES,
    candidate,
    faults,
    fields_of,
    foreseen,
    graph_of,
    lints,
    load_error,
    made_model,
    price,
    refused,
    route,
    send,
    shape,
    usd,
)
from tests.fit.pictures import encoded, halves
from tests.providers.replies import VENDORS

PROMPT = {"prompt": "a red mug"}
FRAME = {"image": shape(1280, 720)}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def test_11_a_resolution_is_always_said_and_its_price_is_that_of_what_was_said() -> None:
    # Seedance itself would make 1080p unless told; 720p is our default wherever it is bought.
    for provider in ("fal", "replicate"):
        assert fields_of(f"seedance-1-pro@{provider}", PROMPT)["resolution"] == "720p"
    prices = {
        name: usd("seedance-1-pro@fal", FRAME, resolution=name)
        for name in ("480p", "720p", "1080p")
    }
    assert prices == {"480p": "0.1215", "720p": "0.2574", "1080p": "0.612"}
    assert refused("seedance-1-pro@fal", FRAME, resolution="540p") == (
        "resolution '540p' is not one of 480p, 720p, 1080p (seedance-1-pro@fal). "
        "Choose an allowed value"
    )
    words = ["540p", "720p", "1080p"]
    luma = made_model(
        "luma-ray-2",
        "image-to-video",
        {"resolution": "resolution"},
        parameters={
            "resolution": {"type": "choice", "options": words, "default": "540p", "about": "Lines."}
        },
        price=price("call", "0.5", times={"resolution": {"720p": "2", "1080p": "4"}}),
    )
    assert fields_of(luma)["resolution"] == "540p"
    assert [usd(luma, FRAME, resolution=word) for word in words] == ["0.5", "1", "2"]


def test_12_the_size_of_birefnets_network_is_not_the_size_of_its_result() -> None:
    large = {"mask_resolution": "2048x2048"}
    assert fields_of("birefnet@fal", **large)["operating_resolution"] == "2048x2048"
    assert fields_of("birefnet@replicate", **large)["resolution"] == "2048x2048"
    photo = Media("image", "0" * 64, "image/png", 9, 1344, 756, alpha=False, mode="RGB")
    for size in ("1024x1024", "2048x2048"):
        step = {"model": "birefnet", "with": {"image": "$image", "mask_resolution": size}}
        made = foreseen(graph_of({"cutout": step}), image=photo)["cutout"].made
        assert (made.size, made.alpha) == ((1344, 756), True)
    assert "birefnet has no 'resolution'. Did you mean 'mask_resolution'?" in load_error(
        "birefnet", image="$image", resolution="1024x1024"
    )


def test_13_safety_is_one_scale_of_ours_a_text_a_number_or_a_switch_of_theirs() -> None:
    for written, sent in {
        "flux-2-pro@fal": "1",
        "flux-2-pro@replicate": 1,
        "flux-2-pro@bfl": 1,
        "nano-banana@fal": "1",
        "flux-kontext-pro@fal": "1",
    }.items():
        assert fields_of(written, PROMPT, safety=1)["safety_tolerance"] == sent, written
    assert fields_of("flux-2-pro@fal", PROMPT)["safety_tolerance"] == "2"
    # With a picture the vendors but fal stop at 2, so Kontext does everywhere.
    assert refused("flux-kontext-pro@fal", safety=3) == (
        "safety 3 is above 2 (flux-kontext-pro@fal). Choose an allowed value"
    )
    # Switches are sent as they are by default, the right way round.
    assert fields_of("sdxl@fal", PROMPT)["enable_safety_checker"] is True
    assert fields_of("sdxl@replicate", PROMPT)["disable_safety_checker"] is False
    assert fields_of("bria-rmbg-2@replicate")["content_moderation"] is False
    words = {"1": "block_low_and_above", "2": "block_medium_and_above", "3": "block_only_high"}
    imagen = made_model(
        "imagen-5",
        "text-to-image",
        {"safety_filter_level": {"from": "safety", "values": words}},
        parameters={
            "safety": {
                "type": "integer",
                "minimum": 1,
                "maximum": 3,
                "default": 1,
                "about": "1 refuses most.",
            }
        },
    )
    assert fields_of(imagen)["safety_filter_level"] == "block_low_and_above"
    assert refused(imagen, safety=5) == (
        "safety 5 is above 3 (imagen-5@fal). Choose an allowed value"
    )


def _over_at_fal(answer: Answer) -> object:
    receipt = {**VENDORS["fal"].receipt, "output": {"image": "images[0].url"}, "is_over": True}
    return _polled("fal", receipt, answer)


def _polled(name: str, receipt: dict[str, object], answer: Answer) -> object:
    adapter = PROVIDERS[name].adapter
    assert adapter is not None
    return adapter.read_poll(Job("j1", receipt), answer)


def _prediction(path: str, **more: object) -> object:
    receipt = {**VENDORS["replicate"].receipt, "output": {"image": path}}
    return _polled("replicate", receipt, Answer(200, {"id": "j1", **more}))


BLACK = {"images": [{"url": FILES + "black.png"}], "has_nsfw_concepts": [True]}
POLICY = {"detail": [{"loc": ["body"], "msg": "flagged", "type": "content_policy_violation"}]}
FLAGGED: dict[str, Callable[[], object]] = {
    "fal: a black picture and a flag": lambda: _over_at_fal(Answer(200, BLACK)),
    "fal: 422": lambda: _over_at_fal(Answer(422, POLICY, {"x-fal-request-id": "r"})),
    "replicate: a shorter list": lambda: _prediction("output[0]", status="succeeded", output=[]),
    "replicate: all flagged": lambda: _prediction(
        "output[0]", status="failed", error="NSFW content detected. Try running it again"
    ),
    "replicate: E005": lambda: _prediction(
        "output", status="failed", error="The input or output was flagged as sensitive. (E005)"
    ),
    "bfl: a status": lambda: _polled(
        "bfl",
        {**VENDORS["bfl"].receipt, "output": {"image": "result.sample"}},
        Answer(200, {"id": "bfl1", "status": "Content Moderated"}),
    ),
}


def test_14_a_hit_of_the_safety_check_is_a_refusal_whatever_it_looks_like() -> None:
    request = candidate(route("sdxl@fal"), PROMPT)
    for name, read in FLAGGED.items():
        with pytest.raises(RefusedError) as raised:
            read()
        assert failed(raised.value, request).outcome == "refused", name
        assert "\n" not in str(raised.value)
    # Any other failure of a job may go well the next time.
    with pytest.raises(JobFailedError):
        _prediction("output", status="failed", error="CUDA out of memory")
    # One that passed is the first of those that are left.
    left = _prediction("output[0]", status="succeeded", output=[FILES + "a.png"])
    assert left is not None


SEEDLESS = ("recraft-v4", "kling-2.5-turbo-pro", "birefnet", "bria-rmbg-2")


def test_15_a_seed_is_sent_as_it_is_left_out_when_random_and_refused_where_there_is_none() -> None:
    for written in ("flux-2-pro@fal", "flux-2-pro@bfl", "sdxl@replicate", "seedance-1-pro@fal"):
        assert fields_of(written, PROMPT, seed=0)["seed"] == 0
        assert "seed" not in fields_of(written, PROMPT)
        # Each vendor's own word for "random" is a number here, and so never meant.
        assert "seed -1 is below 0" in str(refused(written, seed=-1))
    for provider in ("fal", "replicate"):
        assert fields_of(f"clarity-upscaler@{provider}")["seed"] == 1337
    for name in SEEDLESS:
        given = {"prompt": "$prompt"} if name == "recraft-v4" else {"image": "$image"}
        assert f"{name} has no 'seed'" in load_error(name, **given, seed=7)
    step = {
        "model": "flux-2-pro",
        "with": {"prompt": "$prompt", "seed": 7},
        "fallback": ["recraft-v4"],
    }
    (found,) = lints(graph_of({"photo": step}))
    assert found.startswith("MF007 step 'photo': the fallback recraft-v4 takes no seed")
    keys = {candidate(route("flux-2-pro@fal"), PROMPT, seed=seed).key for seed in (0, 1)}
    assert len(keys) == 2


async def test_16_a_file_form_is_asked_for_by_each_name_looked_at_and_converted(
    store: Store,
) -> None:
    assert fields_of("flux-2-pro@fal", PROMPT)["output_format"] == "png"
    assert fields_of("flux-2-pro@fal", PROMPT, output_format="jpeg")["output_format"] == "jpeg"
    jpg = fields_of("flux-2-pro@replicate", PROMPT, output_format="jpeg")["output_format"]
    assert jpg == "jpg"
    assert fields_of("sdxl@fal", PROMPT)["format"] == "png"
    assert "output_format" not in fields_of("recraft-v4@fal", PROMPT)
    # Where no field says it, or a vendor says the wrong thing, the bytes do.
    came = Fetched("image", "image", data=encoded(halves((640, 640)), "WEBP", quality=95))
    webp = (await keep_outputs(store, [came]))["image"]
    assert isinstance(webp, Media) and webp.media_type == "image/webp"
    for written in ("kling-2.5-turbo-pro@fal", "bria-rmbg-2@bria", "stable-video@fal"):
        sent = await send(store, written, {**PROMPT, "image": webp}, {"mode": "crop"})
        assert sent.picture().media_type == "image/png", written
    kept = await send(store, "bria-rmbg-2@fal", {"image": webp})
    assert kept.picture() == webp


def test_17_guidance_means_something_else_in_every_model_and_is_never_carried_over() -> None:
    assert fields_of("sdxl@fal", PROMPT)["guidance_scale"] == 7.5
    assert fields_of("kling-2.5-turbo-pro@fal", PROMPT)["cfg_scale"] == 0.5
    assert fields_of("flux-kontext-pro@fal", PROMPT)["guidance_scale"] == 3.5
    assert fields_of("clarity-upscaler@fal")["guidance_scale"] == 4
    assert "guidance" not in str(fields_of("flux-2-pro@fal", PROMPT, guidance=7.5))
    assert "kling-2.5-turbo-pro" in str(refused("kling-2.5-turbo-pro@fal", guidance=7.5))
    step = {
        "model": "sdxl",
        "with": {"prompt": "$prompt", "guidance": 7.5},
        "fallback": ["flux-2-pro"],
    }
    assert any("flux-2-pro takes no guidance" in found for found in lints(graph_of({"a": step})))
    # A fallback is of the same kind: no two models of one kind have a guidance to confuse.
    for kind in KINDS:
        having = [m for m in all_models() if m.kind == kind and "guidance" in m.parameters]
        assert len(having) <= 1, kind


def test_18_an_upscale_factor_is_a_number_a_word_or_one_of_two_and_never_beyond_its_cap() -> None:
    assert fields_of("clarity-upscaler@fal", scale=3)["upscale_factor"] == 3
    assert fields_of("clarity-upscaler@replicate", scale=3)["scale_factor"] == 3
    about = {"type": "choice", "options": [2, 4], "default": 2, "about": "How much larger."}
    magnific = made_model(
        "magnific",
        "upscale",
        {"scale_factor": {"from": "scale", "values": {"2": "2x", "4": "4x"}}},
        parameters={"scale": about},
    )
    assert fields_of(magnific, scale=4)["scale_factor"] == "4x"
    assert refused(magnific, scale=3) == (
        "scale 3 is not one of 2, 4 (magnific@fal). Choose an allowed value"
    )
    small, large = {"image": shape(1408, 768)}, {"image": shape(2816, 1536)}
    assert usd("clarity-upscaler@fal", small, scale=2) == "0.15"  # 4.1 megapixels, rounded up
    assert refused("clarity-upscaler@fal", large, scale=3) is None
    assert refused("clarity-upscaler@fal", large, scale=4) == (
        "scale: 11264x6144 would be made, and 64 megapixels are the most (clarity-upscaler@fal). "
        "Ask for a smaller scale, or give a smaller picture"
    )
    photo = {"model": "flux-2-pro", "with": {"prompt": "$prompt", "megapixels": 4}}
    again = {"model": "clarity-upscaler", "with": {"image": "$once", "scale": 4}}
    once = {"model": "clarity-upscaler", "with": {"image": "$photo", "scale": 4}}
    (fault,) = faults(graph_of({"photo": photo, "once": once, "again": again}))
    assert fault.startswith("scale: 32768x32768 would be made")


def test_19_creativity_and_fidelity_are_0_to_1_wherever_they_are_sent() -> None:
    for provider in ("fal", "replicate"):
        fields = fields_of(f"clarity-upscaler@{provider}", creativity=0.2, fidelity=0.9)
        assert (fields["creativity"], fields["resemblance"]) == (0.2, 0.9)
        assert "fidelity 3 is above 1" in str(refused(f"clarity-upscaler@{provider}", fidelity=3))
    for model in all_models():
        for name in {"creativity", "fidelity"} & set(model.parameters):
            rule = model.parameters[name]
            assert (rule.type, rule.minimum, rule.maximum) == ("number", 0, 1), model.model
    # On a scale of another kind a value is refused rather than read as one of its own.
    step = {"type": "integer", "minimum": -10, "maximum": 10, "default": 0, "about": "How free."}
    magnific = made_model(
        "magnific", "upscale", {"creativity": "creativity"}, parameters={"creativity": step}
    )
    assert refused(magnific, creativity=0.35) == (
        "creativity 0.35 is not an integer (magnific@fal). Choose an allowed value"
    )


def test_20_a_text_to_speak_and_its_voice_stand_where_each_vendor_looks_for_them() -> None:
    given = {"text": "Good morning."}
    fields = fields_of("elevenlabs-tts@fal", given, voice="Aria", speed=1.1)
    assert fields["text"] == "Good morning."
    assert (fields["voice"], fields["speed"], fields["similarity_boost"]) == ("Aria", 1.1, 0.75)
    voice = {"type": "choice", "options": ["Ana", "Tom"], "default": "Ana", "about": "Who speaks."}
    chatterbox = made_model(
        "chatterbox",
        "text-to-speech",
        {"prompt": "text", "voice": "voice"},
        parameters={"voice": voice},
        output={"audio": "output"},
        provider="replicate",
    )
    assert fields_of(chatterbox, given) == {"prompt": "Good morning.", "voice": "Ana"}
    assert refused(chatterbox, voice="Rachel") == (
        "voice 'Rachel' is not one of Ana, Tom (chatterbox@replicate). Choose an allowed value"
    )
    assert "elevenlabs-tts has no 'prompt'" in load_error("elevenlabs-tts", prompt="$prompt")
    assert "elevenlabs-tts needs 'text'" in load_error("elevenlabs-tts", voice="Aria")
