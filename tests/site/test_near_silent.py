"""A kernel that clips barely drive is ranked nowhere on a site: not by the finder, in a table, a chart or a graph."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from reportgen.audit.limits import Limits
from reportgen.pages.kernel_index import KernelIndex
from reportgen.pages.kernel_list import driving, kernel_list
from reportgen.pages.motion_audit import kernel_rows, layer_rows
from reportgen.pages.page import Page
from reportgen.pages.registry import all_pages
from reportgen.pages.report import ModelView, Report
from reportgen.pages.templating import Templates
from reportgen.records.finding import find_runs
from reportgen.resources import templates_folder
from tests.site.sample_run import LAYERS, NEAR_SILENT


@pytest.fixture(scope="module")
def report(written_sample: Path) -> Report:
    return Report.of(find_runs(written_sample))


def text_of(report: Report, uri: str) -> tuple[Page, str]:
    page = next(page for page in all_pages(report) if page.uri == uri)
    text = Templates(templates_folder()).render(page, untrained=report.untrained, selected=())
    return page, text.replace("&#37;", "%").replace("&#45;", "-")


def model_of(report: Report) -> ModelView:
    return next(model for model in report.models if model.motion_probes)


def test_rankings_and_medians_leave_it_out_and_count_it(report: Report) -> None:
    model = model_of(report)
    assert model.motion_probes
    told, silent = kernel_rows(model, model.motion_probes)
    assert f"#{NEAR_SILENT}" not in {row.name.rpartition(" ")[2] for row in told}
    assert len(silent) == 2
    assert all(row.probes.response == 0.01 for row in silent)
    for row in layer_rows(model, model.motion_probes):
        assert (row.measured, row.silent) == (62, 1)
        assert row.quartiles == pytest.approx((0.1, 0.1, 0.1), abs=1e-9)
        assert row.left["frozen"] == 0.9


def test_no_page_says_its_ratio_and_each_says_why(report: Report) -> None:
    model = model_of(report)
    kernel = next(v for v in model.kernels[LAYERS[1]] if v.id.index == NEAR_SILENT)
    assert model.motion_reliance(LAYERS[1], NEAR_SILENT) is None
    assert model.motion_reliance(LAYERS[1], 0) == 0.75
    for uri, said in (
        (model.addresses.motion, "2 near-silent kernels"),
        (model.addresses.layer(LAYERS[1]), "1 kernel whose largest response is under 10% of the layer"),
        (kernel.uri, "barely drive this kernel"),
    ):
        _, text = text_of(report, uri)
        assert said in text, uri
        for wrong in ("1543", "1,543", "1544", "1,544", "154400", "154,400"):
            assert wrong not in text, (uri, wrong)
    place = list(model.census).index(LAYERS[1])
    assert kernel_list(KernelIndex(model))["motion"][sum(list(model.census.values())[:place]) + NEAR_SILENT] is None


def test_one_limit_moves_the_floor_everywhere(tmp_path: Path, sample_copy: Callable[[Path], Path]) -> None:
    for store in find_runs(sample_copy(tmp_path)):
        run = store.read_run()
        store.write_run(run.model_copy(update={"options": {**run.options, "check": {"near_silent": 0.001}}}))
    report = Report.of(find_runs(tmp_path))
    model = model_of(report)
    assert model.limits == Limits(near_silent=0.001)
    assert model.motion_reliance(LAYERS[1], NEAR_SILENT) == -1543.0
    assert "near-silent" not in text_of(report, model.addresses.motion)[1].replace("near-silent ones too", "")


def test_no_clip_drives_most_what_none_drives(report: Report) -> None:
    found = kernel_list(KernelIndex(model_of(report)))
    dead = [place for place, state in enumerate(found["state"]) if state & 1]
    assert dead
    assert {found["clip"][place] for place in dead} == {None}
    driven = [place for place, best in enumerate(found["best"]) if best is not None and best > 0 and place not in dead]
    assert driven
    assert None not in {found["clip"][place] for place in driven}


@pytest.mark.parametrize(("response", "named"), [(0.0, False), (0.5, True)])
def test_of_a_layer_with_motion_probes_alone_too(report: Report, response: float, named: bool) -> None:
    index = KernelIndex(model_of(report))
    row = next(row for row in index.rows(LAYERS[1]) if row.probes and row.probes.response > 0)
    assert row.probes
    probed = replace(row, probes=replace(row.probes, response=response))
    clip, value = driving(index, "a layer that the reference pass left out", probed)
    assert value == response
    assert (clip is not None) == named
