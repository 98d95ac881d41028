"""The summary as LaTeX: tables and figures with captions and labels, and a paper that compiles whatever labels say."""

from __future__ import annotations

import re
import shutil
import unicodedata
from pathlib import Path

import pytest

from reportgen.errors import RenderError
from reportgen.exports.latex_folder import DrawnOnce, latex_files
from reportgen.exports.pdf import weasyprint
from reportgen.outputs.citation import CitedNetwork, ReportCitation
from reportgen.outputs.latex.paper import PREAMBLE
from reportgen.outputs.latex.tables import table_tex
from reportgen.outputs.latex.text import slug_of, tex, tex_caption, tex_symbols
from reportgen.outputs.model import Column, Table, columns
from reportgen.pages.report import Report
from reportgen.records.finding import find_runs
from reportgen.summary.references import _is_plain
from tests.children import run

pytestmark = pytest.mark.slow

HOSTILE = (
    r"\input{/etc/passwd} \end{document} \write18{id} ^^41 ^^M",
    r"100% & $x_i^2$ #1 ~ {unclosed \\ [*] \verb|a|",
    "\"quoted\" `ticks` ''twice'' -- --- << >> ?` !` | < >",
    "naïve Ångström façade Łódź œuvre ß ñ ǅ ﬁ ệ ŷ",
    "日本語 клип مقطع 😀 𝔘 \u200b\u202e\ufeff\x00\x07\x1b[31m",
    "α–ω ⟨W, ∂y/∂W⟩ ‖w‖ 10⁻⁵ x₀ ≤ ≥ ± × ½ ∞ µ °",
    "a" * 300,
    "a_very.long/path_with-parts" * 12,
    "[like an option] *",
    "*a star",
    "a { b",
    "",
    " ",
)


@pytest.fixture(scope="module")
def files(sample_runs: Path) -> dict[str, bytes]:
    try:
        weasyprint()
    except RenderError as error:
        pytest.skip(str(error))
    return latex_files(Report.of(find_runs(sample_runs)), DrawnOnce(), "ab" * 32)


def compiled(folder: Path, passes: int = 1) -> str:
    """The log of a paper's last pass; fails where LaTeX stops."""
    if shutil.which("pdflatex") is None:
        pytest.skip("there is no LaTeX: apt-get install texlive-latex-recommended")
    for number in range(passes):
        command = ["pdflatex", "-no-shell-escape", "-interaction=nonstopmode", "-halt-on-error", "main"]
        done = run(command, cwd=folder, timeout=120)
        log = (folder / "main.log").read_text(encoding="latin-1")
        assert done.returncode == 0, log[-3000:]
        if number == 0 and (folder / "references.bib").is_file():
            assert run(["bibtex", "main"], cwd=folder, timeout=60).returncode == 0
    return log


def test_the_paper_compiles_with_all_that_it_names(files: dict[str, bytes], tmp_path: Path) -> None:
    for path, content in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(content)
    log = compiled(tmp_path, passes=3)
    assert (tmp_path / "main.pdf").stat().st_size > 100_000
    assert "undefined" not in log
    assert max([float(wide) for wide in re.findall(r"Overfull \\hbox \(([\d.]+)pt", log)], default=0) < 12


def test_every_table_and_figure_has_a_caption_and_a_label_of_its_own(files: dict[str, bytes]) -> None:
    fragments = {
        path: content.decode() for path, content in files.items() if re.match(r"(tables|figures)/.*\.tex", path)
    }
    assert len(fragments) > 12
    labels = [label for text in fragments.values() for label in re.findall(r"\\label\{([^}]*)\}", text)]
    assert len(labels) == len(set(labels)) == len(fragments)
    main = files["main.tex"].decode()
    for path, text in fragments.items():
        assert "\\caption{" in text
        assert ("\\toprule" in text and "\\bottomrule" in text) or "\\includegraphics" in text
        assert f"\\input{{{path.removesuffix('.tex')}}}" in main
        for shown in re.findall(r"(?:\\includegraphics\[[^]]*\]|\\reportpicture\{[\d.]+\})\{([^}]*)\}", text):
            assert files[shown].startswith((b"%PDF", b"\x89PNG"))


def test_what_is_seen_of_a_finding_is_a_figure(files: dict[str, bytes]) -> None:
    """The findings of the PDF have pictures; here each is a fragment of its own, with caption and label."""
    found = [path for path in files if re.fullmatch(r"figures/.*\.tex", path) and b".png" in files[path]]
    assert found
    main = files["main.tex"].decode()
    for path in found:
        heading = main[: main.index(f"\\input{{{path.removesuffix('.tex')}}}")].rpartition("\\paragraph{")[2]
        assert slug_of(heading.partition(" (")[0]) in path


