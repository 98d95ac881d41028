"""Long documents lie compressed in the copy of a run that a site has, and are told from damaged ones there."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from reportgen.gzipped import gzipped
from reportgen.media import write_figure
from reportgen.records.documents import DamagedError
from reportgen.records.figures import JsonFigure
from reportgen.records.jobs import Artifact
from reportgen.records.packed import PACKED, carried_path, content_at, is_packed, unpacked_size
from reportgen.records.soundness import CheckedFiles
from reportgen.records.store import Store

LONG = {"values": list(range(5000))}


def _document(folder: Path, content: dict[str, list[int]]) -> tuple[Artifact, bytes]:
    """Return a document of a run and its bytes."""
    store = Store(folder)
    (artifact,) = write_figure(store, "media/pyramid/ab/abc", "graph", JsonFigure(content))
    return artifact, store.path(artifact).read_bytes()


def _copy(folder: Path, artifact: Artifact, content: bytes) -> Store:
    """Return the copy of a run that a site has, with a compressed file of this content."""
    place = folder / carried_path(artifact)
    place.parent.mkdir(parents=True)
    place.write_bytes(content)
    return Store(folder, lambda _: False)


def test_a_long_document_is_read_from_where_a_site_has_it(tmp_path: Path) -> None:
    artifact, written = _document(tmp_path / "run", LONG)
    assert is_packed(artifact)
    copy = _copy(tmp_path / "site", artifact, gzipped(written))
    path = copy.path(artifact)
    assert path.name == f"graph.json{PACKED}"
    assert content_at(path, artifact) == written == gzip.decompress(path.read_bytes())
    assert copy.is_sound(artifact)
    assert unpacked_size(path) == len(written)
    assert path.stat().st_size < len(written) / 2


def test_a_short_document_is_carried_as_it_is_and_a_run_s_own_never_looked_for_elsewhere(tmp_path: Path) -> None:
    short, _ = _document(tmp_path / "short", {"values": []})
    assert carried_path(short) == short.path
    artifact, written = _document(tmp_path / "run", LONG)
    _copy(tmp_path / "site", artifact, gzipped(written))
    assert not Store(tmp_path / "site").path(artifact).exists()


def test_equal_documents_are_equal_files_whatever_the_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    first = gzipped(b"figures " * 5000)
    monkeypatch.setattr("time.time", lambda: 4e9)
    assert gzipped(b"figures " * 5000) == first


@pytest.mark.parametrize(
    "harm",
    [
        lambda content: gzipped(gzip.decompress(content).replace(b"4999", b"4998")),
        lambda content: gzipped(gzip.decompress(content) + b" "),
        lambda content: content[:-20],
        lambda content: content[:40] + bytes([content[40] ^ 1]) + content[41:],
        lambda content: b"",
        gzip.decompress,
    ],
    ids=["another figure", "longer", "cut off", "a bit", "empty", "not compressed"],
)
def test_a_document_that_is_not_what_was_written_is_found(tmp_path: Path, harm: Callable[[bytes], bytes]) -> None:
    artifact, written = _document(tmp_path / "run", LONG)
    copy = _copy(tmp_path / "site", artifact, harm(gzipped(written)))
    assert not copy.is_sound(artifact)
    with pytest.raises(DamagedError, match=r"graph\.json is damaged"):
        CheckedFiles().check(copy.path(artifact), artifact)


def test_a_small_file_does_not_unpack_to_more_than_was_written(tmp_path: Path) -> None:
    artifact, _ = _document(tmp_path / "run", LONG)
    bomb = zlib.compressobj(wbits=31)
    content = b"".join([*(bomb.compress(bytes(1 << 20)) for _ in range(64)), bomb.flush()])
    copy = _copy(tmp_path / "site", artifact, content)
    with pytest.raises(DamagedError, match="it unpacks to more than"):
        content_at(copy.path(artifact), artifact)
    assert not copy.is_sound(artifact)
