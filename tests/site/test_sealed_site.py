"""Every site that is rendered is sealed: its root digest stands on its pages, and its sums are those of its files."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest

from reportgen.commands.export import export
from reportgen.commands.render import render
from reportgen.progress import SILENT
from reportgen.records.owned import STAMP, OwnedFolder
from reportgen.records.root_digest import ROOT_FILE, SUMS, UNSEALED, read_root


def sums_of(site: Path) -> dict[str, str]:
    return {path: found for found, path in (line.split("  ") for line in (site / SUMS).read_text().splitlines())}


def test_the_root_digest_stands_on_the_pages_and_the_sums_are_of_all_files(sample_site: Path) -> None:
    root = read_root(sample_site)
    assert root is not None
    front = (sample_site / "index.html").read_text()
    cite = front[front.index('id="cite"') :]
    assert len(re.findall(root, cite)) == 3, "in the text, in BibTeX and in what its button copies"
    assert all(root in page.read_text() for page in sample_site.rglob("provenance.html"))
    assert not [page for page in sample_site.rglob("*.html") if UNSEALED in page.read_text()]
    sums = sums_of(sample_site)
    assert set(sums) == set(OwnedFolder(sample_site).files) - {SUMS}
    assert all(hashlib.sha256((sample_site / path).read_bytes()).hexdigest() == found for path, found in sums.items())


@pytest.mark.long
def test_two_renders_of_the_same_runs_have_one_digest_and_files_of_others_have_no_part(
    sample_runs: Path, sample_site: Path, tmp_path: Path
) -> None:
    site = tmp_path / "elsewhere" / "pages"
    render(sample_runs, site, build_dir=tmp_path / "build")
    assert read_root(site) == read_root(sample_site)
    (site / "mine.txt").write_text("mine")
    stamp = (site / STAMP).read_bytes()
    render(sample_runs, site, build_dir=tmp_path / "build")
    assert (site / STAMP).read_bytes() == stamp, "nothing has changed"
    render(sample_runs, site, arrows=True, build_dir=tmp_path / "build")
    assert read_root(site) != read_root(sample_site)
    assert "mine.txt" not in sums_of(site)
    assert ROOT_FILE in OwnedFolder(site).files


@pytest.mark.long
def test_an_export_prints_the_root_digest_of_what_leaves(
    sample_runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from reportgen.exports.base import ExportRequest
    from reportgen.exports.registry import FORMS

    class Less:
        name, suffix, summary = "less", ".txt", "a report with less in it"

        def write(self, request: ExportRequest, target: Path) -> None:
            (request.site / "methods.html").unlink()
            target.write_text(request.seal(request.site))

    notes: list[str] = []
    monkeypatch.setitem(FORMS, "less", Less())
    monkeypatch.setattr(type(SILENT), "note", lambda _, text: notes.append(text))
    written = export(sample_runs, "less", to=tmp_path / "less.txt").read_text()
    assert [note for note in notes if "Root digest" in note] == [f"Root digest of the report: {written}"]
