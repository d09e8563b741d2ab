"""Templates: data that is checked when it is loaded and never interprets what it is given."""

from __future__ import annotations

import pytest

from popi_sdk.errors import ConfigError
from popi_sdk.templates import RENDER_VERSION, default_templates, load_templates

HOSTILE = "{{ 7 * 7 }} {% raw %} {# x #} ${x} {cycler.__init__.__globals__}"


def test_the_shipped_templates_pass_their_own_check() -> None:
    shipped = default_templates()
    assert load_templates(None) is shipped
    assert shipped.version == RENDER_VERSION
    copy = {"generation.system": shipped.generation_system + "{# the same but for a comment #}"}
    assert load_templates(copy).render("generation_system", clauses=["x"]) == shipped.render(
        "generation_system", clauses=["x"]
    )


def test_values_are_inserted_and_never_interpreted() -> None:
    assert HOSTILE in default_templates().render("generation_system", clauses=[HOSTILE])
    assert HOSTILE in default_templates().render("generation_user", prompt=HOSTILE, preferences="")


def test_own_templates_carry_their_own_version() -> None:
    own = load_templates({"generation.system": "<a>\n{% for c in clauses %}{{ c }}\n{% endfor %}</a>"})
    assert own.version.startswith(f"{RENDER_VERSION}+")
    assert own.borders == ("<a>", "</a>")
    assert own.inference_user == default_templates().inference_user


def test_a_folder_may_hold_some_of_the_four(tmp_path) -> None:
    (tmp_path / "inference.system.j2").write_text("Summarize in {{ max_tokens }} tokens.")
    assert load_templates(tmp_path).render("inference_system", max_tokens=9) == "Summarize in 9 tokens."


def test_the_same_texts_have_the_same_version(tmp_path) -> None:
    (tmp_path / "inference.system.j2").write_text("Summarize.")
    assert load_templates(tmp_path).version == load_templates({"inference.system": "Summarize."}).version


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ({"generation.system": "<a>\n{{ clauses"}, "cannot be rendered"),
        ({"generation.system": "<a>\n{{ clause }}\n</a>"}, "'clause' is undefined"),
        ({"generation.system": "<a>\nnothing\n</a>"}, "does not show SAMPLE-CLAUSE"),
        ({"generation.system": "{% for c in clauses %}{{ c }}\n{% endfor %}"}, "no borders"),
        ({"generation.user": "{{ prompt }}"}, "does not show SAMPLE-BLOCK"),
        ({"inference.user": "{{ previous }}"}, "does not show SAMPLE-SIGNAL"),
        ({"inference.user": "{{ signals.__class__.__mro__ }}"}, "cannot be rendered"),
        ({"generation": "x"}, "`generation` is not a template"),
        ({"generation.system": 7}, "is not a template text"),
        ("absent-folder", "no folder"),
    ],
)
def test_a_template_that_cannot_serve_is_refused_on_load(source, said) -> None:
    with pytest.raises(ConfigError, match="templates") as refused:
        load_templates(source)
    assert said in str(refused.value)


def test_a_folder_with_a_strange_file_is_refused(tmp_path) -> None:
    with pytest.raises(ConfigError, match="holds no template"):
        load_templates(tmp_path)
    (tmp_path / "generate.j2").write_text("x")
    with pytest.raises(ConfigError, match=r"generate\.j2"):
        load_templates(tmp_path)
