"""A disk that fills up while a site is made: one sentence, and the old site as it was."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest
from quick_site import contents

from reportgen.commands.export import export
from reportgen.errors import RenderError, StoreError
from reportgen.exports.registry import FORMS
from tests.children import reportgen_command, run

NAMESPACE = ["unshare", "--map-root-user", "--mount"]

#: Mount a small disk at $1, of $2 bytes; put the site of $3 there; run the rest; keep what then is there in $4.
SCRIPT = """
set -e
disk=$1 size=$2 old=$3 kept=$4
shift 4
mount -t tmpfs -o "size=$size" tmpfs "$disk"
if [ -d "$old" ]; then cp -a "$old/." "$disk"; fi
code=0
"$@" || code=$?
cp -a "$disk" "$kept"
exit $code
"""


def may_mount() -> bool:
    """Whether a process may have mounts of its own here: some containers and systems forbid it."""
    if sys.platform != "linux" or shutil.which("unshare") is None:
        return False
    return run([*NAMESPACE, "mount", "-t", "tmpfs", "tmpfs", "/mnt"]).returncode == 0


pytestmark = [pytest.mark.slow, pytest.mark.skipif(not may_mount(), reason="a small disk cannot be mounted here")]


def size_of(folder: Path) -> int:
    """Return the bytes that a folder takes on a disk of pages of 4 KiB."""
    return sum(-(-path.lstat().st_size // 4096) * 4096 for path in folder.rglob("*"))


def test_the_old_site_stays_when_its_disk_fills_up(sample_runs: Path, sample_site: Path, tmp_path: Path) -> None:
    disk, kept, runs = tmp_path / "site", tmp_path / "kept", sample_runs / "plain_net"
    disk.mkdir()
    small_disk = [*NAMESPACE, "sh", "-c", SCRIPT, "sh", disk, size_of(sample_site) + 2**20, sample_site, kept]
    ended = run([*small_disk, *reportgen_command("render", "--runs", runs, "--site", disk)], cwd=tmp_path)
    assert ended.returncode == RenderError.exit_code, ended.stderr
    assert f"Error: There is no space left to write {disk}" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert contents(kept) == contents(sample_site)


@pytest.mark.long
@pytest.mark.parametrize("name", FORMS)
def test_what_an_earlier_export_wrote_stays_when_the_disk_fills_up(
    name: str, sample_runs: Path, tmp_path: Path
) -> None:
    form, disk, kept, old = FORMS[name], tmp_path / "disk", tmp_path / "kept", tmp_path / "old"
    for folder in (disk, old):
        folder.mkdir()
    earlier = old / f"report{form.suffix or '-'}"
    if form.suffix:
        earlier.write_bytes(b"earlier")
    else:
        export(sample_runs / "plain_net", name, to=earlier)
        (earlier / "mine.txt").write_text("mine")
    room = {"csv": 2**15, "gifs": 2**17}.get(name, 2**22)
    small_disk = [*NAMESPACE, "sh", "-c", SCRIPT, "sh", disk, size_of(old) + room, old, kept]
    words = ("export", "--runs", sample_runs / "drift", "--format", name, "--to", disk / earlier.name)
    ended = run([*small_disk, *reportgen_command(*words)], cwd=tmp_path)
    assert ended.returncode in (RenderError.exit_code, StoreError.exit_code), ended.stderr
    assert "Error: There is no space left to write" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert contents(kept) == contents(old)
    assert sorted(path.name for path in kept.iterdir()) == [earlier.name]
