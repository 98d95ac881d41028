"""The page of weight gradients says which score orders the filters, what is missing, and if gradients are right."""

from __future__ import annotations

from pathlib import Path

import pytest
from sample_run import LAYERS
from test_concept_pages import words

from reportgen.audit.checks import checks
from reportgen.pages.report import Report
from reportgen.pages.weights import case_columns, clip_gradients, importance_rows, likeness_rows
from reportgen.records.jobs import Done
from reportgen.records.store import find_runs


@pytest.fixture(scope="module")
def page(sample_site: Path) -> Path:
    return sample_site / "drift" / "weights.html"


def test_the_page_says_which_score_orders_best_and_by_what(page: Path) -> None:
    text = words(page)
    assert "Of 3 scores, |⟨W, ∂y/∂W⟩| orders the filters best." in text
    assert "Area between its two curves 0.44 (95% interval 0.34 to 0.54), against 0.21 for the norm of the" in text
    assert "corrected by Holm: p 0.010 and 0.010" in text
    assert "20 random draws" in text
    assert "1% are 1, 5% are 2, 10% are 5, 25% are 12, 50% are 24" in text
    assert page.read_text(encoding="utf-8").count("rg-chart--removal") == 3


def test_the_page_says_what_the_comparison_lacks_and_that_gradients_are_right(page: Path) -> None:
    text = words(page)
    assert "a dissimilar class: no other class has a labelled clip" in text
    assert "75% are recognised" in text
    assert "The gradients are right: central differences in float64 differ from them by 2.0·10⁻⁹ at most." in text
    assert "cropped to its middle of 8×16×16 (frames, height, width) of 8×32×32" in text


def test_every_shown_layer_has_its_pictures_whatever_it_is_called(page: Path, sample_runs: Path) -> None:
    model = next(model for model in Report.of(find_runs(sample_runs)).models if model.name == "drift")
    record = next(one for one in model.manifest.of("weight_gradients") if one.job.unit == model.run.model)
    assert isinstance(record.outcome, Done)
    assert model.importance is not None
    assert model.importance.comparison is not None
    (one,) = importance_rows(model, record.outcome, model.importance)
    assert [row.filters for row in one.rows] == [16] * len(LAYERS)
    assert [leading.share for leading in one.rows[0].leading] == pytest.approx([1, 14 / 15, 13 / 15])
    (clip,) = clip_gradients(model)
    assert len(clip.pictures) == len(LAYERS)
    assert [file.label for file in clip.files] == ["gradients · NPZ"]
    assert [column.role for column in case_columns(model, model.importance.comparison)] == [
        "Reference, correct",
        "Reference, wrong",
        "Similar, correct",
    ]
    assert {tuple(row.values) for row in likeness_rows(model, model.importance.comparison)} == {((0.6, 0.5),) * 2}
    assert 'href="stem.conv/0007.html"' in page.read_text(encoding="utf-8")


def test_a_network_that_was_not_asked_has_the_reason_and_no_verdict(sample_site: Path, sample_runs: Path) -> None:
    assert "this network has no classes" in words(sample_site / "plain_net" / "weights.html")
    asked, other = Report.of(find_runs(sample_runs)).models
    names = {"Weight gradients agree with differences (worst layer)", "A score tells which filters matter"}
    assert {row.name: row.state for row in checks(asked) if row.name in names} == dict.fromkeys(names, "pass")
    assert not names & {row.name for row in checks(other)}
