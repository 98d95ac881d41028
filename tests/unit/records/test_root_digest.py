"""One digest tells every change of a report, and stands in the report itself."""

from __future__ import annotations

import hashlib
import io
import shutil
from pathlib import Path

import pytest

from reportgen.errors import StoreError
from reportgen.records import root_digest as module
from reportgen.records.root_digest import (
    ROOT_FILE,
    SUMS,
    UNSEALED,
    parse_root,
    parse_sums,
    read_root,
    report_files,
    root_digest,
    seal,
    sealed_digest,
)
from tests.children import run


@pytest.fixture
def report(tmp_path: Path) -> Path:
    folder = tmp_path / "report"
    (folder / "b").mkdir(parents=True)
    (folder / "index.html").write_text(f"<p>{UNSEALED}</p><p>{UNSEALED}</p>")
    (folder / "b" / "é.bin").write_bytes(bytes(range(256)))
    (folder / "b.txt").write_text("b")
    (folder / ".reportgen.json").write_text("{}")
    return folder


def recomputed(folder: Path, root: str) -> str:
    paths = [path for path in report_files(folder) if path != SUMS]
    contents = {path: io.BytesIO((folder / path).read_bytes()) for path in paths}
    return root_digest({path: sealed_digest(content, (root.encode(),)) for path, content in contents.items()})


def test_the_root_digest_is_what_its_definition_says(report: Path) -> None:
    root = seal(report)
    zeros = "0" * 64

    def sha(text: str | bytes) -> str:
        return hashlib.sha256(text if isinstance(text, bytes) else text.encode()).hexdigest()

    listing = (
        f"{sha('b')}  b.txt\n{sha(bytes(range(256)))}  b/é.bin\n"
        f"{sha(f'<p>{zeros}</p><p>{zeros}</p>')}:2  index.html\n{sha(zeros + chr(10))}:1  {ROOT_FILE}\n"
    )
    assert root == sha(listing)
    assert (report / "index.html").read_text() == f"<p>{root}</p><p>{root}</p>"
    assert read_root(report) == root == recomputed(report, root)


def test_the_sums_are_those_of_sha256sum(report: Path) -> None:
    seal(report)
    sums = {path: found for found, path in (line.split("  ") for line in (report / SUMS).read_text().splitlines())}
    assert set(sums) == {"index.html", "b/é.bin", "b.txt", ROOT_FILE}
    if shutil.which("sha256sum"):
        finished = run(["sha256sum", "--strict", "--quiet", "-c", SUMS], cwd=report)
        assert finished.returncode == 0, finished.stderr
    assert all(hashlib.sha256((report / path).read_bytes()).hexdigest() == found for path, found in sums.items())


def test_sealing_again_gives_the_same_and_after_a_change_another(report: Path) -> None:
    root = seal(report)
    before = {path: (report / path).read_bytes() for path in report_files(report)}
    assert seal(report) == root
    assert {path: (report / path).read_bytes() for path in report_files(report)} == before
    (report / "b.txt").unlink()
    other = seal(report)
    assert other != root
    assert (report / "index.html").read_text() == f"<p>{other}</p><p>{other}</p>"
    assert recomputed(report, other) == other


def test_zeros_in_the_place_of_the_digest_are_a_change(report: Path) -> None:
    root = seal(report)
    page = report / "index.html"
    page.write_text(page.read_text().replace(root, "0" * 64, 1))
    assert recomputed(report, root) != root


@pytest.mark.parametrize("block", [1, 7, 63, 64, 65, 1 << 20])
def test_a_token_is_found_wherever_blocks_end(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_BLOCK", block)
    token = b"ab" * 32
    content = b"x" * 50 + token + token + b"a" + token + b"ab" * 31
    zeros = b"0" * 64
    found = sealed_digest(io.BytesIO(content), (token, b"none"))
    assert found.plain == hashlib.sha256(content).hexdigest()
    assert found.shown == 3
    assert found.blank == hashlib.sha256(b"x" * 50 + zeros + zeros + b"a" + zeros + b"ab" * 31).hexdigest()


def test_links_are_refused(report: Path, tmp_path: Path) -> None:
    (report / "link").symlink_to(tmp_path)
    with pytest.raises(StoreError, match="link"):
        seal(report)


@pytest.mark.parametrize(
    "text", ["", "x", "0" * 64, f"{'0' * 64}  ../a\n", f"{'0' * 64}  /a\n", f"{'0' * 64}  a\n{'1' * 64}  a\n"]
)
def test_what_is_no_list_of_sums_is_said(text: str) -> None:
    if not text:
        assert parse_sums(text) == {}
        return
    with pytest.raises(ValueError, match=r"line|outside"):
        parse_sums(text)


def test_a_digest_may_be_copied_in_any_form() -> None:
    digest = "0123456789abcdef" * 4
    assert parse_root(f" sha256:{digest.upper()[:32]}\n{digest[32:]} ") == digest
    assert [parse_root(text) for text in ("", digest[1:], digest + "0", "g" * 64)] == [None] * 4
