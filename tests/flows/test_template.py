import json

import pytest
from pydantic import ValidationError

from flows.graph import template_digest
from flows.load import SHIPPED, read_template
from flows.template import Fit, Input, Step, Template, template_schema
from providers.kinds import PortType


def built_in_python() -> Template:
    return Template(
        name="product-photo",
        version=1,
        about="Photograph a product from a description and cut it out.",
        inputs={
            "prompt": Input(type="text", about="What to photograph"),
            "aspect": Input(
                type="choice",
                options=("1:1", "4:5", "16:9"),
                default="1:1",
                about="Width to height of the picture",
            ),
        },
        steps={
            "photo": Step(
                model="flux-2-pro",
                with_={"prompt": "$prompt", "aspect_ratio": "$aspect"},
                fallback=("recraft-v4",),
            ),
            "cutout": Step(model="birefnet", with_={"image": "$photo"}, fallback=("bria-rmbg-2",)),
        },
        outputs={"photo": "$photo", "cutout": "$cutout"},
    )


def test_a_template_built_in_python_equals_the_one_loaded_from_yaml() -> None:
    text = (SHIPPED / "product-photo.yaml").read_text(encoding="utf-8")
    loaded = read_template(text, "product-photo.yaml")
    assert loaded == built_in_python()
    assert template_digest(loaded) == template_digest(built_in_python())


def test_a_template_is_frozen() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        built_in_python().version = 2


def test_an_input_is_required_unless_it_has_a_default_and_null_counts_as_one() -> None:
    assert Input(type="text").required
    assert not Input(type="text", default="a").required
    assert not Input(type="text", default=None).required
    assert Input(type="text") != Input(type="text", default=None)
    assert Input.model_validate(Input(type="text").model_dump()) == Input(type="text")


def test_a_list_type_is_a_port_type() -> None:
    assert Input(type="list[image]").port_type == PortType("image", is_list=True)
    assert Input(type="choice", options=("a",)).port_type == PortType("choice")


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"type": "pitcure"}, "there is no type 'pitcure'"),
        ({"type": "lsit[text]"}, "there is no type"),
        ({"type": "choice"}, "options and type choice go together"),
        ({"type": "text", "options": ["a"]}, "options and type choice go together"),
        ({"type": "choice", "options": [True, False]}, "options"),
        ({"type": "text", "minimum": 1}, "minimum and maximum belong to numbers"),
        ({"type": "text", "max": 3}, "max belongs to a list"),
        ({"type": "integer", "default": 1.5}, "default 1.5 is not an integer"),
        ({"type": "integer", "maximum": 4, "default": 9}, "default 9 is above 4"),
        ({"type": "number", "default": float("nan")}, "not a finite number"),
        ({"type": "image", "default": "a.png"}, "a media input has no default but null"),
        ({"type": "list[text]", "default": "a"}, "is not a list"),
        ({"type": "list[text]", "default": ["a", 1]}, "is not a text"),
        ({"type": "list[text]", "max": 1, "default": ["a", "b"]}, "more than 1 items"),
        ({"type": "text", "default": "a", "required": True}, "leave one of them out"),
        ({"type": "text", "nmae": "a"}, "nmae"),
    ],
)
def test_an_input_whose_parts_do_not_fit_is_refused(given: dict, problem: str) -> None:
    with pytest.raises(ValidationError) as raised:
        Input.model_validate(given)
    assert problem in str(raised.value)


@pytest.mark.parametrize("name", ["class", "return_state", "wait_for", "options", "A", "1a", "a-b"])
def test_a_name_that_a_flow_form_cannot_bear_is_refused(name: str) -> None:
    with pytest.raises(ValidationError, match=name):
        Template(name="a", version=1, about="", steps={name: Step(model="m")}, outputs={"a": "$a"})


def test_a_step_takes_one_word_or_a_list_where_words_are_asked_for() -> None:
    one = Step.model_validate({"model": "m", "provider": "fal", "fallback": "n"})
    assert one == Step(model="m", provider=("fal",), fallback=("n",))


@pytest.mark.parametrize(
    "given",
    [
        {"max": 3},
        {"allow": "seed"},
        {"checks": "size"},
        {"checks": [3]},
        {"fit": {"mode": "stretch"}},
        {"take": 0},
        {"on_error": "ignore"},
        {"retries": 3},
    ],
)
def test_a_step_with_a_modifier_of_the_wrong_form_is_refused(given: dict) -> None:
    with pytest.raises(ValidationError):
        Step.model_validate({"model": "m", **given})


def test_the_modifiers_of_a_step_keep_their_form() -> None:
    step = Step.model_validate(
        {
            "model": "m",
            "allow": ["seed"],
            "checks": ["sharp", {"alpha": True}],
            "fit": {"mode": "crop", "colour": "white", "text": "cut"},
        }
    )
    assert step.allow == ("seed",)
    assert step.checks == ("sharp", {"alpha": True})
    assert step.fit == Fit(mode="crop", colour="white", text="cut")


def test_the_schema_for_editors_speaks_the_names_of_the_file() -> None:
    schema = json.loads(json.dumps(template_schema()))
    assert set(schema["properties"]) == {"name", "version", "about", "inputs", "steps", "outputs"}
    assert "with" in schema["$defs"]["Step"]["properties"]
    assert "list[image]" in schema["$defs"]["Input"]["properties"]["type"]["enum"]
    assert not schema["additionalProperties"]
