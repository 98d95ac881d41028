"""One audit: whoever changes a limit changes it on every page."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from reportgen.audit.checks import checks
from reportgen.audit.kernel_badges import kernel_verdicts
from reportgen.audit.limits import Limits
from reportgen.audit.maps import map_verdicts
from reportgen.pages.registry import all_pages
from reportgen.pages.report import ModelView, Report
from reportgen.pages.templating import Templates
from reportgen.records.finding import find_runs
from reportgen.resources import templates_folder


def changed() -> dict[str, object]:
    """Return a value for every limit that is not its default and prints otherwise."""
    values: dict[str, object] = {}
    for name, field in Limits.model_fields.items():
        default = field.default
        if isinstance(default, tuple):
            values[name] = tuple(0.83 * limit + 0.013 for limit in default)
        else:
            values[name] = default + 7 if isinstance(default, int) else 0.83 * default + 0.013
    return values


def thresholds(model: ModelView, limits: Limits) -> set[str]:
    """Return every threshold that a verdict of this model names."""
    verdicts = list(checks(model, limits))
    for view in model.all_kernels:
        verdicts += kernel_verdicts(view.figures, limits)
    for found in model.map_checks.values():
        verdicts += map_verdicts(0.1, found, limits)
    return {verdict.threshold for verdict in verdicts}


@pytest.fixture
def report(tmp_path: Path, sample_copy: Callable[[Path], Path]) -> Report:
    """The sample report whose run was made with every limit changed."""
    sample_copy(tmp_path)
    for store in find_runs(tmp_path):
        run = store.read_run()
        store.write_run(run.model_copy(update={"options": {**run.options, "check": changed()}}))
    return Report.of(find_runs(tmp_path))


def test_no_page_names_a_limit_that_was_changed(report: Report) -> None:
    model = report.models[0]
    own, usual = thresholds(model, model.limits), thresholds(model, Limits())
    old = usual - own
    assert len(old) > 15, "nearly every threshold prints otherwise"
    templates = Templates(templates_folder())
    text = "\n".join(templates.render(page, untrained=report.untrained, selected=()) for page in all_pages(report))
    plain = text.replace("&#37;", "%").replace("&#58;", ":").replace("&#40;", "(").replace("&#41;", ")")
    assert [threshold for threshold in sorted(own) if threshold in plain]
    assert [threshold for threshold in sorted(old) if threshold in plain] == []
