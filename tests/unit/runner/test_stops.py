"""A compute that was stopped anywhere goes on to the bytes of one that was not, and no finished result is lost."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import pytest

from tests.children import run

FEW = ("kernels", "saliency")
MORE = ("kernels", "decomposition", "saliency", "responses")


@pytest.mark.parametrize(
    ("number", "tried", "analyses"),
    [
        pytest.param(signal.SIGKILL, "3", FEW, id="three", marks=pytest.mark.long),
        *(
            pytest.param(signal.SIGKILL, f"{part}/6", MORE, id=f"every sixth step, from {part}", marks=pytest.mark.long)
            for part in range(1, 7)
        ),
        pytest.param(signal.SIGINT, "50", MORE, id="fifty", marks=pytest.mark.long),
    ],
)
def test_a_stop_at_any_step_loses_no_result_and_changes_none(
    tmp_path: Path, tiny_zoo: Path, number: signal.Signals, tried: str, analyses: tuple[str, ...]
) -> None:
    # TERM and HUP either end the process at once, as KILL does, or are unwound by the command as INT is.
    words = [Path(__file__).with_name("stopped_computes.py"), tmp_path, tiny_zoo, int(number), tried, *analyses]
    done = run([sys.executable, *words], timeout=1100)
    assert done.returncode == 0, done.stderr[-3000:]
