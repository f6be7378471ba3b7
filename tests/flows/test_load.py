import subprocess
import sys
from pathlib import Path

import pytest

from flows.load import SHIPPED, load_template, load_text, template_names
from providers.errors import RequestError

TEXT = (SHIPPED / "product-photo.yaml").read_text(encoding="utf-8")


def problem_with(text: str) -> str:
    with pytest.raises(RequestError) as raised:
        load_text(text, "mine.yaml")
    message = str(raised.value)
    assert "\n" not in message
    return message


@pytest.mark.parametrize("name", [name for name, _ in template_names()])
def test_every_shipped_template_loads_by_name(name: str) -> None:
    assert load_template(name).name == name


def test_a_template_loads_by_path(tmp_path: Path) -> None:
    path = tmp_path / "other-name.yaml"
    path.write_text(TEXT, encoding="utf-8")
    assert load_template(path) == load_template("product-photo")
    assert load_template(str(path)).digest == load_template("product-photo").digest


def test_an_unknown_template_is_answered_with_the_nearest() -> None:
    with pytest.raises(RequestError, match=r"Did you mean .product-photo.\?"):
        load_template("prodct-photo")
    with pytest.raises(RequestError, match=r"no file nowhere/a\.yaml"):
        load_template("nowhere/a.yaml")


def test_a_missing_file_is_answered_with_the_nearest_beside_it(tmp_path: Path) -> None:
    (tmp_path / "mugs.yaml").write_text(TEXT, encoding="utf-8")
    with pytest.raises(RequestError, match=r"Did you mean .mugs\.yaml."):
        load_template(tmp_path / "mgs.yaml")


def test_a_projects_own_template_hides_the_shipped_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "product-photo.yaml").write_text(
        TEXT.replace("version: 1", "version: 7"), encoding="utf-8"
    )
    monkeypatch.setenv("MEDIAFLOWS_TEMPLATES", str(tmp_path))
    assert load_template("product-photo").template.version == 7
    assert dict(template_names())["product-photo"] == tmp_path / "product-photo.yaml"
    assert "cut-out" in dict(template_names())


def test_own_templates_lie_in_the_folder_templates(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MEDIAFLOWS_TEMPLATES", raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "mugs.yaml").write_text(
        TEXT.replace("name: product-photo", "name: mugs"), encoding="utf-8"
    )
    assert load_template("mugs").name == "mugs"


def test_a_file_found_by_name_bears_the_templates_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mugs.yaml").write_text(TEXT, encoding="utf-8")
    monkeypatch.setenv("MEDIAFLOWS_TEMPLATES", str(tmp_path))
    with pytest.raises(RequestError, match=r"mugs.yaml:1: .* is product-photo.yaml; rename"):
        load_template("mugs")


@pytest.mark.parametrize("content", [b"name: caf\xe9", None])
def test_a_file_that_cannot_be_read_is_a_request_error(
    content: bytes | None, tmp_path: Path
) -> None:
    path = tmp_path / "a.yaml"
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)
    with pytest.raises(RequestError, match=r"a\.yaml: (not UTF-8 at byte 9|cannot be read)"):
        load_template(path)


def test_what_is_not_yaml_is_named_with_its_line() -> None:
    assert problem_with("name: a\nsteps: [").startswith("mine.yaml:2: not valid YAML")
    assert problem_with("name: a\nname: b").startswith("mine.yaml:2: not valid YAML")


@pytest.mark.parametrize(
    ("text", "given"), [("- a\n", "a list"), ("", "is empty"), ("hello", "a str"), ("3", "a int")]
)
def test_what_is_not_a_mapping_is_told_what_a_template_is(text: str, given: str) -> None:
    message = problem_with(text)
    assert message.startswith("mine.yaml:1: a template is a mapping with name, version")
    assert given in message


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("about: Photo", "abuot: Photo", "mine.yaml:3: abuot: unknown key. Did you mean 'about'?"),
        (
            "model: birefnet",
            "modle: birefnet",
            "mine.yaml:13: step 'cutout': modle: unknown key. Did you mean 'model'?",
        ),
        (
            "type: text,",
            "type: text, defalt: a,",
            "mine.yaml:5: input 'prompt': defalt: unknown key. Did you mean 'default'?",
        ),
        (
            "fallback: [bria-rmbg-2]",
            "fit: {colr: red}",
            "mine.yaml:15: step 'cutout': fit.colr: unknown key. Did you mean 'colour'?",
        ),
        ("    model: birefnet\n", "", "mine.yaml:12: step 'cutout': 'model' is missing"),
        ("version: 1", "version: one", "mine.yaml:2: version: input should be a valid integer"),
        ("type: text", "type: txt", "input 'prompt': type: there is no type 'txt'. Did you mean"),
        ("fallback: [bria-rmbg-2]", "on_error: pass", "should be 'fail' or 'skip', not 'pass'"),
        ("aspect: {", "wait_for: {", "input 'wait_for': 'wait_for' is reserved by Prefect's form"),
        ("  cutout:\n", "  class:\n", "step 'class': 'class' is a word of Python"),
        ("{photo: $photo, cutout: $cutout}", "{}", "mine.yaml:16: outputs: has no entry"),
        ("name: product-photo", "name: Photo", "mine.yaml:1: name: 'Photo' is not a template name"),
    ],
)
def test_a_mistake_of_form_names_line_place_and_fix(old: str, new: str, message: str) -> None:
    assert old in TEXT
    assert message in problem_with(TEXT.replace(old, new))


def test_yaml_is_read_as_version_1_2() -> None:
    text = TEXT.replace('["1:1", "4:5", "16:9"], default: "1:1"', "[1:1, 16:9], default: 16:9")
    assert load_text(text, "mine.yaml").inputs["aspect"].default == "16:9"


def test_loading_a_template_imports_nothing_heavy() -> None:
    code = (
        "import sys, flows.load, flows.table; flows.load.load_template('product-photo');"
        "print([m for m in ('prefect', 'pandas', 'cv2', 'PIL', 'simpleeval') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"
