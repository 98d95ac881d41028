"""The page of weight gradients says which score orders the filters, what is missing, and if gradients are right."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sample_run import LAYERS
from test_concept_pages import words

from reportgen.audit.checks import checks
from reportgen.errors import StoreError
from reportgen.media import read_data
from reportgen.pages import weight_volumes
from reportgen.pages.report import Extras, Report
from reportgen.pages.weight_tables import compared_table, likeness_table
from reportgen.pages.weight_volumes import GradientVolumes, gradient_volumes
from reportgen.pages.weights import clip_gradients, importance_rows
from reportgen.records.finding import find_runs
from reportgen.records.jobs import Done
from reportgen.site_files import write_asset


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
    assert clip.files == [], "arrays stay in the run"
    assert [row[1] for row in compared_table(model, model.importance.comparison).rows] == [
        "Reference, correct",
        "Reference, wrong",
        "Similar, correct",
    ]
    assert {row[1:] for row in likeness_table(model, model.importance.comparison).rows} == {((0.6, 0.5),) * 2}
    assert 'href="stem.conv/0007.html"' in page.read_text(encoding="utf-8")


def test_a_site_with_all_media_carries_the_gradients(sample_runs: Path) -> None:
    models = Report.of(find_runs(sample_runs), extras=Extras(media=True)).models
    (clip,) = clip_gradients(next(model for model in models if model.name == "drift"))
    assert "gradients · NPZ" in [file.label for file in clip.files]


def test_the_script_of_the_volumes_holds_the_kept_gradients(sample_site: Path, sample_runs: Path) -> None:
    text = (sample_site / "drift" / "weights-volumes.js").read_text(encoding="utf-8")
    data = json.loads(text[text.index("]=") + 2 : text.rindex(";")])
    model = next(model for model in Report.of(find_runs(sample_runs)).models if model.name == "drift")
    ((record, shown),) = model.clip_gradients
    assert isinstance(record.outcome, Done)
    artifact = record.outcome.artifact("gradients", "data")
    assert artifact is not None
    arrays = read_data(model.store.path(artifact))
    assert [one["layer"] for one in data["volumes"]] == [model.stage_title(layer) for layer in LAYERS]
    for layer, one in zip(LAYERS, data["volumes"], strict=True):
        levels = np.frombuffer(base64.b64decode(one["levels"]), np.uint8).reshape(2, 3, *one["taps"])
        assert np.abs((levels.astype(float) - 128) / 127 * 2.0 - arrays[layer].clip(-2, 2)).max() <= 1 / 127
        assert one["scale"] == shown.layers[layer].scale == 2.0
    assert len(base64.b64decode(data["colours"])) == 256 * 3
    assert 'src="../assets/js/weights/main.js"' in (sample_site / "drift" / "weights.html").read_text(encoding="utf-8")


def volumes_with(sample_runs: Path, gradient: dict[str, Any]) -> GradientVolumes | None:
    """Return the volumes of a page whose first layer's answer says this."""
    model = next(model for model in Report.of(find_runs(sample_runs)).models if model.name == "drift")
    ((record, shown),) = model.clip_gradients
    layers = {**shown.layers, LAYERS[0]: shown.layers[LAYERS[0]].model_copy(update=gradient)}
    model.__dict__["clip_gradients"] = [(record, shown.model_copy(update={"layers": layers}))]
    return gradient_volumes(model)


@pytest.mark.parametrize("wrong", [{"channels": (0, 3)}, {"drawn": (0, 16)}, {"drawn": (-1,)}, {"shape": (16, 3)}])
def test_filters_that_a_layer_has_not_are_refused(sample_runs: Path, wrong: dict[str, Any]) -> None:
    with pytest.raises(StoreError, match="damaged"):
        volumes_with(sample_runs, wrong)


def test_files_of_other_filters_than_the_page_is_of_are_refused(sample_runs: Path, tmp_path: Path) -> None:
    found = volumes_with(sample_runs, {"shape": (16, 3, 3, 3, 5)})
    assert found is not None
    with pytest.raises(StoreError, match="damaged"):
        write_asset(found.script, tmp_path / "volumes.js")


def test_layers_that_would_make_the_page_too_large_are_counted(
    sample_runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weight_volumes, "MOST_SHOWN_VALUES", 2 * 3 * 27 + 1)
    found = volumes_with(sample_runs, {})
    assert found is not None
    assert (len(found.script.volumes), found.left_out) == (1, len(LAYERS) - 1)


def test_kernels_of_fewer_axes_are_volumes_too(sample_runs: Path) -> None:
    found = volumes_with(sample_runs, {"shape": (16, 3, 5, 5)})
    assert found is not None
    assert found.script.volumes[0].taps == (1, 5, 5)


def test_a_network_that_was_not_asked_has_the_reason_and_no_verdict(sample_site: Path, sample_runs: Path) -> None:
    assert "this network has no classes" in words(sample_site / "plain_net" / "weights.html")
    asked, other = Report.of(find_runs(sample_runs)).models
    names = {"Weight gradients agree with differences (worst layer)", "A score tells which filters matter"}
    assert {row.name: row.state for row in checks(asked) if row.name in names} == dict.fromkeys(names, "pass")
    assert not names & {row.name for row in checks(other)}
