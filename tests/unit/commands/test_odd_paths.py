"""Every option that takes a path, given a device, a pipe or a file without end: one sentence, before any work."""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from reportgen.cli import main
from reportgen.clips.collection import find_clips
from reportgen.commands.compute import compute
from reportgen.config.options import BuildOptions
from reportgen.config.reading import load_options
from reportgen.errors import ReportgenError

pytestmark = pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="this system has other odd files")

ELSEWHERE = ("/dev/zero", "/dev/urandom", "/dev/null", "/proc/self/mem", "/proc/self/maps", "/proc/kmsg", "/dev/stdin")


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Files that are none, or that never end."""
    folder = tmp_path_factory.mktemp("odd")
    os.mkfifo(folder / "pipe.mp4")
    (folder / "loop.mp4").symlink_to("loop.mp4")
    (folder / "zero.mp4").symlink_to("/dev/zero")
    (folder / "sparse.mp4").touch()
    os.truncate(folder / "sparse.mp4", 1 << 40)
    (folder / "empty.mp4").touch()
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(os.path.relpath(folder / "socket.mp4"))  # the path of a socket is short
    return [*sorted(folder.iterdir()), *map(Path, ELSEWHERE), folder / "gone.mp4"]


@pytest.fixture(autouse=True)
def _bounded() -> Iterator[None]:
    signal.alarm(60)
    yield
    signal.alarm(0)


WAYS: dict[str, Callable[[BuildOptions, Path], object]] = {
    "clip": lambda options, path: compute(options.model_copy(update={"clips": (str(path),)})),
    "labels": lambda options, path: compute(options.model_copy(update={"labels": path})),
    "weights": lambda options, path: compute(options.model_copy(update={"weights": path, "untrained": False})),
    "reference": lambda options, path: compute(options.model_copy(update={"reference": path})),
    "concept": lambda options, path: compute(
        options.model_copy(update={"concepts": (f"a={path}",), "analyses": ("concepts",)})
    ),
    "zoo": lambda options, path: compute(options.model_copy(update={"zoo": (path,)})),
    "runs": lambda options, path: compute(options.model_copy(update={"runs": path})),
    "config": lambda _options, path: load_options({"models": ("no such",)}, config=path),
}


@pytest.mark.parametrize("option", WAYS)
def test_odd_files_are_refused_before_work(option: str, odd: list[Path], tiny_zoo: Path, tmp_path: Path) -> None:
    options = BuildOptions(
        models=("tiny",), zoo=(tiny_zoo,), untrained=True, preset="quick", analyses=("path",), runs=tmp_path / "runs"
    )
    for path in odd:
        if (path.name == "empty.mp4" and option == "config") or (path.name == "gone.mp4" and option == "runs"):
            continue  # nothing is asked, and a folder to be made
        with pytest.raises(ReportgenError) as refused:
            WAYS[option](options, path)
        assert str(refused.value).isprintable(), path
        assert str(refused.value).endswith((".", "?")), path
        assert not list((tmp_path / "runs").rglob("*.json")), path


def test_odd_files_among_reference_clips_are_passed_over(odd: list[Path]) -> None:
    for clip in find_clips(odd[0].parent):
        assert len(clip.digest()) == 64
        assert (clip.contents() is None) == (clip.title != "empty")


def test_a_path_that_is_too_long_is_told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["render", "--runs"], ["serve", "--site"], ["layers", "tiny", "--weights"]):
        monkeypatch.setattr(sys, "argv", ["reportgen", *words, "x" * 5000])
        with pytest.raises(SystemExit):
            main()
        assert "Error: " in capsys.readouterr().err
