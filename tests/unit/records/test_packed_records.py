"""A long record as sites carry it: compressed, and read as the run's own."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest

from reportgen.pages import report as pages_report
from reportgen.pages.report import Report
from reportgen.records import documents
from reportgen.records.finding import find_runs
from reportgen.records.store import Store
from reportgen.site_files import write_asset


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, sample_copy: Callable[[Path], Path]) -> Path:
    sample = sample_copy(tmp_path_factory.mktemp("sample"))
    return next(store.folder for store in find_runs(sample) if store.folder.name == "drift")


@pytest.fixture
def carried(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """The run as a site carries it whose records are long from 5 KB on."""
    monkeypatch.setattr(pages_report, "LONGEST_INDENTED", 5_000)
    (model,) = Report.of([Store(run)]).models
    for asset in model.files():
        (tmp_path / asset.uri).parent.mkdir(parents=True, exist_ok=True)
        write_asset(asset, tmp_path / asset.uri)
    return Store(tmp_path / model.addresses.folder, lambda _: True)


def test_long_records_are_carried_compressed_and_read_as_the_runs_own(run: Path, carried: Store) -> None:
    packed = {path.name for path in carried.folder.rglob("records/*/*.json.gz")}
    long = {path.name + ".gz" for path in run.rglob("records/*/*.json") if path.stat().st_size > 5_000}
    assert packed == long
    assert packed
    assert carried.manifest().records == Store(run).manifest().records
    (again,) = Report.of([carried]).models
    (model,) = Report.of([Store(run)]).models
    assert [asset.uri for asset in again.files()] == [asset.uri for asset in model.files()]
    uris = {again.record_uri(record) for record in again.manifest.records}
    assert uris == {model.record_uri(record) for record in model.manifest.records}
    assert uris <= {asset.uri for asset in again.files()}


@pytest.mark.parametrize(
    "damage", [lambda content: content[:9] + b"?" + content[10:200], lambda _: b"no gzip", lambda _: b""]
)
def test_what_cannot_be_unpacked_is_damaged(carried: Store, damage: object) -> None:
    path = next(carried.folder.rglob("records/*/*.json.gz"))
    path.write_bytes(damage(path.read_bytes()))  # type: ignore[operator]
    assert list(carried.manifest().damaged) == [path.name.removesuffix(".json.gz")]


def test_no_more_is_unpacked_than_a_document_has(carried: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "LONGEST", 1 << 20)
    path = next(carried.folder.rglob("records/*/*.json.gz"))
    path.write_bytes(gzip.compress(b" " * (1 << 24), 1))
    manifest = carried.manifest()
    assert list(manifest.damaged) == [path.name.removesuffix(".json.gz")]


def test_a_record_that_is_there_as_it_was_written_is_read_and_not_the_compressed_one(run: Path, carried: Store) -> None:
    path = next(carried.folder.rglob("records/*/*.json.gz"))
    own = next(run.rglob(path.name.removesuffix(".gz")))
    path.with_suffix("").write_bytes(own.read_bytes())
    path.write_bytes(b"no gzip")
    assert not carried.manifest().damaged
