"""Records that repositories read, which lie in every site: how to cite it, what it holds, a card of each network."""

from __future__ import annotations

from collections.abc import Mapping

from reportgen.bidi import without_bidi
from reportgen.pages.report import Report
from reportgen.summary.citation_file import CITATION_FILE, citation_file
from reportgen.summary.model_card import MODEL_CARD, model_card
from reportgen.summary.ro_crate import CRATE_FILE, crate_file


def repository_records(report: Report) -> Mapping[str, str]:
    """Return the records by their place in the site; an anonymous report does not say how to cite it.

    They name the root digest by what stands for it until the site is sealed.
    """
    if not report.models:
        return {}
    found = {} if report.anonymous else {CITATION_FILE: citation_file(report)}
    cards = {f"{model.addresses.folder}/{MODEL_CARD}": model_card(report, model) for model in report.models}
    found |= {**cards, CRATE_FILE: crate_file(report)}
    return {path: without_bidi(text) for path, text in found.items()}
