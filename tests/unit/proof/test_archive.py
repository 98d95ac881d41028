"""A report that came from elsewhere is opened whole or not at all, and nothing of it leaves its folder."""

from __future__ import annotations

import io
import os
import stat
import struct
import zipfile
from pathlib import Path

import pytest

from reportgen.errors import ArchiveError
from reportgen.proof import archive as module
from reportgen.proof.archive import checked_files, opened_report
from reportgen.records.root_digest import SUMS, seal


def files_of(path: Path) -> dict[str, bytes]:
    with opened_report(path) as folder:
        return {name: (folder / name).read_bytes() for name in checked_files(folder)}


def zipped(path: Path, *members: tuple[str, bytes], mode: int = stat.S_IFREG | 0o644) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in (("index.html", b"<p>"), (SUMS, b""), *members):
            info = zipfile.ZipInfo(name)
            info.external_attr = (mode if (name, content) in members else stat.S_IFREG | 0o644) << 16
            archive.writestr(info, content, compress_type=zipfile.ZIP_DEFLATED)
    return path


def test_a_folder_and_its_archive_are_one_report_within_a_folder_or_not(tmp_path: Path) -> None:
    folder = tmp_path / "report"
    (folder / "a").mkdir(parents=True)
    (folder / "index.html").write_text("<p>")
    (folder / "a/b.txt").write_text("b")
    seal(folder)
    flat, nested = tmp_path / "flat.zip", tmp_path / "nested.zip"
    for path, prefix in ((flat, ""), (nested, "report/")):
        with zipfile.ZipFile(path, "w") as archive:
            for name in checked_files(folder):
                archive.write(folder / name, prefix + name)
    assert files_of(folder) == files_of(flat) == files_of(nested)


@pytest.mark.parametrize(
    "name",
    ["../out.txt", "/out.txt", "a/../../out.txt", "C:/out.txt", "a\\..\\out.txt", "a//b", "./x", "a\nb", "a\x1b[2J"],
)
def test_paths_outside_and_names_that_no_report_has_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ArchiveError):
        files_of(zipped(tmp_path / "r.zip", (name, b"x")))
    assert [path.name for path in tmp_path.iterdir()] == ["r.zip"]


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFIFO, stat.S_IFSOCK])
def test_links_and_devices_are_refused(tmp_path: Path, kind: int) -> None:
    with pytest.raises(ArchiveError, match="link or a device"):
        files_of(zipped(tmp_path / "r.zip", ("x", b"/etc/passwd"), mode=kind | 0o644))


@pytest.mark.parametrize(
    "names", [("a", "A"), ("é", "e\u0301"), ("d/x", "D/y"), ("straße", "STRASSE"), ("a", "a/b"), ("d/x", "d/x")]
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_names_that_clash_somewhere_are_refused(tmp_path: Path, names: tuple[str, str]) -> None:
    with pytest.raises(ArchiveError, match=r"which are one|both as a file"):
        files_of(zipped(tmp_path / "r.zip", *((name, name.encode()) for name in names)))


def test_a_bomb_is_refused_by_what_it_says_and_by_what_it_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_FREE_BYTES", 1 << 16)
    path = zipped(tmp_path / "r.zip", ("zeros", bytes(1 << 22)))
    with pytest.raises(ArchiveError, match="would unpack to"):
        files_of(path)
    # The list says 100 bytes; the file has four million.
    content = path.read_bytes()
    size = struct.pack("<I", 1 << 22)
    assert content.count(size) == 2
    lying = tmp_path / "lying.zip"
    lying.write_bytes(content.replace(size, struct.pack("<I", 100)))
    with pytest.raises(ArchiveError, match="damaged"):
        files_of(lying)
    monkeypatch.setattr(module, "MOST_FILES", 2)
    with pytest.raises(ArchiveError, match="no report has more"):
        files_of(zipped(tmp_path / "many.zip", ("a", b"a")))


def test_an_archive_within_stays_closed(tmp_path: Path) -> None:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("../evil", bytes(1 << 20))
    found = files_of(zipped(tmp_path / "r.zip", ("inner.zip", inner.getvalue())))
    assert found["inner.zip"] == inner.getvalue()
    assert not (tmp_path / "evil").exists()


@pytest.mark.parametrize("kept", [0.0, 0.1, 0.5, 0.99])
def test_a_cut_archive_is_said(tmp_path: Path, kept: float) -> None:
    path = zipped(tmp_path / "r.zip", ("noise", os.urandom(5000)))
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * kept)])
    with pytest.raises(ArchiveError, match=r"no zip archive|damaged"):
        files_of(path)


def test_an_encrypted_archive_and_a_changed_byte_are_said(tmp_path: Path) -> None:
    path = zipped(tmp_path / "r.zip", ("noise", os.urandom(5000)))
    content = bytearray(path.read_bytes())
    content[content.index(b"noise") + 100] ^= 1
    changed = tmp_path / "changed.zip"
    changed.write_bytes(content)
    with pytest.raises(ArchiveError, match="damaged"):
        files_of(changed)
    with zipfile.ZipFile(path) as archive:
        infos = archive.infolist()
    infos[0].flag_bits |= 1
    with pytest.raises(ArchiveError, match="encrypted"):
        module._check_member(path, infos[0])


def test_what_is_no_report_is_said(tmp_path: Path) -> None:
    (tmp_path / "file.txt").write_text("x")
    (tmp_path / "empty").mkdir()
    for path in (tmp_path / "none", tmp_path / "file.txt", tmp_path / "empty"):
        with pytest.raises(ArchiveError):
            files_of(path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ArchiveError, match="no file"):
        files_of(tmp_path / "pipe")
    for name in ("one", "two"):
        (tmp_path / "many" / name).mkdir(parents=True)
        (tmp_path / "many" / name / "index.html").write_text("<p>")
        seal(tmp_path / "many" / name)
    with pytest.raises(ArchiveError, match="2 reports"):
        files_of(tmp_path / "many")


def test_a_link_in_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("<p>")
    seal(tmp_path)
    (tmp_path / "link").symlink_to("/etc/hostname")
    with pytest.raises(ArchiveError, match="link"):
        files_of(tmp_path)
