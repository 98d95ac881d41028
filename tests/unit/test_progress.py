"""Calls from Python are silent, show a bar for True, and report to an observer of one's own."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import reportgen
from reportgen.errors import OptionError
from reportgen.progress import SILENT, observer
from tests.contract.test_python_calls import CLIP, drawn, tiny


def probed(**options: Any) -> Any:
    return reportgen.probe(tiny(), CLIP, steps=2, maps=2, samples=2, baseline="black", **options)


CALLS: dict[str, Any] = {
    "probe": probed,
    "attribute": lambda **options: reportgen.attribute(tiny(), CLIP, 1, "gradients", **options),
    "evaluate_maps": lambda **options: reportgen.evaluate_maps(tiny(), probed(), [torch.rand(4, 12, 12)], **options),
    "maximize_activation": lambda **options: reportgen.maximize_activation(tiny(), "second", [0], steps=4, **options),
    "concept_tests": lambda **options: reportgen.concept_tests(tiny(), {"a": CLIP}, drawn(3), **options),
    "audit": lambda **options: reportgen.audit(tiny(), CLIP, checks=["kernels"], **options),
}


CHEAP = ("probe", "attribute", "audit")


@pytest.mark.parametrize(
    "call", [name if name in CHEAP else pytest.param(name, marks=pytest.mark.long) for name in CALLS]
)
def test_a_call_is_silent_unless_it_is_asked_for_a_bar(call: str, capfd: pytest.CaptureFixture[str]) -> None:
    for options in ({}, {"progress": False}):
        CALLS[call](**options)
        assert capfd.readouterr() == ("", "")
    CALLS[call](progress=True)
    out, err = capfd.readouterr()
    assert out == ""
    assert "%|" in err


def test_a_note_stands_above_the_bars(capfd: pytest.CaptureFixture[str]) -> None:
    bars = observer(True)
    with bars.task("half steps", 2.5) as task:
        task.advance(0.5)
        bars.note("a note")
    assert "a note\n" in capfd.readouterr().err
    assert observer(False) is SILENT
    assert observer(bars) is bars


def test_options_of_a_search_that_have_no_effect_are_refused() -> None:
    wrong = [
        ({"radius": 2.0}, 'radius has no effect: only the constraint "ball"'),
        ({"diversity": 2.0}, "diversity has no effect: one clip a kernel"),
        ({"basis": "pixels", "power": 2.0}, 'power has no effect: only the basis "fft"'),
        ({"stepz": 2}, "stepz"),
    ]
    for options, says in wrong:
        with pytest.raises(OptionError, match=says):
            reportgen.maximize_activation(tiny(), "second", [0], **{"steps": 2, **options})
    found = reportgen.maximize_activation(tiny(), "second", [0], steps=2, facets=2, diversity=0.5)
    assert len(found.clips) == 2
