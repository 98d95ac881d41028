"""The summary as PDF: a few whole pages of real text, pictures told in words, and nothing of the machine."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader

import reportgen
from reportgen.audit.checks import checks
from reportgen.commands.export import export
from reportgen.errors import OptionError, RenderError
from reportgen.exports.pdf import printed_html, weasyprint
from reportgen.outputs.paper.write import summary_html
from reportgen.pages.report import Report
from reportgen.records.finding import find_runs
from reportgen.resources import templates_folder
from reportgen.summary.document import summary_of
from tests.children import run_python

pytestmark = pytest.mark.slow

try:
    weasyprint()
except RenderError as error:
    pytest.skip(str(error), allow_module_level=True)

ROOT = "0123456789abcdef" * 4


@pytest.fixture(scope="module")
def pdf(sample_runs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The summary of the sample, whose labels are hostile."""
    document = summary_of(Report.of(find_runs(sample_runs)), ROOT)
    path = tmp_path_factory.mktemp("pdf") / "report.pdf"
    path.write_bytes(
        printed_html(weasyprint(), summary_html(document, lambda address: f"https://example.org/{address}"))
    )
    return path


@pytest.fixture(scope="module")
def texts(pdf: Path) -> list[str]:
    """The text of each page, without spaces."""
    return ["".join(page.extract_text().split()) for page in PdfReader(pdf).pages]


def test_it_has_a_few_pages_and_none_is_blank(texts: list[str]) -> None:
    assert 4 <= len(texts) <= 12
    assert min(map(len, texts)) > 300


def test_its_text_is_text(texts: list[str], sample_runs: Path) -> None:
    text = "".join(texts)
    report = Report.of(find_runs(sample_runs))
    assert ROOT in text
    for model in report.models:
        assert model.run.weights.sha256 in text
        assert all(row.name.replace(" ", "") in text for row in checks(model))


def test_bookmarks_lead_to_its_sections(pdf: Path) -> None:
    titles = []

    def walk(items: list[Any]) -> None:
        for item in items:
            walk(item) if isinstance(item, list) else titles.append(item.title)

    walk(PdfReader(pdf).outline)
    assert [titles[0], *titles[-5:-3], titles[-1]] == ["Networks", "Methods", "Provenance", "Cite this report"]
    assert {"Drift", "Plain <b>&</b> untrained", "Findings", "Audit", "Stage by stage", "Class pyramids"} <= set(titles)


def structure(element: Any) -> Iterator[Any]:
    """Yield the elements of a PDF's structure."""
    element = element.get_object()
    if isinstance(element, list):
        for one in element:
            yield from structure(one)
    elif isinstance(element, dict):
        yield element
        if "/K" in element and element.get("/Type") != "/MCR":
            yield from structure(element["/K"])


def test_every_picture_is_told_in_words(pdf: Path) -> None:
    reader = PdfReader(pdf)
    assert reader.trailer["/Root"]["/Lang"] == "en"
    figures = [one for one in structure(reader.trailer["/Root"]["/StructTreeRoot"]) if one.get("/S") == "/Figure"]
    assert len(figures) > 20
    assert all(str(figure.get("/Alt", "")).strip() for figure in figures)


def test_all_fonts_are_in_it(pdf: Path) -> None:
    fonts = [
        font.get_object()
        for page in PdfReader(pdf).pages
        for font in page["/Resources"].get("/Font", {}).get_object().values()
    ]
    assert fonts
    for font in fonts:
        descriptor = font["/DescendantFonts"][0]["/FontDescriptor"]
        assert {"/FontFile", "/FontFile2", "/FontFile3"} & set(descriptor)


def test_it_holds_nothing_of_the_machine(pdf: Path, sample_runs: Path) -> None:
    reader = PdfReader(pdf)
    assert set(reader.metadata or {}) <= {"/Title", "/Subject", "/Creator", "/Producer"}
    content = pdf.read_bytes() + reader.trailer["/Root"]["/Metadata"].get_object().get_data()
    for word in (str(sample_runs), str(Path.home()), str(Path.cwd()), f"/{getpass.getuser()}/", "D:20"):
        assert word.encode() not in content


@pytest.mark.long
def test_the_same_report_gives_the_same_bytes(sample_runs: Path, tmp_path: Path) -> None:
    first = export(sample_runs, "pdf", to=tmp_path / "first.pdf")
    second = export(sample_runs, "pdf", to=tmp_path / "second.pdf")
    assert first.read_bytes() == second.read_bytes()


def test_without_weasyprint_it_is_said_what_to_install(
    sample_runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "weasyprint", None)
    with pytest.raises(RenderError, match=r"pip install 'reportgen-conv3d\[pdf\]'.*work without"):
        export(sample_runs, "pdf", to=tmp_path / "out.pdf")
    assert not list(tmp_path.iterdir())


def test_pictures_are_read_as_strictly_as_before() -> None:
    """WeasyPrint tells Pillow to take half an image for a whole one: clips of the same process would be misread."""
    code = "from PIL import ImageFile; from reportgen.exports.pdf import weasyprint; weasyprint()"
    done = run_python(f"{code}; assert not ImageFile.LOAD_TRUNCATED_IMAGES")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("published", ["name.github.io/report", "file:///etc", "https://", "https://x.org/?a=b"])
def test_an_address_that_is_none_is_refused(sample_runs: Path, tmp_path: Path, published: str) -> None:
    with pytest.raises(OptionError, match="no address of a site"):
        export(sample_runs, "pdf", to=tmp_path / "out.pdf", published=published)


def test_every_sign_of_reportgens_own_sentences_has_a_font_that_travels_with_it() -> None:
    """The fonts of a machine play no part: elsewhere their letters would be others, or boxes."""
    from fontTools.ttLib import TTFont

    fonts = templates_folder() / "paper" / "fonts"
    known = {code for path in fonts.glob("*-400-normal.woff2") for code in TTFont(path).getBestCmap()}
    code = Path(reportgen.__file__).parent
    rooms = (code / "audit", code / "pages", code / "reading", code / "summary", code / "outputs" / "paper")
    signs = {sign for room in rooms for path in room.rglob("*.py") for sign in path.read_text(encoding="utf-8")}
    assert not {sign for sign in signs if sign.isprintable() and ord(sign) not in known}
