"""Compiled templates are used again where their text is the same, and made anew where anything else is."""

from __future__ import annotations

from pathlib import Path

import jinja2
import pytest

from reportgen.pages.compiled import CompiledTemplates
from reportgen.pages.page import Page
from reportgen.pages.templating import Templates

PAGE = Page("a.md", "t", "page.md.j2", {"name": "<b>"})


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The templates that were compiled since."""
    found: list[str] = []
    own = jinja2.Environment.compile

    def noted(self: jinja2.Environment, source: str, name: str, *others: object, **more: object) -> object:
        found.append(name)
        return own(self, source, name, *others, **more)  # type: ignore[call-overload]

    monkeypatch.setattr(jinja2.Environment, "compile", noted)
    monkeypatch.setattr(CompiledTemplates, "_of_this_process", {})
    return found


def rendered(folder: Path, kept: CompiledTemplates, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the page as another process renders it, that knows what is kept."""
    monkeypatch.setattr(CompiledTemplates, "_of_this_process", {})
    return Templates(folder, kept).render(PAGE)


def test_a_template_is_compiled_once_for_all_renders(
    tmp_path: Path, compiled: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "page.md.j2").write_text("# {{ name }}", "utf-8")
    first = CompiledTemplates()
    text = rendered(tmp_path, first, monkeypatch)
    assert compiled == ["page.md.j2"]
    again = CompiledTemplates(first.kept)
    assert rendered(tmp_path, again, monkeypatch) == text
    assert compiled == ["page.md.j2"]
    assert again.kept == first.kept
    Templates(tmp_path).render(PAGE)
    Templates(tmp_path).render(PAGE)
    assert compiled == ["page.md.j2"] * 2, "once for a process that knows nothing"


@pytest.mark.parametrize("harm", ["text", "base64", "code"])
def test_what_is_not_of_this_text_is_compiled_anew(
    tmp_path: Path, compiled: list[str], monkeypatch: pytest.MonkeyPatch, harm: str
) -> None:
    path = tmp_path / "page.md.j2"
    path.write_text("# {{ name }}", "utf-8")
    first = CompiledTemplates()
    rendered(tmp_path, first, monkeypatch)
    known = dict(first.kept)
    if harm == "text":
        path.write_text("# {{ name }} again", "utf-8")
    else:
        known = dict.fromkeys(known, "!" if harm == "base64" else "AAAA")
    again = CompiledTemplates(known)
    text = rendered(tmp_path, again, monkeypatch)
    assert ("again" in text) is (harm == "text")
    assert compiled == ["page.md.j2"] * 2
    assert again.kept.keys() == first.kept.keys()
    assert again.kept != known