def test_references_name_the_report_the_networks_and_the_methods(files: dict[str, bytes]) -> None:
    text = files["references.bib"].decode()
    assert "ab" * 32 in text
    assert {"network-drift", "li2025feature", "stergiou2019class"} <= set(re.findall(r"@\w+\{([^,]*),", text))


def test_hostile_text_compiles_and_runs_no_command(tmp_path: Path) -> None:
    rows = tuple((text, len(text), text) for text in HOSTILE)
    table = Table(
        "hostile", HOSTILE[1], columns(HOSTILE[0], Column("Letters", "count", "%"), HOSTILE[4]), rows, HOSTILE[2]
    )
    body = "".join(f"\\section{{{tex(text)}}}{tex_symbols(text)}\n\n" for text in HOSTILE)
    paper = (
        f"\\documentclass{{article}}\n{PREAMBLE}\\begin{{document}}\n{table_tex(table, 'tab:a')}{body}\\end{{document}}"
    )
    (tmp_path / "main.tex").write_text(paper, encoding="utf-8")
    log = compiled(tmp_path)
    assert "(/etc/passwd" not in log
    assert "Missing character" not in log


@pytest.mark.parametrize("text", HOSTILE)
def test_text_is_ascii_whose_braces_close(text: str) -> None:
    found = tex(text)
    assert found.isascii()
    bare = re.sub(r"\\[{}]", "", found)
    assert bare.count("{") == bare.count("}")
    assert not re.search(
        r"(?<!\\)[%&#$_^](?!\{)", re.sub(r"\\ensuremath\{.*?\}\}?|\\[\"'`^~=.]\{|\\reportchar", "", found)
    )


def test_a_caption_of_any_length_compiles(tmp_path: Path) -> None:
    found = "".join(
        table_tex(Table(f"t{n}", sign * 6000, columns("a"), ((1,),) * n), f"tab:{n}")
        for n, sign in ((1, "\U0001f600"), (60, "w "))
    )
    paper = f"\\documentclass{{article}}\n{PREAMBLE}\\begin{{document}}\n{found}\\end{{document}}"
    (tmp_path / "main.tex").write_text(paper, encoding="utf-8")
    compiled(tmp_path)
    assert tex_caption("a caption") == tex("a caption")


def test_a_brace_in_a_title_ends_no_entry_of_bibtex(tmp_path: Path) -> None:
    if shutil.which("bibtex") is None:
        pytest.skip("there is no LaTeX: apt-get install texlive-latex-recommended")
    cited = ReportCitation(
        "a { b \\{ c \\ }", "2026-01-02", None, [CitedNetwork("net } {{", "ab" * 32, untrained=False)]
    )
    (tmp_path / "references.bib").write_text(f"{cited.bibtex}\n\n@misc{{after,\n  title = {{After}}\n}}\n")
    (tmp_path / "main.aux").write_text("\\citation{*}\n\\bibdata{references}\n\\bibstyle{plain}\n")
    done = run(["bibtex", "main"], cwd=tmp_path, timeout=60)
    assert done.returncode == 0, done.stdout
    assert (tmp_path / "main.bbl").read_text().count("\\bibitem") == 2


def test_signs_are_set_as_they_are_written() -> None:
    assert tex("--device 'a' 50% a_b") == r"-{}-device 'a' 50\% a\_\allowbreak{}b"
    assert tex("é ï å") == r"\'{e} \"{\i} \aa{}"
    assert tex("日") == r"\reportchar{65E5}"
    assert tex_symbols("cos *w* = 1") == r"cos \textit{w} = 1"
    assert slug_of("Plain <b>&</b>") == "plain-b-b"
    assert unicodedata.name("日").endswith("65E5")


@pytest.mark.parametrize(
    "entry",
    [
        "@misc{a,\n title = {\\input{/etc/passwd}}\n}",
        "@misc{a,\n t = {b}\n}\n@misc{c,\n d = {e}\n}",
        "@misc{a,\n t = {b}}}\n}",
        "@misc{a,\n t = {b \\{ c}\n}",
    ],
)
def test_a_card_brings_no_command_into_the_references(entry: str) -> None:
    assert not _is_plain(entry)
    assert _is_plain('@misc{a,\n author = {M{\\"u}ller, J.},\n title = {{3D} Networks}\n}')
