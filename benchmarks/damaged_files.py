"""What becomes of damaged checkpoints and run folders: a sentence, a right answer, or what nothing tells from one."""

from __future__ import annotations

import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import torch

from reportgen.audit.checks import checks
from reportgen.errors import ReportgenError
from reportgen.pages.registry import all_pages
from reportgen.pages.report import Report
from reportgen.records.finding import find_runs
from reportgen.records.manifest import Manifest
from reportgen.zoo.checkpoints import read_checkpoint
from tests.damage import checkpoints_of, spoil, spoiled

SAMPLES = Path(__file__).resolve().parent.parent / "tests" / "site"

LIMIT = 10
"""Seconds of processor time that a case may take."""

SAID, RIGHT, OTHER, BROKEN = "said", "read right", "read as other numbers", "traceback or hang"
DAMAGE = "pages that say what is damaged or gone"


def checkpoints(cases: int) -> Iterator[dict[str, object]]:
    """Yield a row for each form of checkpoint, damaged `cases` times in all."""
    state = {"conv.weight": torch.arange(2400.0).reshape(20, 30, 4), "conv.bias": torch.ones(20)}
    forms = checkpoints_of(state)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "weights.pth"
        for form, whole in forms.items():

            def case(seed: int, whole: bytes = whole) -> str:
                path.write_bytes(spoiled(whole, seed))
                with _bounded():
                    found = read_checkpoint(path).tensors
                same = found.keys() == state.keys() and all(torch.equal(found[name], state[name]) for name in state)
                return RIGHT if same else OTHER

            yield {"form": form, **_outcomes(case, -(-cases // len(forms)))}


def runs(cases: int) -> Iterator[dict[str, object]]:
    """Yield a row for the sample run, of which one file is damaged `cases` times."""
    sys.path.append(str(SAMPLES))  # the modules of the sample run import each other from there
    from sample_run import write_sample

    with tempfile.TemporaryDirectory() as folder:
        whole = write_sample(Path(folder) / "whole") / "drift"
        (sound,) = Report.of(find_runs(whole)).models

        def case(seed: int) -> str:
            with tempfile.TemporaryDirectory(dir=folder) as beside:
                spoilt = Path(shutil.copytree(whole, Path(beside) / "drift"))
                spoil(spoilt, seed)
                with _bounded():
                    report = Report.of(find_runs(spoilt))
                    (model,) = report.models
                    checks(model, None)
                    assert list(all_pages(report))
                return _of_run(model.manifest, sound.manifest)

        yield {"form": "run folder", **_outcomes(case, cases)}


def _of_run(found: Manifest, sound: Manifest) -> str:
    """Return what became of a run: its pages say which records are damaged or gone, and clips lose their pictures."""
    if found == sound:
        return RIGHT
    said = found.trouble or len(found.records) < len(found.run.plan) or found.run.clips != sound.run.clips
    return DAMAGE if said else OTHER


def _outcomes(case: Callable[[int], str], cases: int) -> dict[str, object]:
    """Return how often each outcome was met, the seeds of the broken ones and the longest case's seconds."""
    found: Counter[str] = Counter()
    broken: dict[int, str] = {}
    slowest = 0.0
    for seed in range(cases):
        begun = time.process_time()
        try:
            outcome = case(seed)
        except ReportgenError as error:
            outcome = SAID if "\n" not in str(error) and str(error).endswith(".") else BROKEN
            if outcome == BROKEN:
                broken[seed] = str(error)
        except Exception as error:  # what is no sentence is what is looked for
            outcome = BROKEN
            broken[seed] = f"{type(error).__name__}: {error}"
        found[outcome] += 1
        slowest = max(slowest, time.process_time() - begun)
    return {**found, "broken": broken, "slowest_s": round(slowest, 2)}


@contextmanager
def _bounded() -> Iterator[None]:
    """Raise TimeoutError in work that takes longer: of its processor, for others may work too, or while it waits."""

    def stop(_signal: int, _frame: FrameType | None) -> None:
        raise TimeoutError(f"longer than {LIMIT} s")

    clocks = ((signal.ITIMER_PROF, signal.SIGPROF, LIMIT), (signal.ITIMER_REAL, signal.SIGALRM, 10 * LIMIT))
    before = {number: signal.signal(number, stop) for _, number, _ in clocks}
    for clock, _, seconds in clocks:
        signal.setitimer(clock, seconds)
    try:
        yield
    finally:
        for clock, number, _ in clocks:
            signal.setitimer(clock, 0)
            signal.signal(number, before[number])
