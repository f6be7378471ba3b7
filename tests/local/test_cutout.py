"""Background removal on photographs that the test renders itself, against their true masks."""

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from providers.local.cutout import remove_background

Floats = NDArray[np.float64]
WIDTH, HEIGHT, FINE = 420, 340, 4


def shape(draw: Callable[[ImageDraw.ImageDraw], None]) -> Floats:
    """The true alpha, 0 to 1, of what `draw` draws on a 420 x 340 canvas, smooth at its edge."""
    canvas = Image.new("L", (WIDTH * FINE, HEIGHT * FINE), 0)
    draw(ImageDraw.Draw(canvas))
    return np.asarray(canvas.resize((WIDTH, HEIGHT), Image.Resampling.BOX), np.float64) / 255


def box(*corners: float) -> list[float]:
    return [corner * FINE for corner in corners]


def ball(draw: ImageDraw.ImageDraw) -> None:
    draw.ellipse(box(130, 80, 300, 250), 255)


def crate(draw: ImageDraw.ImageDraw) -> None:
    draw.polygon(box(120, 110, 290, 80, 320, 220, 150, 270), 255)


def cup(draw: ImageDraw.ImageDraw) -> None:
    draw.rounded_rectangle(box(120, 80, 250, 260), 20 * FINE, 255)
    draw.ellipse(box(220, 110, 320, 220), 255)
    draw.ellipse(box(244, 134, 296, 196), 0)  # one sees through the handle
    draw.rectangle(box(150, 120, 250, 220), 255)


def stool(draw: ImageDraw.ImageDraw) -> None:
    draw.rounded_rectangle(box(110, 90, 310, 150), 16 * FINE, 255)
    for left in (130, 280):
        draw.rectangle(box(left, 140, left + 14, 280), 255)


def gradient() -> Floats:
    """A smooth field from 0 to 1 across the picture, as uneven light gives."""
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH]
    return (columns / WIDTH * 0.7 + rows / HEIGHT * 0.3)[:, :, None]


def plain(chance: np.random.Generator) -> Floats:
    return np.full((HEIGHT, WIDTH, 3), (214.0, 212, 206))


def uneven(chance: np.random.Generator) -> Floats:
    return np.array([196.0, 205, 212]) * (0.62 + 0.38 * gradient())


def noisy(chance: np.random.Generator) -> Floats:
    return np.array([150.0, 160, 150]) + chance.normal(0, 14, (HEIGHT, WIDTH, 1))


def wooden(chance: np.random.Generator) -> Floats:
    rows = np.arange(HEIGHT)[:, None, None] + 6 * np.sin(np.arange(WIDTH) / 60)[None, :, None]
    grain = np.sin(rows / 5) * 9 + np.sin(rows / 1.7) * 4
    return np.array([178.0, 140, 100]) + grain + chance.normal(0, 4, (HEIGHT, WIDTH, 1))


def woven(chance: np.random.Generator) -> Floats:
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH]
    weave = (np.sin(rows / 3) * np.sin(columns / 3))[:, :, None] * 14
    return np.array([120.0, 130, 150]) + weave + chance.normal(0, 5, (HEIGHT, WIDTH, 1))


def blurred(chance: np.random.Generator) -> Floats:
    coarse = chance.integers(60, 200, (9, 11, 3)).astype(np.uint8)
    large = Image.fromarray(coarse).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)
    return np.asarray(large, np.float64) * 0.5 + 60


def photograph(
    alpha: Floats,
    backdrop: Callable[[np.random.Generator], Floats],
    colour: tuple[int, int, int],
    shadow: float,
) -> Image.Image:
    """A shaded subject on the backdrop with a soft cast shadow and a little sensor noise."""
    chance = np.random.default_rng(7)
    scene = backdrop(chance)
    cast = Image.fromarray((np.roll(alpha, (14, 26), (0, 1)) * 255).astype(np.uint8))
    soft = np.asarray(cast.filter(ImageFilter.GaussianBlur(14)), np.float64) / 255
    scene = scene * (1 - shadow * soft[:, :, None])
    light = 1.12 - 0.42 * gradient()
    subject = np.array(colour, np.float64) * light
    mixed = subject * alpha[:, :, None] + scene * (1 - alpha[:, :, None])
    mixed += chance.normal(0, 2, mixed.shape)
    return Image.fromarray(np.clip(np.rint(mixed), 0, 255).astype(np.uint8))


SCENES = [
    (ball, plain, (190, 50, 45), 0.0),
    (ball, uneven, (200, 140, 40), 0.35),
    (crate, noisy, (150, 60, 40), 0.3),
    (crate, woven, (205, 120, 50), 0.3),
    (crate, uneven, (40, 44, 50), 0.4),
    (cup, plain, (45, 90, 150), 0.35),
    (cup, wooden, (230, 235, 240), 0.3),
    (cup, blurred, (200, 60, 120), 0.0),
    (stool, uneven, (40, 110, 70), 0.4),
    (stool, wooden, (40, 60, 110), 0.3),
]


