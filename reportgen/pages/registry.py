"""Every kind of page, in the order of the navigation. A new kind is one module and one line here."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from reportgen.pages import (
    audit,
    compare,
    concepts,
    every_kernel,
    front,
    kernel,
    layer,
    methods,
    model,
    motion_audit,
    multiscale,
    other,
    provenance,
    pyramid,
    pyramid_compare,
    responses,
    saliency,
    weights,
)
from reportgen.pages.page import Page
from reportgen.pages.report import Report

PageKind = Callable[[Report], Iterator[Page]]

PAGES: dict[str, PageKind] = {
    "front": front.pages,
    "model": model.pages,
    "audit": audit.pages,
    "motion": motion_audit.pages,
    "concepts": concepts.pages,
    "responses": responses.pages,
    "layer": layer.pages,
    "kernel": kernel.pages,
    "every_kernel": every_kernel.pages,
    "multiscale": multiscale.pages,
    "saliency": saliency.pages,
    "pyramid": pyramid.pages,
    "pyramid_compare": pyramid_compare.pages,
    "weights": weights.pages,
    "other": other.pages,
    "provenance": provenance.pages,
    "methods": methods.pages,
    "compare": compare.pages,
}


def all_pages(report: Report) -> Iterator[Page]:
    """Yield every page of a report."""
    for kind in PAGES.values():
        yield from kind(report)
