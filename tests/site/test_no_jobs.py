"""A run that was planned to do nothing: nothing failed, and nothing was shown to be right."""

from __future__ import annotations

from pathlib import Path

import pytest
from quick_site import quick_mkdocs

from reportgen.commands.check import check, require
from reportgen.commands.export import export
from reportgen.errors import CheckError
from reportgen.pages.report import Report
from reportgen.records.store import Store
from reportgen.summary.document import summary_of


@pytest.fixture
def empty(sample_runs: Path, tmp_path: Path) -> Path:
    """A finished run of no jobs: a header alone."""
    run = Store(sample_runs / "drift").read_run()
    own = Store(tmp_path / "runs/drift")
    own.write_run(run.model_copy(update={"plan": (), "clips": ()}))
    return own.folder


def test_that_none_of_no_jobs_failed_is_no_pass(empty: Path) -> None:
    audits = check(empty)
    verdict = next(one for one in audits[0].verdicts if one.name == "Jobs that failed")
    assert (verdict.state, verdict.figure) == ("untested", "0 of 0")
    assert "pass" not in {one.state for one in audits[0].verdicts if one.name != "Trained weights"}
    require(audits)
    with pytest.raises(CheckError, match="Jobs that failed: not tested"):
        require(audits, strict=True)


def test_it_is_exported_in_each_form_that_has_something(
    empty: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reportgen.site.begun_mkdocs", quick_mkdocs)
    for form in ("zip", "html", "csv"):
        place = export(empty, form, to=tmp_path / f"report.{form}")
        assert place.is_file() or any(place.rglob("*.csv"))
    told = summary_of(Report.of([Store(empty)]), "ab" * 32)
    assert "Jobs that failed" in str(told)
