"""What a report holds and how it was made, as RO-Crate 1.3 (https://w3id.org/ro/crate/1.3)."""

from __future__ import annotations

import json
from typing import Any

from reportgen.pages.citing import citation_of
from reportgen.pages.findings import shown_findings
from reportgen.pages.report import ModelView, Report
from reportgen.records.root_digest import SUMS, UNSEALED
from reportgen.summary.citation_file import CITATION_FILE
from reportgen.summary.model_card import MODEL_CARD
from reportgen.version import __version__

CRATE_FILE = "ro-crate-metadata.json"

_PROFILE = "https://w3id.org/ro/crate/1.3"
_LICENCE = "#licence"

Entity = dict[str, Any]


def crate_file(report: Report) -> str:
    """Return the crate's metadata; its licence is not known, and it says so."""
    return (
        json.dumps({"@context": f"{_PROFILE}/context", "@graph": _graph(report)}, indent=1, ensure_ascii=False) + "\n"
    )


def _reference(*names: str) -> Any:
    found = [{"@id": name} for name in names]
    return found[0] if len(found) == 1 else found


def _graph(report: Report) -> list[Entity]:
    citation = citation_of(report)
    files = [entity for model in report.models for entity in _files(model)]
    files += _own_files(report)
    folders = [_folder(model) for model in report.models]
    found = next((one.finding.sentence for model in report.models for one in shown_findings(model)), "")
    about = " ".join(filter(None, (f"Generated report on {citation.weights}.", found)))
    root = {
        "@id": "./",
        "@type": "Dataset",
        "name": citation.title,
        "description": about,
        "datePublished": citation.date,
        "license": _reference(_LICENCE),
        "identifier": _reference("#root-digest"),
        "about": _reference(*(f"#{model.addresses.folder}" for model in report.models)),
        "mainEntity": _reference("index.html"),
        "hasPart": [{"@id": entity["@id"]} for entity in (*files, *folders)],
        "mentions": _reference("#making"),
    }
    descriptor = {
        "@id": CRATE_FILE,
        "@type": "CreativeWork",
        "conformsTo": _reference(_PROFILE),
        "about": _reference("./"),
    }
    return [descriptor, root, *files, *folders, *map(_network, report.models), *_context(report, citation.date)]


def _own_files(report: Report) -> list[Entity]:
    own = [
        _file("index.html", "The report's front page", "text/html"),
        _file("methods.html", "Methods and limits, with known answers and null rates", "text/html"),
        _file(SUMS, "SHA-256 of each file, for sha256sum -c", "text/plain"),
    ]
    cited = _file(CITATION_FILE, "How to cite the report", "text/yaml")
    return own if report.anonymous else [*own, cited]


def _files(model: ModelView) -> list[Entity]:
    folder, title = model.addresses.folder, model.title
    return [
        _file(f"{folder}/run.json", f"Header of the run of {title}", "application/json"),
        _file(f"{folder}/audit.html", f"Audit of {title}", "text/html"),
        _file(f"{folder}/{MODEL_CARD}", f"Model card of {title}", "text/markdown"),
    ]


def _file(path: str, name: str, form: str) -> Entity:
    return {"@id": path, "@type": "File", "name": name, "description": f"{name}.", "encodingFormat": form}


def _folder(model: ModelView) -> Entity:
    return {
        "@id": f"{model.addresses.folder}/",
        "@type": "Dataset",
        "name": f"Pages, media and records of {model.title}",
        "description": "A record of each job below records/, pictures below media/, tables as CSV beside pages.",
    }


def _network(model: ModelView) -> Entity:
    weights = model.run.weights
    origin = "untrained" if weights.untrained else f"weights with SHA-256 {weights.digest()}"
    licence = f" They are under the licence {weights.licence}." if weights.licence else ""
    return {
        "@id": f"#{model.addresses.folder}",
        "@type": "CreativeWork",
        "name": model.title,
        "description": f"The network that was audited: {origin}.{licence} {model.summary}".strip(),
    }


def _context(report: Report, date: str) -> list[Entity]:
    program: Entity = {
        "@id": "#reportgen",
        "@type": "CreativeWork",  # a SoftwareApplication needs an address, a SoftwareSourceCode a file
        "name": "reportgen",
        "version": __version__,
    }
    if commit := citation_of(report).commit:
        program["identifier"] = f"commit {commit}"
    return [
        program,
        {
            "@id": "#making",
            "@type": "CreateAction",
            "name": "Computing and writing the report",
            "instrument": _reference("#reportgen"),
            "object": _reference(*(f"#{model.addresses.folder}" for model in report.models)),
            "result": _reference("./"),
            "endTime": date,
        },
        {
            "@id": "#root-digest",
            "@type": "PropertyValue",
            "name": "Root digest of the report",
            "propertyID": "sha256",
            "value": UNSEALED,
        },
        {
            "@id": _LICENCE,
            "@type": "CreativeWork",
            "name": "Not stated",
            "description": "Whoever made this report has stated no licence for it.",
        },
    ]
