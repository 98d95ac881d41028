"""How a report is cited, as CITATION.cff (Citation File Format 1.2.0, https://citation-file-format.github.io)."""

from __future__ import annotations

from reportgen.outputs.yaml_text import yaml_text
from reportgen.pages.citing import citation_of
from reportgen.pages.findings import shown_findings
from reportgen.pages.report import Report
from reportgen.records.root_digest import UNSEALED
from reportgen.version import __version__

CITATION_FILE = "CITATION.cff"


def citation_file(report: Report) -> str:
    """Return the citation of a report; its people are not known, so that the program is named as its author."""
    citation = citation_of(report)
    found = [one.finding.sentence for model in report.models for one in shown_findings(model)]
    facts = {
        "cff-version": "1.2.0",
        "message": "If you use this report, please cite it as below, and add the names of whoever made it.",
        "type": "dataset",
        "title": citation.title,
        "abstract": " ".join([f"Generated report. {citation.weights}.", *found[:3]]),
        "authors": [{"name": f"reportgen {__version__}"}],
        "date-released": citation.date,
        "version": citation.program,
        "identifiers": [{"type": "other", "value": f"sha256:{UNSEALED}", "description": "Root digest of the report"}],
        "keywords": ["interpretability", "video", "3D convolutional neural network", "feature visualization"],
    }
    return yaml_text(facts)
