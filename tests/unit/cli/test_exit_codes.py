"""How a command ends, by what ended it."""

from __future__ import annotations

import errno
import sys
from types import ModuleType

import pytest

from reportgen import errors
from reportgen.cli.app import _exit_code
from reportgen.stopping import StopSignals


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        OSError(errno.ENOMEM, "Cannot allocate memory"),
        ImportError("libtorch_cpu.so: failed to map segment from shared object"),
    ],
)
def test_memory_that_runs_out_while_torch_is_being_loaded_is_one_sentence(
    error: Exception, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "torch", ModuleType("torch"))
    monkeypatch.setitem(sys.modules, "reportgen.networks.core.out_of_memory", None)  # it cannot be loaded either
    assert _exit_code(error, StopSignals()) == errors.OutOfMemoryError.exit_code
    assert capsys.readouterr().err.startswith("Error: Memory ran out")
