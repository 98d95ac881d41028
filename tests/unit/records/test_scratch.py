"""What an export is made in: one process has it for a target, and a dead one's is removed, never anybody else's."""

from __future__ import annotations

import os
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from reportgen.errors import StoreError
from reportgen.records.files import PART
from reportgen.records.scratch import remove_abandoned, scratch_beside
from tests.children import child

HOLDS = """
import sys, time
from pathlib import Path
from reportgen.records.scratch import scratch_beside
with scratch_beside(Path(sys.argv[1])) as folder:
    (folder / "half").write_text("half")
    print(folder, flush=True)
    time.sleep(600)
"""


def hidden(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name.startswith(PART))


def test_a_living_process_keeps_its_folder_and_a_killed_ones_is_removed(tmp_path: Path) -> None:
    target = tmp_path / "report.zip"
    with child([sys.executable, "-c", HOLDS, target]) as process:
        assert process.stdout is not None
        folder = Path(process.stdout.readline().strip())
        assert remove_abandoned(tmp_path) == (0, 0)
        with pytest.raises(StoreError, match=rf"Process {process.pid} is writing .*report\.zip: wait"):
            scratch_beside(target).__enter__()
        with scratch_beside(tmp_path / "other.zip"):
            assert len(hidden(tmp_path)) == 2
        assert (folder / "half").read_text() == "half"
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    assert hidden(tmp_path) == [folder.name]
    with scratch_beside(target) as mine:
        assert not (mine / "half").exists()
        assert hidden(tmp_path) == [mine.name]
    assert not hidden(tmp_path)


def test_one_of_many_that_start_at_once_has_the_target(tmp_path: Path) -> None:
    start, all_tried = Barrier(8), Barrier(8)

    def tries() -> bool:
        start.wait()
        try:
            with scratch_beside(tmp_path / "report"):
                all_tried.wait()
                return True
        except StoreError:
            all_tried.wait()
            return False

    with ThreadPoolExecutor(8) as pool:
        assert sum(one.result() for one in [pool.submit(tries) for _ in range(8)]) == 1
    assert not hidden(tmp_path)


def test_what_is_not_surely_ours_stays(tmp_path: Path) -> None:
    with child([sys.executable, "-c", HOLDS, tmp_path / "report"]) as process:
        assert process.stdout is not None
        folder = Path(process.stdout.readline().strip())
    marker = next(folder.glob("*.json"))
    text = marker.read_text()
    (tmp_path / "mine").mkdir()
    for name, content in {
        "unmarked": None,
        "no-json": "{",
        "another-thing": "[1]",
        "another-machine": text.replace('"host": "', '"host": "not-'),
    }.items():
        place = tmp_path / f"{PART}{name}"
        place.mkdir()
        (place / "kept.txt").write_text("kept")
        if content is not None:
            (place / marker.name).write_text(content)
    linked = tmp_path / f"{PART}link-to-the-marker"
    linked.mkdir()
    (linked / marker.name).symlink_to(marker)
    (tmp_path / "mine" / marker.name).write_text(text)
    (tmp_path / f"{PART}link").symlink_to(tmp_path / "mine")
    (tmp_path / f"{PART}file.zip").write_text("a file")
    before = set(hidden(tmp_path))
    files, size = remove_abandoned(tmp_path)
    assert (files >= 2, size > len("half")) == (True, True)
    assert before - set(hidden(tmp_path)) == {folder.name}
    assert (tmp_path / "mine" / marker.name).exists()


def test_what_stands_in_the_way_is_told_and_kept(tmp_path: Path) -> None:
    with scratch_beside(tmp_path / "report") as folder:
        pass
    folder.mkdir()
    (folder / "theirs").write_text("theirs")
    with pytest.raises(StoreError, match="is in the way"):
        scratch_beside(tmp_path / "report").__enter__()
    assert (folder / "theirs").read_text() == "theirs"
    assert hidden(tmp_path) == [folder.name]
