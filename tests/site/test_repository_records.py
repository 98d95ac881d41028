"""The records that repositories read are valid by their formats, say what the report says, and hold no machine."""

from __future__ import annotations

import getpass
import json
import re
import sys
from pathlib import Path

import pytest
import yaml

from reportgen.commands.render import render
from reportgen.pages.report import Report
from reportgen.records.finding import find_runs
from reportgen.records.root_digest import UNSEALED, read_root
from reportgen.summary.model_card import model_card
from reportgen.summary.repositories import repository_records
from tests.children import run

RECORDS = ("CITATION.cff", "ro-crate-metadata.json", "drift/model-card.md", "plain_net/model-card.md")


def crate(site: Path) -> dict[str, dict[str, object]]:
    found = json.loads((site / "ro-crate-metadata.json").read_text(encoding="utf-8"))
    assert found["@context"] == "https://w3id.org/ro/crate/1.3/context"
    return {entity["@id"]: entity for entity in found["@graph"]}


def test_the_site_has_them_with_its_root_digest(sample_site: Path) -> None:
    root = read_root(sample_site)
    assert root
    for name in RECORDS:
        text = (sample_site / name).read_text(encoding="utf-8")
        assert root in text
        assert UNSEALED not in text
        for word in (str(Path.home()), f"/{getpass.getuser()}/", str(sample_site.parent), "a clip.mp4"):
            assert word not in text


def test_the_citation_is_valid_by_the_published_schema(sample_site: Path) -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.citation-file-format"]
    done = run([*command, sample_site / "CITATION.cff"])
    assert done.returncode == 0, done.stdout + done.stderr
    told = yaml.safe_load((sample_site / "CITATION.cff").read_text(encoding="utf-8"))
    assert told["title"] == "What the kernels of 2 networks see"
    assert str(told["date-released"]) == "2025-11-20"


def test_the_crate_holds_what_its_specification_asks_for(sample_site: Path) -> None:
    """RO-Crate 1.3, Root Data Entity, Data Entities: the musts that need no network."""
    entities = crate(sample_site)
    descriptor, root = entities["ro-crate-metadata.json"], entities["./"]
    assert descriptor["@type"] == "CreativeWork"
    assert descriptor["conformsTo"] == {"@id": "https://w3id.org/ro/crate/1.3"}
    assert descriptor["about"] == {"@id": "./"}
    assert root["@type"] == "Dataset"
    assert {"name", "description", "datePublished", "license"} <= set(root)
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", str(root["datePublished"]))
    for entity in entities.values():
        assert entity["@type"]
        assert entity["@type"] != "SoftwareSourceCode", "a script must be a file of the crate"
        assert entity["@type"] != "SoftwareApplication" or entity["url"]
        for value in entity.values():
            for one in value if isinstance(value, list) else [value]:
                if isinstance(one, dict):
                    assert set(one) == {"@id"}, "entities are flat"
                    assert one["@id"] in entities or one["@id"].startswith("https://w3id.org/")
    parts = [part["@id"] for part in root["hasPart"]]  # type: ignore[attr-defined]
    assert len(parts) == len(set(parts)) > 8
    for part in parts:
        assert (sample_site / part).exists(), part
    files = {name for name, entity in entities.items() if entity["@type"] == "File"}
    assert files <= set(parts)


def test_the_front_matter_of_a_model_card_is_what_the_hub_reads(sample_site: Path) -> None:
    for name, tag in (("drift", "video-classification"), ("plain_net", None)):
        text = (sample_site / name / "model-card.md").read_text(encoding="utf-8")
        front = yaml.safe_load(text.split("---\n")[1])
        assert front["license"] == "apache-2.0"
        assert front.get("pipeline_tag") == tag
        assert all(isinstance(one, str) for one in front["tags"])
        assert set(front) <= {"license", "library_name", "pipeline_tag", "tags", "model_name"}


def test_a_model_card_reads_no_label_as_markup(sample_site: Path) -> None:
    text = (sample_site / "drift" / "model-card.md").read_text(encoding="utf-8")
    assert "<script>" not in text.replace(r"\<script\>", "")
    assert r"\<script\>alert(1)" in text
    hub = pytest.importorskip("huggingface_hub")
    card = hub.ModelCard(text)
    assert card.data.license == "apache-2.0"
    assert card.data.model_name == "Drift"


def test_an_unknown_licence_is_told_by_its_name(sample_runs: Path) -> None:
    report = Report.of(find_runs(sample_runs))
    model = report.models[0]
    model.run = model.run.model_copy(
        update={"weights": model.run.weights.model_copy(update={"licence": "Own terms (2019)"})}
    )
    front = yaml.safe_load(model_card(report, model).split("---\n")[1])
    assert (front["license"], front["license_name"]) == ("other", "own-terms-2019")


def test_an_anonymous_report_does_not_say_how_to_cite_it(sample_runs: Path) -> None:
    report = Report.of(find_runs(sample_runs))
    for model in report.models:
        model.run = model.run.model_copy(update={"anonymous": True})
    found = repository_records(report)
    assert "CITATION.cff" not in found
    assert "CITATION.cff" not in found["ro-crate-metadata.json"]
    assert "bibtex" not in found["drift/model-card.md"]


def test_rendering_again_changes_none_of_them(sample_runs: Path, sample_site: Path) -> None:
    before = {name: (sample_site / name).read_bytes() for name in RECORDS}
    render(sample_runs, sample_site, build_dir=sample_runs.parent / "build")
    assert before == {name: (sample_site / name).read_bytes() for name in RECORDS}
