"""Outputs that are closed or full, and memory that runs out outside a job: one sentence and an exit code."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from reportgen import errors
from tests.children import Finished, one_thread, reportgen, reportgen_command, run, run_python

FULL = Path("/dev/full")

ALLOCATES = """
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.kernels = nn.Conv3d(3, 4, 3)
        self.memory = torch.empty(10**15)

    def forward(self, clip):
        return self.kernels(clip).mean((2, 3, 4))


def make():
    return Net()
"""


def end_of(words: list[str], redirection: str, folder: Path) -> Finished:
    """Run reportgen with its standard output redirected by the shell."""
    return run(
        ["/bin/sh", "-c", f'exec "$@" {redirection}', "sh", *reportgen_command(*words)], cwd=folder, env=one_thread()
    )


@pytest.mark.skipif(not FULL.exists(), reason="there is no /dev/full")
@pytest.mark.parametrize("words", [["models"], ["methods", "--json"], ["--help"], ["--version"]])
def test_a_full_output_is_said(words: list[str], tmp_path: Path) -> None:
    ended = end_of(words, ">/dev/full", tmp_path)
    assert ended.returncode == errors.OutputError.exit_code, ended.stderr
    assert ended.stderr == "Error: Standard output cannot be written to: No space left on device.\n"


def test_a_closed_output_is_said_before_any_work(tmp_path: Path) -> None:
    ended = end_of(["models"], ">&-", tmp_path)
    assert ended.returncode == errors.OutputError.exit_code, ended.stderr
    assert ended.stderr.startswith("Error: Standard output is closed")


def test_a_reader_that_has_gone_is_told_by_the_exit_code_of_a_broken_pipe(tmp_path: Path) -> None:
    gone = "import os; read, write = os.pipe(); os.close(read); os.dup2(write, 1); from reportgen.cli import main; "
    ended = run_python(f"{gone} import sys; sys.argv[1:] = ['models']; main()", cwd=tmp_path)
    assert (ended.returncode, ended.stderr) == (141, "")


def test_memory_that_runs_out_while_a_network_is_built_is_said(tmp_path: Path) -> None:
    (tmp_path / "large.py").write_text(ALLOCATES)
    ended = reportgen("layers", "large.py:make", cwd=tmp_path)
    assert ended.returncode == errors.OutOfMemoryError.exit_code, ended.stderr
    assert ended.stderr == "Error: Memory ran out while large.py:make() built the network.\n"


@pytest.mark.skipif(os.name == "nt", reason="names of files are text there")
def test_a_path_that_is_no_text_is_said_before_any_work(tmp_path: Path) -> None:
    ended = reportgen("build", "--site", b"s\xff".decode(errors="surrogateescape"), cwd=tmp_path)
    assert ended.returncode == errors.OptionError.exit_code, ended.stderr
    assert ended.stderr.startswith("Error: The option site is 's�': it is not UTF-8 text")
    assert list(tmp_path.iterdir()) == []
