"""What becomes of damaged checkpoints and run folders: a sentence, a right answer, or what nothing tells from one."""

from __future__ import annotations

import pickle
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
from safetensors.torch import save

from reportgen.audit.checks import checks
from reportgen.errors import ReportgenError
from reportgen.pages.registry import all_pages
from reportgen.pages.report import Report
from reportgen.records.store import find_runs
from reportgen.zoo.checkpoints import read_checkpoint
from tests.damage import spoil, spoiled

SAMPLES = Path(__file__).resolve().parent.parent / "tests" / "site"

LIMIT = 10
"""Seconds that a case may take."""

SAID, RIGHT, OTHER, BROKEN = "said", "read right", "read as other numbers", "traceback or hang"
PAGES = "pages made"


def checkpoints(cases: int) -> Iterator[dict[str, object]]:
    """Yield a row for each form of checkpoint, damaged `cases` times in all."""
    state = {"conv.weight": torch.arange(2400.0).reshape(20, 30, 4), "conv.bias": torch.ones(20)}
    arrays = {"blobs": {name: value.numpy() for name, value in state.items()}}
    forms = {"pickle": pickle.dumps(arrays, protocol=2), "safetensors": save(state)}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "weights.pth"
        for name, new in (("zip", True), ("stream", False)):
            torch.save(state, path, _use_new_zipfile_serialization=new)
            forms[name] = path.read_bytes()
        for form, whole in forms.items():

            def case(seed: int, whole: bytes = whole) -> str:
                content = spoiled(whole, seed)
                path.write_bytes(whole[: seed % len(whole)] if content is None else content)
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

        def case(seed: int) -> str:
            spoilt = Path(shutil.copytree(whole, Path(folder) / "spoilt" / "drift", dirs_exist_ok=False))
            try:
                spoil(spoilt, seed)
                report = Report.of(find_runs(spoilt))
                for model in report.models:
                    checks(model, None)
                pages = list(all_pages(report))
                assert pages
                return PAGES
            finally:
                shutil.rmtree(spoilt)

        yield {"form": "run folder", **_outcomes(case, cases)}


def _outcomes(case: Callable[[int], str], cases: int) -> dict[str, object]:
    """Return how often each outcome was met, the seeds of the broken ones and the longest case's seconds."""
    found: Counter[str] = Counter()
    broken: dict[int, str] = {}
    slowest = 0.0
    for seed in range(cases):
        begun = time.perf_counter()
        try:
            with _bounded():
                outcome = case(seed)
        except ReportgenError as error:
            outcome = SAID if "\n" not in str(error) and str(error).endswith(".") else BROKEN
            if outcome == BROKEN:
                broken[seed] = str(error)
        except Exception as error:  # what is no sentence is what is looked for
            outcome = BROKEN
            broken[seed] = f"{type(error).__name__}: {error}"
        found[outcome] += 1
        slowest = max(slowest, time.perf_counter() - begun)
    return {**found, "broken": broken, "slowest_s": round(slowest, 2)}


@contextmanager
def _bounded() -> Iterator[None]:
    def stop(_signal: int, _frame: FrameType | None) -> None:
        raise TimeoutError(f"longer than {LIMIT} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, LIMIT)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
