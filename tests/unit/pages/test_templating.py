"""Whatever a thing is called, a page shows it as such and does nothing else with it."""

from __future__ import annotations

import json
import re
from html import unescape
from pathlib import Path

import markdown
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from reportgen.bidi import without_bidi
from reportgen.outputs.site.text import anchor, inert, prose, script_json
from reportgen.pages.page import Page
from reportgen.pages.templating import Templates

NASTY = "<script>alert(1)</script> | *a* _b_ [c](d) ![e](f) `g` {{ 7*7 }} {% x %} # h & ' \" {: #id } ~~s~~ \\ --- 1."


@given(st.text(alphabet=st.characters(exclude_categories=["Cc", "Cs"])))
def test_inert_text_reads_back_as_it_was(text: str) -> None:
    assert unescape(str(inert(text))) == without_bidi(text)
    assert not set("<>&\"'`*_[]{}|#!\\~") & set(re.sub(r"&#\d+;", "", str(inert(text))))


@pytest.mark.parametrize("around", ["# {}", "Some {} words", "* {}", '<p title="{}">{}</p>', "| {} |"])
def test_markdown_and_html_see_only_text(around: str) -> None:
    html = markdown.markdown(around.replace("{}", str(inert(NASTY))), extensions=["attr_list", "tables", "toc"])
    for tag in ("<script", "<em", "<strong", "<a ", "<img", "<code", "<del"):
        assert tag not in html
    assert NASTY in unescape(html)


def test_prose_shows_code_between_backticks_and_nothing_else() -> None:
    assert unescape(str(prose("takes `frames`, not <b>"))) == "takes <code>frames</code>, not <b>"
    assert "<b>" not in str(prose("`<b>` and <b>"))
    assert unescape(str(prose(NASTY.replace("`g`", "`")))) == NASTY.replace("`g`", "`")


@given(st.text(alphabet=st.characters(exclude_categories=["Cc", "Cs"])))
def test_prose_loses_no_sign(text: str) -> None:
    html = re.sub(r"</?code>", "`", str(prose(text)))
    assert unescape(html) == without_bidi(text)
    assert not set("<>`*_[]{}|!\\~") & set(re.sub(r"&#\d+;", "", html.replace("`", "")))


def test_templates_escape_every_value_but_markup(tmp_path: Path) -> None:
    (tmp_path / "page.md.j2").write_text("# {{ name }}\n\n{{ safe }} {{ number }}\n", encoding="utf-8")
    page = Page("a/b.md", NASTY, "page.md.j2", {"name": NASTY, "safe": Markup("<b>x</b>"), "number": 3})
    text = Templates(tmp_path).render(page)
    front, body = text.split("\n---\n\n")
    assert "<script" not in text
    assert "<b>x</b> 3" in body
    assert unescape(yaml.safe_load(front)["title"]) == NASTY


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_the_front_matter_is_yaml_whatever_a_page_is_called(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    """JSON with U+007F or U+009B is no YAML: mkdocs then reads the front matter as Markdown of the page."""
    folder = tmp_path_factory.getbasetemp()
    (folder / "bare.md.j2").write_text("x", encoding="utf-8")
    written = Templates(folder).render(Page("a.md", f"\x7f\x9b\u2028---\n{text}", "bare.md.j2", {}))
    _, front, body = re.split(r"^---\n", written, flags=re.MULTILINE)
    assert unescape(yaml.safe_load(front)["title"]) == without_bidi(f"\x7f\x9b\u2028---\n{text}")
    assert body.strip() == "x"


def test_links_are_relative_and_encoded(tmp_path: Path) -> None:
    (tmp_path / "page.md.j2").write_text("{{ href('a/c d.md#x') }} {{ href('index.md') }}", encoding="utf-8")
    assert "c%20d.html#x ../index.html" in Templates(tmp_path).render(Page("a/b.md", "t", "page.md.j2", {}))


def test_a_name_that_a_template_forgot_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "page.md.j2").write_text("{{ nothing }}", encoding="utf-8")
    with pytest.raises(Exception, match="'nothing' is undefined"):
        Templates(tmp_path).render(Page("a.md", "t", "page.md.j2", {}))


@given(st.text())
def test_script_data_cannot_end_its_script_and_reads_back(text: str) -> None:
    written = script_json({"name": text})
    assert not set(written) & set("<>&\u2028\u2029")
    assert json.loads(written) == {"name": without_bidi(text)}


def test_script_data_has_no_number_that_scripts_cannot_read() -> None:
    with pytest.raises(ValueError, match="JSON"):
        script_json(float("nan"))


@pytest.mark.parametrize(("name", "identity"), [("texture_motion", "texture-motion"), ("a.b", "a-b"), ("<>", "part")])
def test_headings_have_ids_that_markdown_leaves_alone(name: str, identity: str) -> None:
    assert anchor(name) == identity
    assert f'id="{identity}"' in markdown.markdown(f"# x {{ #{anchor(name)} }}", extensions=["attr_list", "toc"])
