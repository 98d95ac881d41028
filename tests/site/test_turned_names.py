"""A title, label or layer that turns the writing round: every text for readers shows the control by its number."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import sample_run
import yaml
from quick_site import quick_mkdocs

from reportgen.bidi import BIDI_CONTROLS, without_bidi
from reportgen.cli.tables import table
from reportgen.commands.render import render
from reportgen.errors import OptionError
from reportgen.outputs.latex.paper import LatexFolder
from reportgen.outputs.paper.write import summary_html
from reportgen.pages.report import Report
from reportgen.records.card import ModelCard
from reportgen.records.finding import find_runs
from reportgen.records.manifest import ClipFacts
from reportgen.summary.document import summary_of
from reportgen.summary.references import bibliography

TURNED = "a \u202efdp.exe\u202c \u2066b\u2069 \u200fc\u061c"
SHOWN = "a [U+202E]fdp.exe[U+202C] [U+2066]b[U+2069] [U+200F]c[U+061C]"


class Turned(sample_run.SampleRun):
    """A run whose names turn the writing round."""

    kernels = 5
    labels = ("still", TURNED, "left", "right")

    def _card(self) -> ModelCard:
        return super()._card().model_copy(update={"title": TURNED, "summary": TURNED, "citation": TURNED})

    def _clips(self) -> Iterator[ClipFacts]:
        yield from (clip.model_copy(update={"title": TURNED, "source": TURNED}) for clip in super()._clips())


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("turned") / "runs"
    layer = f"s4.{TURNED}"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sample_run, "LAYERS", (*sample_run.LAYERS[:3], layer))
        patch.setattr(sample_run, "HOSTILE_LAYER", layer)
        Turned(folder / "net", "net", TURNED, seed=0).write()
        yield folder


def obeyed(text: str) -> str:
    """What of a text would turn the writing round, as HTML or as it is; empty where nothing does."""
    found = re.search(f".{{0,30}}[{BIDI_CONTROLS}].{{0,30}}", html.unescape(text))
    return found[0] if found else ""


@pytest.mark.long
def test_nothing_of_a_site_is_turned_round(runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reportgen.site.begun_mkdocs", quick_mkdocs)
    render(runs, tmp_path / "site", build_dir=tmp_path / "build")
    written = [*(tmp_path / "build").rglob("*"), *(tmp_path / "site").glob("*.*"), *(tmp_path / "site").rglob("*.md")]
    texts = [path for path in written if path.suffix in (".md", ".yml", ".js", ".csv", ".cff", ".json", ".graphml")]
    records = re.compile(r"/(records|media)/|/run\.json$")  # what other programs read is as it was named
    shown = {path: path.read_text(encoding="utf-8") for path in texts if not records.search(path.as_posix())}
    assert {path: told for path, text in shown.items() if (told := obeyed(text))} == {}
    assert sum("[U+202E]" in html.unescape(text) for text in shown.values()) > 10
    citation = yaml.safe_load((tmp_path / "site/CITATION.cff").read_text(encoding="utf-8"))
    assert citation["title"] == f"What the kernels of {SHOWN} see"
    crate = json.loads((tmp_path / "site/ro-crate-metadata.json").read_text(encoding="utf-8"))
    assert SHOWN in [entity.get("name") for entity in crate["@graph"]]


@pytest.mark.long
def test_nothing_of_a_paper_is_turned_round(runs: Path) -> None:
    report = Report.of(find_runs(runs))
    document = summary_of(report, "ab" * 32)
    page = summary_html(document, lambda _: "")
    drawn: list[str] = []
    folder = LatexFolder(lambda one: drawn.append(one.svg) or b"", lambda _: b"", bibliography(report, "ab" * 32))
    fragments = [content.decode() for path, content in folder.write(document).items() if not path.endswith("png")]
    assert drawn
    assert [told for text in (page, *drawn, *fragments) if (told := obeyed(text))] == []
    assert "[U+202E]" in page
    assert "{[}U+202E{]}" in "".join(fragments)


def test_nothing_of_a_terminal_is_turned_round() -> None:
    assert str(OptionError(f"{TURNED}\nnext")) == f"{SHOWN} next"
    assert SHOWN in table(("layer",), [(TURNED,)])


def test_text_without_controls_is_the_same() -> None:
    for text in ("", "plain", "日本語 عربي עברית é \u200b\u200d"):
        assert without_bidi(text) == text
