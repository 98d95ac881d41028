"""What the page of a layer's multi-scale filters says, from the sample run."""

from __future__ import annotations

from pathlib import Path

import pytest

from reportgen.pages.multiscale import pages
from reportgen.pages.page import Page
from reportgen.pages.report import Report
from reportgen.records.finding import find_runs


@pytest.fixture(scope="module")
def page(sample_runs: Path) -> Page:
    return next(page for page in pages(Report.of(find_runs(sample_runs))) if page.uri.startswith("drift/s2."))


def test_each_kernel_stands_beside_activation_maximisation_and_the_larger_response_is_named(page: Page) -> None:
    first, second, third = page.context["kernels"]
    assert first.compared.sentence == "Activation maximisation reaches more: 5.00 against 3.50, 1.43 times as much."
    assert second.compared.sentence == "Activation maximisation reaches more: 6.40 against 6.30, 1.02 times as much."
    assert third.compared is None, "its activation maximisation failed"


def test_the_schedule_and_what_is_otherwise_than_asked_for_are_said(page: Page) -> None:
    assert page.context["sizes"].startswith("6 (3), 7 (3), 8 (4)")
    assert page.context["measured"] == "its middle part"
    assert page.context["notes"] == ("Begins at 6 px, not at 5: the layer cannot be reached on less.",)


def test_a_kernel_that_failed_is_said(page: Page) -> None:
    assert [(index, found.state) for index, found in page.context["troubles"]] == [(21, "failed")]


def test_the_layers_page_leads_there(sample_site: Path) -> None:
    layer = (sample_site / "drift" / "s2.res0.branch2.c" / "index.html").read_text(encoding="utf-8")
    assert 'href="multiscale.html"' in layer
