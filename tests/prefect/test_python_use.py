"""plan, run and batch as a script and a notebook call them, over a scripted vendor or locally."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from flows import Input, Step, Template, UserError, batch, load_template, plan, run
from flows.shard import stop_asked
from providers.errors import BudgetError, RefusedError, RequestError, SetupError
from tests.command import results

PHOTO, OTHER_PHOTO = "fal-ai/flux-2-pro", "fal-ai/recraft/v4/text-to-image"
PAID = {"provider": "fal", "yes": True}
FRAME = pd.DataFrame(
    {"prompt": ["a red mug", 'a "tall", vase\nof glass'], "aspect": ["4:5", None], "shelf": [3, 1]},
    index=pd.Index(["mug", "vase"], name="sku"),
)
CARD = Template(
    name="card",
    version=1,
    about="A picture.",
    inputs={"take": Input(type="text"), "word": Input(type="text", default="mug")},
    steps={"photo": Step(model="flux-2-pro", with_={"prompt": "${take} ${word}"})},
    outputs={"photo": "$photo"},
)


async def test_in_a_running_event_loop_one_input_gives_files_with_their_paths(home, quick_work):
    loop = asyncio.get_running_loop()
    made = run("product-photo", prompt="a red mug", aspect="4:5", local=True)
    assert loop.is_running()
    assert (made.state, made.cost, made.cost_usd) == ("done", "$0.00", Decimal(0))
    assert set(made.outputs) == {"photo", "cutout"}
    assert made["cutout"].path == made.folder / "outputs" / "1" / "cutout.png"
    with Image.open(made["cutout"]) as picture:  # whatever takes a path takes it
        assert picture.mode == "RGBA"
    shown = made["cutout"]._repr_mimebundle_()
    assert set(shown) == {"text/plain", "image/png"}
    with pytest.raises(RequestError, match=r"no output 'cutot'. Did you mean 'cutout'\?"):
        made["cutot"]


async def test_a_dataframe_comes_back_with_its_own_types_and_index(home, script):
    planned = plan("product-photo", FRAME, provider="fal")
    assert (planned.rows, planned.calls, planned.faults) == (2, 4, ())
    assert planned.to_frame().loc["photo", "calls"] == 2

    done = batch("product-photo", FRAME, **PAID)
    assert done.states == {"done": 2}
    found = done.results
    assert list(found.index) == ["mug", "vase"]
    assert found.shelf.tolist() == [3, 1]
    assert found.prompt.tolist() == FRAME.prompt.tolist()
    assert all(isinstance(path, Path) and path.exists() for path in found.cutout)
    assert found.cost_usd.sum() == pytest.approx(float(done.cost_usd))
    assert done.cost_usd == Decimal("0.12")
    assert (len(done.attempts), done.summary.calls.tolist()) == (4, [2, 2])
    assert done["vase"]["photo"].path == found.photo["vase"]

    again = batch("product-photo", FRAME, **PAID)
    assert (again.totals.calls, again.totals.reused) == (0, 4)
    assert len(script.invoice()) == 4


def test_the_command_line_takes_what_python_has_made(home, script, mediaflows, products, folder):
    done = batch("product-photo", products, **PAID)
    assert done.folder == folder()
    assert results(done.folder) == {"mug": "done", "vase": "done", "lamp": "done"}
    assert done.results.columns[:3].tolist() == ["id", "prompt", "aspect"]
    told = mediaflows("report", "latest")
    assert done.line() in told.out
    assert mediaflows("resume", "latest").code == 2  # every row is done
    ran = mediaflows("batch", "product-photo", products, "--provider", "fal", "--yes")
    assert "0 attempts, 6 reused" in ran.out


@pytest.mark.parametrize("form", ["name", "path", "graph", "object"])
def test_a_template_is_a_name_a_path_a_graph_or_an_object(home, quick_work, tmp_path, form):
    graph = load_template("product-photo")
    shipped = Path(str(load_template.__globals__["SHIPPED"])) / "product-photo.yaml"
    given = {"name": "product-photo", "path": shipped, "graph": graph, "object": graph.template}
    made = run(given[form], prompt="a red mug", local=True)
    frozen = load_template(made.folder / "template.yaml")
    assert (made.state, frozen.digest) == ("done", graph.digest)


def test_an_input_with_the_name_of_an_option_is_given_in_a_mapping(home, quick_work):
    with pytest.raises(RequestError, match="'take' is an input of card and an option"):
        run(CARD, take="wide", local=True)
    assert run(CARD, {"take": "wide"}, local=True).state == "done"


def test_what_would_be_paid_for_needs_a_yes_and_a_rehearsal_none(home, script):
    with pytest.raises(RequestError, match=r"This would pay .*: add yes=True to agree\."):
        batch("product-photo", FRAME, provider="fal")
    with pytest.raises(RequestError, match="yes=True"):
        run("product-photo", prompt="a mug", provider="fal")
    assert script.invoice() == []


def test_a_run_of_which_nothing_came_is_an_error_of_its_kind(home, script):
    script.turns = {PHOTO: ["refuse"], OTHER_PHOTO: ["refuse"]}
    with pytest.raises(RefusedError, match=r"product-photo: photo: .*refuses this prompt.*\(run "):
        run("product-photo", prompt="a mug", **PAID)
    with pytest.raises(BudgetError, match="product-photo: "):
        run("product-photo", prompt="another", max_cost="0.01", allow_unpriced=True, **PAID)


def test_a_row_of_which_nothing_came_is_a_line_of_the_results(home, script):
    script.turns = {PHOTO: ["refuse"], OTHER_PHOTO: ["refuse"]}
    done = batch("product-photo", FRAME, jobs=1, **PAID)
    assert done.results.state.tolist() == ["refused", "done"]
    assert done.results.cutout["mug"] is None
    assert "refuses this prompt" in done.results.reason["mug"]


def test_a_stop_of_an_earlier_run_does_not_stop_the_next(home, quick_work):
    stop_asked.ask()
    assert run("product-photo", prompt="a mug", local=True).state == "done"
    assert not stop_asked.is_set()


def refused(**options: object) -> str:
    with pytest.raises(UserError) as caught:
        batch("product-photo", options.pop("table", FRAME), **options)  # type: ignore[arg-type]
    return str(caught.value)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"locale": True}, "There is no option 'locale'. Did you mean 'local'?"),
        ({"local": True, "jobs": 0}, "jobs=0: input should be greater than or equal to 1."),
        ({"local": True, "table": "nowhere.csv"}, "There is no file nowhere.csv;"),
        ({"local": True, "table": [1]}, "A table is the path of a CSV file or a DataFrame, not"),
        ({"local": True, "table": FRAME.head(0)}, "DataFrame: has a header and no rows"),
        ({"local": True, "map": {"prompt": "text"}}, "map={'prompt': 'text'}: DataFrame has no"),
        ({"local": True, "id_col": "id"}, "`id_col` id: DataFrame has no column 'id'."),
        ({"local": True, "table": FRAME.assign(aspect="7:3")}, "2 of 2 rows have faults."),
        ({}, "step 'photo': flux-2-pro needs a key: set FAL_KEY"),
    ],
    ids=lambda one: None if isinstance(one, dict) else one[:24],
)
def test_a_mistake_is_one_line_in_words_of_python(home, options, said):
    line = refused(**options)
    assert line.startswith(said)
    assert "\n" not in line
    assert "--" not in line
    assert not home.folder.exists()


def test_a_mistake_in_one_input_names_the_keyword(home):
    with pytest.raises(RequestError, match="give prompt=VALUE"):
        run("product-photo", local=True)
    with pytest.raises(RequestError, match=r"no input 'promt'.* Did you mean 'prompt'"):
        run("product-photo", promt="a mug", local=True)
    with pytest.raises(SetupError, match="or add local=True"):
        run("product-photo", prompt="a mug")