@pytest.mark.parametrize(("drawn", "backdrop", "colour", "shadow"), SCENES)
def test_a_subject_is_cut_out_whole_with_a_soft_clean_edge(
    drawn: Callable[[ImageDraw.ImageDraw], None],
    backdrop: Callable[[np.random.Generator], Floats],
    colour: tuple[int, int, int],
    shadow: float,
) -> None:
    truth = shape(drawn)
    image = photograph(truth, backdrop, colour, shadow)
    cutout = np.asarray(remove_background(image)).astype(np.float64)
    alpha = cutout[:, :, 3]
    assert cutout.shape == (HEIGHT, WIDTH, 4)
    found, true = alpha > 127, truth > 0.5
    assert (found & true).sum() / (found | true).sum() >= 0.985
    assert alpha[[0, 0, -1, -1], [0, -1, 0, -1]].max() == 0
    deep = np.asarray(
        Image.fromarray((truth * 255).astype(np.uint8)).filter(ImageFilter.MinFilter(15))
    )
    assert np.median(alpha[deep == 255]) == 255 and (alpha[deep == 255] == 255).mean() > 0.99
    graded = (alpha > 25) & (alpha < 230)
    assert graded.sum() > 100
    # No halo: at the edge, colours are the subject's and not the backdrop's.
    own = np.array(colour) * (1.12 - 0.42 * gradient())
    seen = np.asarray(image).astype(np.float64)
    edge = graded & (truth > 0.02) & (truth < 0.98)
    error = np.abs(cutout[:, :, :3] - own).mean(2)[edge].mean()
    before = np.abs(seen - own).mean(2)[edge].mean()
    assert error < 8 and error < before / 4


def test_one_can_see_through_a_handle() -> None:
    alpha = np.asarray(remove_background(photograph(shape(cup), plain, (45, 90, 150), 0.3)))
    assert alpha[165, 276, 3] == 0


def test_a_soft_shadow_goes_with_the_backdrop() -> None:
    alpha = np.asarray(remove_background(photograph(shape(ball), plain, (60, 90, 160), 0.4)))
    assert alpha[235:275, 300:330, 3].mean() < 12  # the darkest of what it casts


def test_a_pale_label_before_pale_paper_stays_on_its_bottle() -> None:
    def bottle(draw: ImageDraw.ImageDraw) -> None:
        draw.rounded_rectangle(box(160, 60, 260, 290), 24 * FINE, 255)

    truth = shape(bottle)
    pixels = np.array(photograph(truth, plain, (60, 80, 40), 0.25))
    pixels[150:220, 161:259] = np.clip(pixels[150:220, 161:259] * 0.02 + (243, 240, 230), 0, 255)
    alpha = np.asarray(remove_background(Image.fromarray(pixels)))[:, :, 3]
    assert alpha[160:210, 170:250].min() == 255


def test_an_alpha_that_is_there_already_is_multiplied_in() -> None:
    image = photograph(shape(ball), plain, (190, 50, 45), 0.0).convert("RGBA")
    half = np.full((HEIGHT, WIDTH), 255, np.uint8)
    half[:, :210] = 100
    image.putalpha(Image.fromarray(half))
    alpha = np.asarray(remove_background(image))[:, :, 3]
    assert alpha[165, 170] == 100 and alpha[165, 250] == 255 and alpha[5, 5] == 0


@pytest.mark.parametrize("mode", ["flat", "noise", "stripes", "tiny", "thin", "dark"])
def test_a_picture_without_a_subject_still_gives_something_in_the_middle(mode: str) -> None:
    chance = np.random.default_rng(3)
    pixels = {
        "flat": np.full((90, 120, 3), 128, np.uint8),
        "noise": chance.integers(0, 255, (90, 120, 3)).astype(np.uint8),
        "stripes": np.tile(np.array([[0], [255]], np.uint8).repeat(4, 0), (12, 120))[:, :, None]
        * np.ones(3, np.uint8),
        "tiny": chance.integers(0, 255, (3, 2, 3)).astype(np.uint8),
        "thin": chance.integers(0, 255, (1, 400, 3)).astype(np.uint8),
        "dark": np.zeros((64, 64, 3), np.uint8),
    }[mode]
    cutout = remove_background(Image.fromarray(pixels))
    assert cutout.size == (pixels.shape[1], pixels.shape[0])
    share = (np.asarray(cutout)[:, :, 3] > 127).mean()
    assert 0 < share <= 1


def test_the_size_is_kept_above_the_size_at_which_edges_are_worked_out() -> None:
    small = photograph(shape(ball), plain, (190, 50, 45), 0.3)
    large = small.resize((1512, 1224), Image.Resampling.BICUBIC)
    cutout = remove_background(large)
    truth = Image.fromarray((shape(ball) * 255).astype(np.uint8)).resize(large.size)
    found, true = np.asarray(cutout)[:, :, 3] > 127, np.asarray(truth) > 127
    assert cutout.size == large.size
    assert (found & true).sum() / (found | true).sum() > 0.97


def digest(image: Image.Image) -> str:
    return hashlib.sha256(image.tobytes()).hexdigest()


def test_the_same_picture_gives_the_same_bytes_in_threads_too() -> None:
    image = photograph(shape(cup), wooden, (230, 235, 240), 0.3)
    with ThreadPoolExecutor(2) as pool:
        digests = set(pool.map(lambda _: digest(remove_background(image)), range(2)))
    assert digests == {digest(remove_background(image))}


SCRIPT = """
import hashlib
from providers.local.cutout import remove_background
from providers.local.standin import draw_photo
photo = draw_photo("a red mug", 200, 160, 5)
cutout = remove_background(photo)
print(hashlib.sha256(photo.tobytes()).hexdigest(), hashlib.sha256(cutout.tobytes()).hexdigest())
"""


def test_another_process_gives_the_same_bytes() -> None:
    answers = [
        subprocess.run(
            [sys.executable, "-c", SCRIPT],
            env={**os.environ, "PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert answers[0] == answers[1] and len(answers[0].split()) == 2
